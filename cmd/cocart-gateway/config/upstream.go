package config

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Upstream is how the gateway reaches WordPress.
type Upstream struct {
	URL             *url.URL       // the first node; http or https, host and port only; or unix and a path
	Others          []*url.URL     // the other nodes
	Login           Secret         // user:password of URL and Others, which do not contain it; or empty
	Secret          []Secret       // newest first, never empty; the first signs assertions, all are accepted
	Headers         []OriginHeader // sent with every request
	Host            string         // "pass", "site", or the Host that WordPress gets
	DialTimeout     time.Duration
	ResponseTimeout time.Duration // until the response header
	Timeouts        Timeouts
	BodyTimeout     time.Duration // 0: no limit
	ResponseHeader  int64         // bytes
	IdleConnections int
	IdleTimeout     time.Duration // of idle connections
	Concurrency     Concurrency
	Health          Health
	TLSCAFile       string // absolute paths, or empty
	TLSCertFile     string
	TLSKeyFile      string
	TLSServerName   string
}

// Timeouts replace ResponseTimeout for some requests; 0: they do not.
type Timeouts struct{ Login, CoCart, Site time.Duration }

// Concurrency limits the requests that PHP handles at once.
type Concurrency struct {
	Limit             int // of each node; 0: no limit
	Queue             int
	QueueTimeout      time.Duration
	StorefrontPercent int
	Abandoned         int            // 0: a request ends when its client disconnects
	OwnAddresses      []netip.Prefix // masked; WordPress sends requests to itself from these
}

// Health is the health check of nodes.
type Health struct {
	Path                string // empty: the REST index
	Interval, Timeout   time.Duration
	Failures, Successes int
}

func loopbackNetworks() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func upstreamKeys(c *Upstream) entry {
	own := durationOr0(10*time.Millisecond, time.Hour, "upstream.response_timeout").like("15s")
	return block("upstream",
		required(entry{names: []string{"url"}, missing: originAddress().missing(), content: origins{c, originAddress()}}),
		required(secrets("secret", &c.Secret, sharedSecret(32, "make one with openssl rand -base64 48 and put it in wp-config.php too"))),
		entry{names: []string{"headers"}, content: originHeaders{&c.Headers}},
		value("dial_timeout", &c.DialTimeout, 2*time.Second, duration(10*time.Millisecond, time.Minute)),
		value("response_timeout", &c.ResponseTimeout, time.Minute, duration(10*time.Millisecond, time.Hour)),
		block("timeouts",
			value("login", &c.Timeouts.Login, 0, own),
			value("cocart", &c.Timeouts.CoCart, 0, own),
			value("site", &c.Timeouts.Site, 0, own)),
		value("body_timeout", &c.BodyTimeout, 5*time.Minute, durationOr0(time.Second, day, "no limit")),
		value("response_header", &c.ResponseHeader, 256<<10, size(4<<10, 16<<20)),
		value("idle_connections", &c.IdleConnections, 512, number(1, 100_000)),
		value("idle_timeout", &c.IdleTimeout, 30*time.Second, duration(10*time.Millisecond, time.Hour)),
		value("host", &c.Host, "pass", text("must be pass, site or a host name", goodUpstreamHost).advise("write pass, site, or e.g. shop.example.com")),
		concurrencyKeys(&c.Concurrency),
		block("health",
			value("path", &c.Health.Path, "", text("must be empty or a path that begins with /", goodCheckPath).like("/health.php")),
			value("interval", &c.Health.Interval, 10*time.Second, duration(time.Second, time.Hour)),
			value("timeout", &c.Health.Timeout, 5*time.Second, duration(10*time.Millisecond, time.Minute)),
			value("failures", &c.Health.Failures, 3, number(1, 100)),
			value("successes", &c.Health.Successes, 1, number(1, 100))),
		file("tls_ca_file", &c.TLSCAFile),
		file("tls_cert_file", &c.TLSCertFile),
		file("tls_key_file", &c.TLSKeyFile),
		value("tls_server_name", &c.TLSServerName, "", serverName("WordPress").like("shop.example.com")))
}

func concurrencyKeys(c *Concurrency) entry {
	return block("concurrency",
		value("limit", &c.Limit, 0, number(0, 100_000).advise("write pm.max_children of PHP-FPM less one or two").or0("for no limit")),
		value("queue", &c.Queue, 100, number(0, 100_000)),
		value("queue_timeout", &c.QueueTimeout, 2*time.Second, duration(10*time.Millisecond, 15*time.Second)),
		value("storefront_percent", &c.StorefrontPercent, 75, number(1, 100).advise("write e.g. 75, or 100 to reserve nothing")),
		value("abandoned", &c.Abandoned, 100, number(0, 100_000).or0("to drop them")),
		values("own_addresses", &c.OwnAddresses, loopbackNetworks(), network()))
}

// serverName is the name in the certificate of a server, or empty.
func serverName(server string) form[string] {
	return text("must be the name in the certificate of "+server, func(s string) bool { return s == "" || goodHost(s) })
}

// Origins returns all nodes.
func (c Upstream) Origins() []*url.URL {
	return append([]*url.URL{c.URL}, c.Others...)
}

// origins is one address or a list, of nodes that serve the same site.
type origins struct {
	c *Upstream
	form[*url.URL]
}

func (o origins) setDefault() { o.c.URL, o.c.Others, o.c.Login = nil, nil, Secret{} }

