package upstream

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"time"

	"cocart-gateway/upstream/pool"
)

// Config says where WordPress is and what it is called.
type Config struct {
	// URL is the origin requests are sent to: scheme, host and port only, or the
	// scheme unix and the path of a socket.
	URL *url.URL
	// Nodes are all the origins that serve the same site, where there are several;
	// URL then means nothing.
	Nodes []*url.URL
	// SiteURL is the address WordPress believes it has (its home option). Scheme
	// aside, it is the audience of every assertion.
	SiteURL *url.URL
	// Secrets are shared with the must-use plugin. The first one signs, all of
	// them verify replies. Each is at least [MinSecret] bytes.
	Secrets []string
	// Host is sent instead of the client's Host; empty: the client's own.
	Host string
	// Headers are sent with each request to the origin, checks included, in place of
	// the client's of the same name: what its web server asks for. With Authorization
	// among them the client's own travels in another header, from which the must-use
	// plugin restores it.
	Headers http.Header
	// TLS is for https origins; nil means TLS 1.2 or newer and the authorities that
	// the machine trusts.
	TLS *tls.Config
	// DialTimeout bounds connecting; zero means 2 s.
	DialTimeout time.Duration
	// ResponseTimeout bounds the wait for the header of an answer, not its body,
	// so that streams and downloads may last; zero means 60 s.
	ResponseTimeout time.Duration
	// Timeouts are those of some requests, where they differ.
	Timeouts Timeouts
	// BodyTimeout is how long the body of an answer may stand still, and how long
	// WordPress may take to accept a piece of an upload; zero means 5 min, less than
	// zero for ever. It frees the place at the node; a client that reads nothing is
	// disconnected by the package that owns its connection.
	BodyTimeout time.Duration
	// ResponseHeader is the largest header of an answer, in bytes; zero means 256 KiB.
	ResponseHeader int64
	// IdleConnections is how many connections are kept open to each node; by TLS, for
	// each of the Timeouts that differ. Zero means 512. Two, which is net/http's
	// default, costs 2.6 times the CPU at 64 clients.
	IdleConnections int
	// IdleTimeout is how long they wait for their next request; zero means 30 s.
	// It should be shorter than the idle timeout of the web server: a request into a
	// connection that is just being closed there is sent again only if it may be.
	IdleTimeout time.Duration
	// Concurrency bounds what PHP works on at once.
	Concurrency pool.Concurrency
	// Health says which nodes are up.
	Health pool.Health
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Steady runs on while the clock is set; nil means the monotonic clock that the times of Now carry.
	Steady func() time.Time
}

// Timeouts are for what is asked; zero means Config.ResponseTimeout.
type Timeouts struct {
	// Login also bounds the body of the answer, from when it began.
	Login  time.Duration
	CoCart time.Duration // CoCart's other routes
	Site   time.Duration // all else, and checks
}

// origins are the servers, one or several.
func (c Config) origins() []*url.URL {
	if len(c.Nodes) == 0 {
		return []*url.URL{c.URL}
	}
	return c.Nodes
}

func (c Config) pool(now func() time.Time) pool.Config {
	return pool.Config{
		Origins: c.origins(), TLS: c.TLS, DialTimeout: c.DialTimeout, Timeouts: c.timeouts(), BodyTimeout: c.BodyTimeout,
		ResponseHeader: c.ResponseHeader, IdleConnections: c.IdleConnections, IdleTimeout: c.IdleTimeout,
		Concurrency: c.Concurrency, Health: c.Health, Now: now,
	}
}

func (c Config) timeouts() map[pool.Call]time.Duration {
	usual := cmp.Or(c.ResponseTimeout, 60*time.Second)
	return map[pool.Call]time.Duration{
		pool.LoginCall: cmp.Or(c.Timeouts.Login, usual), pool.CoCartCall: cmp.Or(c.Timeouts.CoCart, usual), pool.SiteCall: cmp.Or(c.Timeouts.Site, usual),
	}
}

func (c Config) check() error {
	if c.SiteURL == nil || c.SiteURL.Host == "" {
		return errors.New("upstream: SiteURL is required")
	}
	for _, o := range c.origins() {
		if o == nil || o.Host == "" && (o.Scheme != "unix" || o.Path == "") {
			return errors.New("upstream: each origin needs a host, or the path of a socket")
		}
	}
	return nil
}
