package shop

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"cocart-gateway/deploy/demo/child"
)

// startPHP starts php-fpm with a fixed number of workers.
func (s *Shop) startPHP(ctx context.Context) error {
	s.config.Progress("starting PHP")
	if err := s.place.remove("run/php.sock"); err != nil {
		return err
	}
	var err error
	s.php, err = s.spawn("php-fpm", phpFPM(), "--nodaemonize", "-c", s.place.path("etc/php.ini"), "--fpm-config", s.place.path("etc/php-fpm.conf"))
	if err != nil {
		return err
	}
	return s.php.Ready(ctx, func() bool { return listens(s.place.path("run/php.sock")) })
}

// startWeb starts nginx. Between finding a port free and taking it another process may take it, so
// where any port will do, another one is tried.
func (s *Shop) startWeb(ctx context.Context) error {
	s.config.Progress("starting nginx")
	err := s.tryWeb(ctx)
	for tries := 0; err != nil && s.anyPort && ctx.Err() == nil && tries < 3; tries++ {
		if err = s.moveToAnotherPort(ctx); err == nil {
			err = s.tryWeb(ctx)
		}
	}
	return err
}

// tryWeb waits for nginx's own word, its pid file, which it writes once it listens: on its port another process might
// answer, too.
func (s *Shop) tryWeb(ctx context.Context) error {
	err := s.place.remove("run/nginx.pid")
	if err != nil {
		return err
	}
	s.web, err = s.spawn("nginx", nginx, "-c", s.place.path("etc/nginx.conf"), "-e", "stderr", "-p", s.Dir)
	if err != nil {
		return err
	}
	return s.web.Ready(ctx, func() bool { return s.place.exists("run/nginx.pid") })
}

func (s *Shop) moveToAnotherPort(ctx context.Context) error {
	if err := s.web.Stop(); err != nil {
		return err
	}
	select { // the failed attempt is no news for anybody
	case <-s.died:
	default:
	}
	s.config.Port = 0
	if err := s.takePort(); err != nil {
		return err
	}
	if err := s.writeConfiguration(ctx); err != nil {
		return err
	}
	return s.Configure(func(*Config) {})
}

// awaitWordPress asks for the REST index, which takes PHP, WordPress and the database.
func (s *Shop) awaitWordPress(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/index.php?rest_route=/", nil)
	if err != nil {
		return err
	}
	request.Host = s.siteHost()
	client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking WordPress for its REST index: %w", err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 2000))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("WordPress answers its REST index with %s (see %s):\n%s", response.Status, s.place.path("log"), child.Tail(body))
	}
	return nil
}

func listens(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// takePort settles on a free port, or says plainly that the wanted one is taken.
func (s *Shop) takePort() error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", s.config.Port))
	if err != nil {
		return fmt.Errorf("port %d for the shop: %w", s.config.Port, err)
	}
	s.config.Port = listener.Addr().(*net.TCPAddr).Port
	s.URL = fmt.Sprintf("http://127.0.0.1:%d", s.config.Port)
	return listener.Close()
}