func (o origins) read(r *reader, _ string, at position, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		o.c.readOrigins(r, at, n, o.form)
	} else if u, ok := readValue(r, at, n, o.form); ok {
		o.c.URL, o.c.Others, o.c.Login = withoutLogin(u), nil, loginOf(u)
	}
}

func (o origins) show(reveal bool) any {
	if len(o.c.Others) == 0 {
		return o.c.showOrigin(o.form, o.c.URL, reveal)
	}
	list := []any{}
	for _, u := range o.c.Origins() {
		list = append(list, o.c.showOrigin(o.form, u, reveal))
	}
	return list
}

func (c *Upstream) readOrigins(r *reader, at position, n *yaml.Node, f form[*url.URL]) {
	if len(n.Content) == 0 {
		r.reject(at, describe(n), f.rule, f.remedy)
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
			r.reject(here, "is in the list already", "must be another node", "remove it")
		} else if ok {
			all = append(all, u)
		}
	}
	if len(slices.Compact(logins)) > 1 {
		r.reject(at, "has different user names or passwords before the @", "must have the same for each node",
			"write the same for each, or write it once, as upstream.headers.Authorization")
		return
	}
	if len(all) == len(n.Content) {
		c.URL, c.Others, c.Login = all[0], all[1:], logins[0]
	}
	if len(c.Others) == 0 {
		c.Others = nil // a list of one is that one
	}
}

// originAddress is a web address, perhaps with user:password, or the socket of a web server.
func originAddress() form[*url.URL] {
	web := webAddress("must be the address of WordPress, http or https, host and port only", noPath)
	return form[*url.URL]{
		rule:   web.rule,
		remedy: "write e.g. http://127.0.0.1:8000",
		types:  web.types,
		parse: func(s string) (*url.URL, *mistake) {
			path, isSocket := strings.CutPrefix(s, UnixPrefix)
			switch {
			case !isSocket:
				return parseWithLogin(s, web.parse)
			case !filepath.IsAbs(path) || filepath.Clean(path) != path || path == "/" || strings.ContainsAny(path, "?#%"):
				return nil, &mistake{rule: "must be unix: and the absolute path of a socket", remedy: "write e.g. unix:/run/shop.sock"}
			}
			return &url.URL{Scheme: "unix", Path: path, OmitHost: true}, nil
		},
		show: func(u *url.URL) any {
			if u != nil && u.Scheme == "unix" {
				return EscapeVariables(UnixPrefix + u.Path)
			}
			return web.show(u)
		},
	}
}

func goodUpstreamHost(s string) bool {
	u := &url.URL{Host: s}
	return s == "pass" || s == "site" || s != "" && goodHostPort(u)
}

func goodCheckPath(s string) bool {
	u, err := url.ParseRequestURI(s)
	return s == "" || err == nil && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && u.RequestURI() == s && plainASCII(s)
}

// checkOrigins refuses the gateway itself as WordPress.
func checkOrigins(c *Config, r *reader) {
	if c.Upstream.URL == nil || !r.sound("upstream.url") {
		return
	}
	for _, origin := range c.Upstream.Origins() {
		address := ifElse(origin.Scheme == "unix", UnixPrefix+origin.Path, hostPort(origin))
		for _, own := range c.Listeners() {
			if r.sound(own.block()) && sameSocket(own.Address, address) {
				r.reject(r.at("upstream.url"), "is "+origin.String()+", the gateway itself ("+own.Key+")",
					"must be the address of WordPress", "write where the web server of WordPress listens, e.g. http://127.0.0.1:8000")
			}
		}
	}
}

// checkUpstreamTLS refuses settings of TLS that have no effect: an operator would believe that they work.
func checkUpstreamTLS(c *Upstream, r *reader) {
	if c.URL == nil || !r.sound("upstream.url") {
		return
	}
	if !slices.ContainsFunc(c.Origins(), func(u *url.URL) bool { return u.Scheme == "https" }) {
		for _, s := range []setting{{"tls_ca_file", c.TLSCAFile != ""}, {"tls_cert_file", c.TLSCertFile != ""},
			{"tls_key_file", c.TLSKeyFile != ""}, {"tls_server_name", c.TLSServerName != ""}} {
			if key := "upstream." + s.key; s.set && r.sound(key) {
				r.reject(r.at(key), "is set, though upstream.url is not https", "requires an https:// address", "write https://…, or remove it")
			}
		}
		return
	}
	checkClientCertificate(c, r)
	if c.TLSCAFile != "" {
		data, _ := r.file(c.TLSCAFile, maxSecretFile) // the key was read without error
		if m := certificates.check(string(data)); m != nil {
			r.report(r.at("upstream.tls_ca_file"), m.or("", certificates.rule, certificates.remedy))
		}
	}
}

func checkClientCertificate(c *Upstream, r *reader) {
	if !r.sound("upstream.tls_cert_file", "upstream.tls_key_file") || c.TLSCertFile == "" && c.TLSKeyFile == "" {
		return
	}
	at := r.at("upstream.tls_key_file", "upstream.tls_cert_file")
	if c.TLSCertFile == "" || c.TLSKeyFile == "" {
		r.reject(at, "is given alone", "requires both upstream.tls_cert_file and upstream.tls_key_file", "give both")
		return
	}
	cert, _ := r.file(c.TLSCertFile, maxSecretFile)
	key, _ := r.file(c.TLSKeyFile, maxSecretFile)
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		r.reject(at, "cannot be used: "+strings.TrimPrefix(err.Error(), "tls: "), "must be the private key of upstream.tls_cert_file",
			"give two files that belong together")
	}
}
