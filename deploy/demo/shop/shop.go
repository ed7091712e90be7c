// Package shop runs a real WordPress on this machine, for demos and for end-to-end tests:
// MariaDB, php-fpm and nginx from Debian's packages, with a stand-in for CoCart.
//
// A shop lives in one directory and is reachable on 127.0.0.1 only. Its programs never run
// as root: root hands them to www-data. None of them outlives the process that started them.
// The first start takes some seconds, because WordPress is installed; later ones are quick.
//
// The package installs nothing on the machine; deploy/demo/install.sh does.
package shop

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"sync"

	"cocart-gateway/deploy/demo/child"
)

// Config says what shop to run. The zero value is a shop without a gateway.
type Config struct {
	// Dir keeps everything the shop has. It is created, and must belong to this user.
	// Empty means DefaultDir("shop"). Its path may have 80 bytes at most (Unix sockets).
	Dir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// SiteURL is what WordPress believes to be its address (WP_HOME, WP_SITEURL), that is the
	// gateway's. Empty means the shop's own.
	SiteURL string
	// Secret becomes COCART_GATEWAY_SECRET; empty leaves the constant undefined.
	Secret string
	// Required becomes COCART_GATEWAY_REQUIRED.
	Required bool
	// Plugin is the source of the must-use plugin; nil runs the shop without it.
	Plugin []byte
	// CoCart is the version whose behaviour the stand-in imitates, "4.7" if empty.
	CoCart string
	// WordPress is where WordPress is copied from, Debian's package if empty.
	WordPress string
	// Network makes it a network of sites in subdirectories: the shop at SiteURL, which must be
	// given then, and a second one at SiteURL/second that has no customers yet.
	Network bool
	// Environment becomes WP_ENVIRONMENT_TYPE, "production" if empty. There CoCart looks at
	// credentials only where WordPress's is_ssl() holds; "local" lifts that.
	Environment string
	// Pages are files that the web server serves below the folder of the same name, without PHP; nil for none.
	Pages map[string]fs.FS
	// Constants are further PHP constants for wp-config.php. A value is anything that
	// encoding/json knows, and PHP reads it as json_decode does with arrays.
	Constants map[string]any
	// Fresh forgets what earlier runs left behind: carts, changed passwords, other customers.
	Fresh bool
	// Log receives the output of all programs besides their files in Dir/log; nil drops it.
	Log io.Writer
	// Progress gets, in a few words, what is being done; nil is fine.
	Progress func(string)
}

// Shop is a running WordPress. Its methods may be called from several goroutines.
type Shop struct {
	// URL is where WordPress answers: http://127.0.0.1:PORT, whatever SiteURL says.
	URL string
	// Dir is where the shop lives; logs are in Dir/log.
	Dir string

	place place
	lock  *lock

	anyPort bool // whether another port will do

	mu     sync.Mutex // guards config and the files written from it
	config Config

	database, php, web *child.Process
	died               chan error
	stopped            sync.Once
}

// Start brings up the shop and returns once WordPress answers. The context bounds the start
// only; a running shop ends with Stop. A second shop in the same directory is refused.
func Start(ctx context.Context, config Config) (*Shop, error) {
	config = config.withDefaults()
	if err := requirePrograms(config.WordPress); err != nil {
		return nil, err
	}
	place, err := prepare(config.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(ctx, place)
	if err != nil {
		return nil, errors.Join(err, place.root.Close())
	}
	s := &Shop{Dir: config.Dir, place: place, lock: lock, config: config, died: make(chan error, 3)}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Dir == "" {
		c.Dir = DefaultDir("shop")
	}
	if c.CoCart == "" {
		c.CoCart = "4.7"
	}
	if c.WordPress == "" {
		c.WordPress = wordPress
	}
	if c.Environment == "" {
		c.Environment = "production"
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

func (s *Shop) start(ctx context.Context) error {
	s.anyPort = s.config.Port == 0
	if err := s.takePort(); err != nil {
		return err
	}
	steps := []func(context.Context) error{
		s.discardOutdated, s.writeConfiguration, s.createDatabase, s.startDatabase,
		s.copyWordPress, s.writeSite, s.installWordPress, s.settleAccounts,
		s.startPHP, s.startWeb, s.awaitWordPress,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Died delivers the reason when one of the shop's programs ends by itself: which one, and the
// last lines it wrote.
func (s *Shop) Died() <-chan error { return s.died }

// Configure changes the configuration of the running shop and writes wp-config.php and the
// must-use plugin anew; the next request sees it. Dir, Port, WordPress, Network, Fresh and Log stay as they were.
func (s *Shop) Configure(change func(*Config)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.config)
	return s.writeKnobs()
}

// Stop ends all programs of the shop, web server first, and waits for them. It returns an error
// if one had to be killed. Further calls do nothing.
func (s *Shop) Stop() error {
	var problems []error
	s.stopped.Do(func() {
		for _, p := range []*child.Process{s.web, s.php, s.database} {
			problems = append(problems, p.Stop())
		}
		problems = append(problems, s.lock.release(), s.place.root.Close())
	})
	return errors.Join(problems...)
}

// siteURL is read while mu is held, or before others know the shop.
func (s *Shop) siteURL() string {
	if s.config.SiteURL == "" {
		return s.URL
	}
	return s.config.SiteURL
}

func (s *Shop) siteHost() string {
	site, err := url.Parse(s.siteURL())
	if err != nil {
		return ""
	}
	return site.Host
}
