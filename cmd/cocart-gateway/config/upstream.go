package config

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// UpstreamNodes is how WordPress is spoken to where one address and one timeout do not say enough.
type UpstreamNodes struct {
	Others         []*url.URL // the nodes besides URL
	Login          Secret     // user:password in URL and Others, where they are not; or empty
	Headers        []OriginHeader
	Host           string // "pass", "site", or the Host that WordPress gets
	Timeouts       UpstreamTimeouts
	BodyTimeout    time.Duration // 0: none
	ResponseHeader int64         // bytes
	Concurrency    ConcurrencyConfig
	Health         HealthConfig
	TLSCAFile      string // absolute paths; empty: none
	TLSCertFile    string
	TLSKeyFile     string
	TLSServerName  string
}

// UpstreamTimeouts are those that differ from ResponseTimeout; 0: they do not.
type UpstreamTimeouts struct{ Login, CoCart, Site time.Duration }

// ConcurrencyConfig bounds what PHP works on at once.
type ConcurrencyConfig struct {
	Limit             int // of each node; 0: none
	Queue             int
	QueueTimeout      time.Duration
	StorefrontPercent int
	Abandoned         int            // 0: what a client leaves is dropped
	OwnAddresses      []netip.Prefix // masked; from which WordPress sends requests to itself
}

// HealthConfig is how nodes are checked.
type HealthConfig struct {
	Path                string // empty: the REST index
	Interval, Timeout   time.Duration
	Failures, Successes int
}

func defaultUpstreamNodes() UpstreamNodes {
	return UpstreamNodes{
		Host: "pass", BodyTimeout: 5 * time.Minute, ResponseHeader: 256 << 10,
		Concurrency: ConcurrencyConfig{Queue: 100, QueueTimeout: 2 * time.Second, StorefrontPercent: 75, Abandoned: 100, OwnAddresses: loopbackNetworks()},
		Health:      HealthConfig{Interval: 10 * time.Second, Timeout: 5 * time.Second, Failures: 3, Successes: 1},
	}
}

func loopbackNetworks() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func upstreamBlock(c *UpstreamConfig) entry {
	patience := durationBy("must be a duration between 10ms and 1h, or 0 for upstream.response_timeout", "15s",
		func(d time.Duration) bool { return d == 0 || 10*time.Millisecond <= d && d <= time.Hour })
	return block("upstream",
		originsEntry(c),
		needed(secrets("secret", &c.Secret, sharedSecret(32, "make one with openssl rand -base64 48 and put it in wp-config.php too"))),
		originHeadersEntry(&c.Headers),
		value("dial_timeout", &c.DialTimeout, duration(10*time.Millisecond, time.Minute, "2s")),
		value("response_timeout", &c.ResponseTimeout, duration(10*time.Millisecond, time.Hour, "60s")),
		block("timeouts",
			value("login", &c.Timeouts.Login, patience),
			value("cocart", &c.Timeouts.CoCart, patience),
			value("site", &c.Timeouts.Site, patience)),
		value("body_timeout", &c.BodyTimeout, durationBy("must be a duration between 1s and 1d, or 0 for no limit", "5m",
			func(d time.Duration) bool { return d == 0 || time.Second <= d && d <= day })),
		value("response_header", &c.ResponseHeader, size(4<<10, 16<<20, "256KiB")),
		value("idle_connections", &c.IdleConnections, number(1, 100_000, "write e.g. 512")),
		value("idle_timeout", &c.IdleTimeout, duration(10*time.Millisecond, time.Hour, "30s")),
		value("host", &c.Host, text("must be pass, site or a host name", "write pass, site, or e.g. shop.example.com", goodUpstreamHost)),
		block("concurrency",
			value("limit", &c.Concurrency.Limit, number(0, 100_000, "write pm.max_children of PHP-FPM less one or two, or 0 for no limit")),
			value("queue", &c.Concurrency.Queue, number(0, 100_000, "write e.g. 100")),
			value("queue_timeout", &c.Concurrency.QueueTimeout, duration(10*time.Millisecond, 15*time.Second, "2s")),
			value("storefront_percent", &c.Concurrency.StorefrontPercent, number(1, 100, "write e.g. 75, or 100 to reserve nothing")),
			value("abandoned", &c.Concurrency.Abandoned, number(0, 100_000, "write e.g. 100, or 0 to drop them")),
			values("own_addresses", &c.Concurrency.OwnAddresses, proxy())),
		block("health",
			value("path", &c.Health.Path, text("must be empty or a path that begins with /", "write e.g. /health.php", goodCheckPath)),
			value("interval", &c.Health.Interval, duration(time.Second, time.Hour, "10s")),
			value("timeout", &c.Health.Timeout, duration(10*time.Millisecond, time.Minute, "5s")),
			value("failures", &c.Health.Failures, number(1, 100, "write e.g. 3")),
			value("successes", &c.Health.Successes, number(1, 100, "write e.g. 1"))),
		filePath("tls_ca_file", &c.TLSCAFile),
		filePath("tls_cert_file", &c.TLSCertFile),
		filePath("tls_key_file", &c.TLSKeyFile),
		value("tls_server_name", &c.TLSServerName, text("must be the name in the certificate of WordPress", "write e.g. shop.example.com",
			func(s string) bool { return s == "" || goodHost(s) })))
}

