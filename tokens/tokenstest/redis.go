// Package tokenstest starts what tests with tokens need: real redis-servers (alone, as a cluster, watched by Sentinels),
// the embedded store, a clock that stands still, and an Authority with all of that. Everything ends with the test. If a
// program is missing on the machine, the test fails and names it.
package tokenstest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// quiet keeps what the client library says about every connection it cannot open out of the tests' output.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(quiet{}) }

// Server is a real redis-server with a data directory of its own.
type Server struct {
	t       testing.TB
	dir     string
	options []string
	watches string // a Sentinel's configuration file; "" for a server
	addr    string
	secure  string // where it speaks TLS
	process *exec.Cmd
	output  *bytes.Buffer
	exited  chan error
	mini    *miniredis.Miniredis // instead of a process, with -short

	certificates *Certificates // nil: no TLS
}

// Redis starts a redis-server on a free loopback port, with its data kept over Stop and Start. It ends with the test.
// The options are given to redis-server as they are. With go test -short, for machines that have nothing but Go, the
// embedded store stands in for a server without options; what only a real one can do is in tests whose names end in
// OnRealRedis.
func Redis(t testing.TB, options ...string) *Server {
	t.Helper()
	if testing.Short() && len(options) == 0 {
		s := &Server{t: t, mini: miniredis.RunT(t)}
		s.addr = s.mini.Addr()
		return s
	}
	return launch(t, &Server{t: t, dir: t.TempDir(), options: options})
}

func launch(t testing.TB, s *Server) *Server {
	t.Helper()
	for try := 0; ; try++ { // the port may be taken between choosing and using it
		s.addr = FreeAddress(t)
		if s.certificates != nil {
			s.secure = FreeAddress(t)
		}
		if s.start() {
			break
		}
		if try == 5 {
			t.Fatalf("redis-server does not start: %s", s.output)
		}
	}
	t.Cleanup(s.Stop)
	return s
}

// Addr is its host and port.
func (s *Server) Addr() string { return s.addr }

// SecureAddr is the host and port at which a server with Certificates speaks TLS.
func (s *Server) SecureAddr() string { return s.secure }

// Client returns a client without TLS, and without retries so that an outage shows at once. It waits long for an answer,
// since the machine may be busy. It dials as soon as a server listens again: after as many failures as it may have
// connections, few on a small machine, go-redis would not dial for a second. The test closes it.
func (s *Server) Client() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1, PoolSize: 1000,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// Start starts it again after Stop, with the data and the address it had.
func (s *Server) Start() {
	s.t.Helper()
	if !s.start() {
		s.t.Fatalf("redis-server does not start again: %s", s.output)
	}
}

// Stop ends it. It saves its data first. A server that is just writing its first append-only file, as a new replica
// does, forgets the signal to end ("Writing initial AOF. Can't exit."), so the signal is repeated until it ends.
func (s *Server) Stop() {
	if s.mini != nil {
		s.mini.Close()
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for s.process != nil {
		s.process.Process.Signal(syscall.SIGTERM) // not SIGINT: a second one would end it without saving
		select {
		case <-s.exited:
			s.process = nil
		case <-tick.C:
		}
	}
}

// PID is the process id of the server while it runs, for tests that freeze it.
func (s *Server) PID() int { return s.process.Process.Pid }

// Kill ends it as a power cut would.
func (s *Server) Kill() {
	if s.mini != nil {
		s.mini.Close()
	}
	if s.process == nil {
		return
	}
	s.process.Process.Kill()
	<-s.exited
	s.process = nil
}

func (s *Server) start() bool {
	s.t.Helper()
	if s.mini != nil {
		return s.mini.Restart() == nil
	}
	return s.run(s.arguments()) && s.answers()
}

func (s *Server) arguments() []string {
	where := []string{"--port", port(s.addr), "--bind", "127.0.0.1", "--dir", s.dir, "--daemonize", "no"}
	if s.certificates != nil {
		where = append(where, s.certificates.arguments(port(s.secure))...)
	}
	if s.watches != "" {
		return append([]string{s.watches, "--sentinel"}, where...)
	}
	return append(append(where, "--appendonly", "yes", "--save", ""), s.options...)
}

func (s *Server) run(args []string) bool {
	s.t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("redis-server is missing: install it (Debian package redis-server), these tests need a real one")
	}
	s.output = &bytes.Buffer{}
	s.process = exec.Command(path, args...)
	s.process.Stdout, s.process.Stderr = s.output, s.output
	s.exited = make(chan error, 1)
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("starting redis-server: %v", err)
	}
	go func(p *exec.Cmd, exited chan<- error) { exited <- p.Wait() }(s.process, s.exited)
	return true
}

// answers waits until the server takes commands, or has ended by itself. It refuses another server that took the port
// first.
func (s *Server) answers() bool {
	c := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
	defer c.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	own := fmt.Sprintf("process_id:%d\r\n", s.process.Process.Pid)
	for {
		if strings.Contains(c.Info(context.Background(), "server").Val(), own) {
			return true
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			s.process = nil
			return false
		case <-deadline:
			s.Kill()
			return false
		case <-tick.C:
		}
	}
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// Embedded starts the embedded store and connects to it. Both end with the test.
func Embedded(t testing.TB) *redis.Client {
	t.Helper()
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1, DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience})
	t.Cleanup(func() { c.Close() })
	return c
}