// Origins are all nodes, the first one first.
func (c UpstreamConfig) Origins() []*url.URL {
	return append([]*url.URL{c.URL}, c.Others...)
}

// originsEntry takes one address or a list, of nodes that serve the same site.
func originsEntry(c *UpstreamConfig) entry {
	f := originAddress()
	return entry{
		names: []string{"url"}, required: true, missing: mistake{"", f.rule, f.remedy},
		read: func(r *reader, _ string, at place, n *yaml.Node) {
			if n.Kind == yaml.SequenceNode {
				c.readOrigins(r, at, n, f)
			} else if u, ok := readValue(r, at, n, f); ok {
				c.URL, c.Others, c.Login = withoutLogin(u), nil, loginOf(u)
			}
		},
		show: func(reveal bool) any {
			if len(c.Others) == 0 {
				return c.showOrigin(f, c.URL, reveal)
			}
			list := []any{}
			for _, u := range c.Origins() {
				list = append(list, c.showOrigin(f, u, reveal))
			}
			return list
		},
	}
}

func (c *UpstreamConfig) readOrigins(r *reader, at place, n *yaml.Node, f form[*url.URL]) {
	if len(n.Content) == 0 {
		r.reject(at, mistake{describe(n), f.rule, f.remedy})
		return
	}
	var all []*url.URL
	var logins []Secret
	for i, item := range n.Content {
		here := at.item(i, item.Line)
		u, ok := readValue(r, here, item, f)
		if ok {
			logins, u = append(logins, loginOf(u)), withoutLogin(u)
		}
		if ok && slices.ContainsFunc(all, func(other *url.URL) bool { return other.String() == u.String() }) {
			r.reject(here, mistake{"is there already", "must be another node", "remove it"})
		} else if ok {
			all = append(all, u)
		}
	}
	if len(slices.Compact(logins)) > 1 {
		r.reject(at, mistake{"has different user names or passwords before the @", "must have the same for each node",
			"write the same for each, or write it once, as upstream.headers.Authorization"})
		return
	}
	if len(all) == len(n.Content) {
		c.URL, c.Others, c.Login = all[0], all[1:], logins[0]
	}
	if len(c.Others) == 0 {
		c.Others = nil // a list of one is that one
	}
}

// originAddress is a web address or the socket of a web server.
func originAddress() form[*url.URL] {
	f := webAddress("must be the address of WordPress, http or https, host and port only", "http://127.0.0.1:8000", noPath)
	web, show := f.parse, f.show
	f.parse = func(s string) (*url.URL, *mistake) {
		path, isSocket := strings.CutPrefix(s, "unix:")
		switch {
		case !isSocket:
			return parseWithLogin(s, web)
		case !filepath.IsAbs(path) || filepath.Clean(path) != path || path == "/" || strings.ContainsAny(path, "?#%"):
			return nil, &mistake{rule: "must be unix: and the absolute path of a socket", remedy: "write e.g. unix:/run/shop.sock"}
		}
		return &url.URL{Scheme: "unix", Path: path, OmitHost: true}, nil
	}
	f.show = func(u *url.URL) any {
		if u != nil && u.Scheme == "unix" {
			return EscapeVariables("unix:" + u.Path)
		}
		return show(u)
	}
	return f
}

func goodUpstreamHost(s string) bool {
	u := &url.URL{Host: s}
	return s == "pass" || s == "site" || s != "" && goodHostPort(u)
}

func goodCheckPath(s string) bool {
	u, err := url.ParseRequestURI(s)
	return s == "" || err == nil && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && u.RequestURI() == s && plainASCII(s)
}

// filePath is a file that the gateway reads again when it changes. Relative ones are below the folder of this file.
func filePath(name string, dst *string) entry {
	f := text("must be the path of a file", "write the path or remove the key", func(s string) bool { return s != "" })
	return hideEmpty(entry{
		names: []string{name},
		read: func(r *reader, _ string, at place, n *yaml.Node) {
			path, ok := readValue(r, at, n, f)
			if !ok {
				return
			}
			if !filepath.IsAbs(path) {
				path = filepath.Join(r.dir, path)
			}
			if _, m := r.file(path, maxSecretFile); m != nil {
				r.reject(at, mistake{fmt.Sprintf("names %s, which %s", printable(path), strings.TrimPrefix(m.value, "the file ")), m.rule, m.remedy})
				return
			}
			*dst = path
		},
		show: func(bool) any { return EscapeVariables(*dst) },
	})
}

// siteHost is a name that clients may ask for.
func siteHost() form[string] {
	f := text("must be a host name, without a port, perhaps with *. in front", "write e.g. shop.example.com or *.example.com",
		func(s string) bool { return goodHost(strings.TrimPrefix(s, "*.")) && !strings.HasSuffix(s, ".") })
	parse := f.parse
	f.parse = func(s string) (string, *mistake) { return parse(strings.ToLower(s)) }
	return f
}

// checkOrigins keeps the gateway from being put in front of itself.
func checkOrigins(c *Config, r *reader) {
	if c.Upstream.URL == nil || !r.sound("upstream.url") {
		return
	}
	for _, origin := range c.Upstream.Origins() {
		address := ifElse(origin.Scheme == "unix", UnixPrefix+origin.Path, hostPort(origin))
		for _, own := range c.Listeners() {
			if r.sound(own.block()) && sameSocket(own.Address, address) {
				r.reject(r.at("upstream.url"), mistake{"is " + origin.String() + ", the gateway itself (" + own.Key + ")",
					"must be the address of WordPress", "write where the web server of WordPress listens, e.g. http://127.0.0.1:8000"})
			}
		}
	}
}

// checkUpstreamTLS: a certificate that is quietly never shown would be believed to work.
func checkUpstreamTLS(c *UpstreamConfig, r *reader) {
	if c.URL == nil || !r.sound("upstream.url") {
		return
	}
	if !slices.ContainsFunc(c.Origins(), func(u *url.URL) bool { return u.Scheme == "https" }) {
		for _, s := range []setting{{"tls_ca_file", c.TLSCAFile != ""}, {"tls_cert_file", c.TLSCertFile != ""},
			{"tls_key_file", c.TLSKeyFile != ""}, {"tls_server_name", c.TLSServerName != ""}} {
			if key := "upstream." + s.key; s.set && r.sound(key) {
				r.reject(r.at(key), mistake{"is set, though upstream.url is not https", "must stand with an https:// address only", "write https://…, or remove it"})
			}
		}
		return
	}
	checkClientCertificate(c, r)
	if c.TLSCAFile != "" {
		data, _ := r.file(c.TLSCAFile, maxSecretFile) // was read a moment ago
		if m := certificates.check(string(data)); m != nil {
			r.reject(r.at("upstream.tls_ca_file"), m.or("", certificates.rule, certificates.remedy))
		}
	}
}

func checkClientCertificate(c *UpstreamConfig, r *reader) {
	if !r.sound("upstream.tls_cert_file", "upstream.tls_key_file") || c.TLSCertFile == "" && c.TLSKeyFile == "" {
		return
	}
	at := r.at("upstream.tls_key_file", "upstream.tls_cert_file")
	if c.TLSCertFile == "" || c.TLSKeyFile == "" {
		r.reject(at, mistake{"is given alone", "must be both upstream.tls_cert_file and upstream.tls_key_file, or neither", "give both"})
		return
	}
	cert, _ := r.file(c.TLSCertFile, maxSecretFile)
	key, _ := r.file(c.TLSKeyFile, maxSecretFile)
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		r.reject(at, mistake{"is refused: " + strings.TrimPrefix(err.Error(), "tls: "), "must be the private key of upstream.tls_cert_file",
			"give the two files that were made together"})
	}
}
