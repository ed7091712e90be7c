package config

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Upstream is how the gateway reaches WordPress.
type Upstream struct {
	URL             *url.URL        // the first node; http or https, host and port only; or unix and a path
	Others          []*url.URL      // the other nodes
	Login           schema.Secret   // user:password of URL and Others, which do not contain it; or empty
	Secret          []schema.Secret // newest first, never empty; the first signs assertions, all are accepted
	Headers         []OriginHeader  // sent with every request
	Host            string          // "pass", "site", or the Host that WordPress gets
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
	// Limit is for each node; 0: no limit. The default is just below PHP-FPM's listen.backlog (511): what is more than that
	// at once gets 502 of the web server, and no PHP server has that many workers.
	Limit             int
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

func upstreamKeys(c *Upstream) schema.Entry {
	own := schema.DurationOr0(10*time.Millisecond, time.Hour, "upstream.response_timeout").Like("15s")
	return schema.Block("upstream",
		schema.Required(schema.Entry{Names: []string{"url"}, Missing: originAddress().Missing(), Content: origins{c, originAddress()}}),
		schema.Required(schema.SecretKeys("secret", &c.Secret, schema.SharedSecret(32, "make one with openssl rand -base64 48 and put it in wp-config.php too"))),
		schema.Entry{Names: []string{"headers"}, Content: originHeaders{&c.Headers}},
		schema.Value("dial_timeout", &c.DialTimeout, 2*time.Second, schema.Duration(10*time.Millisecond, time.Minute)),
		schema.Value("response_timeout", &c.ResponseTimeout, time.Minute, schema.Duration(10*time.Millisecond, time.Hour)),
		schema.Block("timeouts",
			schema.Value("login", &c.Timeouts.Login, 0, own),
			schema.Value("cocart", &c.Timeouts.CoCart, 0, own),
			schema.Value("site", &c.Timeouts.Site, 0, own)),
		schema.Value("body_timeout", &c.BodyTimeout, 5*time.Minute, schema.DurationOr0(time.Second, schema.Day, "no limit")),
		schema.Value("response_header", &c.ResponseHeader, 256<<10, schema.Size(4<<10, 16<<20)),
		schema.Value("idle_connections", &c.IdleConnections, 512, schema.Number(1, 100_000)),
		schema.Value("idle_timeout", &c.IdleTimeout, 30*time.Second, schema.Duration(10*time.Millisecond, time.Hour)),
		schema.Value("host", &c.Host, "pass", schema.Text("must be pass, site or a host name", goodUpstreamHost).Advise("write pass, site, or e.g. shop.example.com")),
		concurrencyKeys(&c.Concurrency),
		schema.Block("health",
			schema.Value("path", &c.Health.Path, "", schema.Text("must be empty or a path that begins with /", goodCheckPath).Like("/health.php")),
			schema.Value("interval", &c.Health.Interval, 10*time.Second, schema.Duration(time.Second, time.Hour)),
			schema.Value("timeout", &c.Health.Timeout, 5*time.Second, schema.Duration(10*time.Millisecond, time.Minute)),
			schema.Value("failures", &c.Health.Failures, 3, schema.Number(1, 100)),
			schema.Value("successes", &c.Health.Successes, 1, schema.Number(1, 100))),
		schema.File("tls_ca_file", &c.TLSCAFile),
		schema.File("tls_cert_file", &c.TLSCertFile),
		schema.File("tls_key_file", &c.TLSKeyFile),
		schema.Value("tls_server_name", &c.TLSServerName, "", serverName("WordPress").Like("shop.example.com")))
}

func concurrencyKeys(c *Concurrency) schema.Entry {
	return schema.Block("concurrency",
		schema.Value("limit", &c.Limit, 500, schema.Number(0, 100_000).Advise("write pm.max_children of PHP-FPM less one or two").Or0("for no limit")),
		schema.Value("queue", &c.Queue, 100, schema.Number(0, 100_000)),
		schema.Value("queue_timeout", &c.QueueTimeout, 2*time.Second, schema.Duration(10*time.Millisecond, 15*time.Second)),
		schema.Value("storefront_percent", &c.StorefrontPercent, 75, schema.Number(1, 100).Advise("write e.g. 75, or 100 to reserve nothing")),
		schema.Value("abandoned", &c.Abandoned, 100, schema.Number(0, 100_000).Or0("to drop them")),
		schema.Values("own_addresses", &c.OwnAddresses, loopbackNetworks(), schema.Network()))
}

// serverName is the name in the certificate of a server, or empty.
func serverName(server string) schema.Form[string] {
	return schema.Text("must be the name in the certificate of "+server, func(s string) bool { return s == "" || schema.GoodHost(s) })
}

// Origins returns all nodes.
func (c Upstream) Origins() []*url.URL {
	return append([]*url.URL{c.URL}, c.Others...)
}

// origins is one address or a list, of nodes that serve the same site.
type origins struct {
	c *Upstream
	schema.Form[*url.URL]
}

func (o origins) SetDefault() { o.c.URL, o.c.Others, o.c.Login = nil, nil, schema.Secret{} }

func (o origins) Read(r *schema.Reader, _ string, at schema.Position, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		o.c.readOrigins(r, at, n, o.Form)
	} else if u, ok := schema.ReadValue(r, at, n, o.Form); ok {
		o.c.URL, o.c.Others, o.c.Login = withoutLogin(u), nil, loginOf(u)
	}
}

// FromText is one address, or several with commas.
func (o origins) FromText(text string) (*yaml.Node, error) {
	if !strings.Contains(text, ",") {
		return schema.TextNode(text), nil
	}
	return schema.ListNode(text, ","), nil
}

func (o origins) Show(reveal bool) any {
	if len(o.c.Others) == 0 {
		return o.c.showOrigin(o.Form, o.c.URL, reveal)
	}
	list := []any{}
	for _, u := range o.c.Origins() {
		list = append(list, o.c.showOrigin(o.Form, u, reveal))
	}
	return list
}

func (c *Upstream) readOrigins(r *schema.Reader, at schema.Position, n *yaml.Node, f schema.Form[*url.URL]) {
	if len(n.Content) == 0 {
		r.Reject(at, schema.Describe(n), f.Rule, f.Remedy)
		return
	}
	var all []*url.URL
	var logins []schema.Secret
	for i, item := range n.Content {
		here := at.Item(i, item.Line)
		u, ok := schema.ReadValue(r, here, item, f)
		if ok {
			logins, u = append(logins, loginOf(u)), withoutLogin(u)
		}
		if ok && slices.ContainsFunc(all, func(other *url.URL) bool { return other.String() == u.String() }) {
			r.Reject(here, "is in the list already", "must be another node", "remove it")
		} else if ok {
			all = append(all, u)
		}
	}
	if len(slices.Compact(logins)) > 1 {
		r.Reject(at, "has different user names or passwords before the @", "must have the same for each node",
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
func originAddress() schema.Form[*url.URL] {
	web := schema.WebAddress("must be the address of WordPress, http or https, host and port only", schema.NoPath)
	return schema.Form[*url.URL]{
		Rule:   web.Rule,
		Remedy: "write e.g. http://127.0.0.1:8000",
		Types:  web.Types,
		Parse: func(s string) (*url.URL, *schema.Mistake) {
			path, isSocket := strings.CutPrefix(s, UnixPrefix)
			switch {
			case !isSocket:
				return parseWithLogin(s, web.Parse)
			case !filepath.IsAbs(path) || filepath.Clean(path) != path || path == "/" || strings.ContainsAny(path, "?#%"):
				return nil, &schema.Mistake{Rule: "must be unix: and the absolute path of a socket", Remedy: "write e.g. unix:/run/shop.sock"}
			}
			return &url.URL{Scheme: "unix", Path: path, OmitHost: true}, nil
		},
		Show: func(u *url.URL) any {
			if u != nil && u.Scheme == "unix" {
				return schema.EscapeVariables(UnixPrefix + u.Path)
			}
			return web.Show(u)
		},
	}
}

func goodUpstreamHost(s string) bool {
	u := &url.URL{Host: s}
	return s == "pass" || s == "site" || s != "" && schema.GoodHostPort(u)
}

func goodCheckPath(s string) bool {
	u, err := url.ParseRequestURI(s)
	return s == "" || err == nil && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && u.RequestURI() == s && schema.PlainASCII(s)
}

// checkOrigins refuses the gateway itself as WordPress.
func checkOrigins(c *Config, r *schema.Reader) {
	if c.Upstream.URL == nil || !r.Sound("upstream.url") {
		return
	}
	for _, origin := range c.Upstream.Origins() {
		address := schema.IfElse(origin.Scheme == "unix", UnixPrefix+origin.Path, hostPort(origin))
		for _, own := range c.Listeners() {
			if r.Sound(own.block()) && sameSocket(own.Address, address) {
				r.Reject(r.At("upstream.url"), "is "+origin.String()+", the gateway itself ("+own.Key+")",
					"must be the address of WordPress", "write where the web server of WordPress listens, e.g. http://127.0.0.1:8000")
			}
		}
	}
}

// checkUpstreamTLS refuses settings of TLS that have no effect: an operator would believe that they work.
func checkUpstreamTLS(c *Upstream, r *schema.Reader) {
	if c.URL == nil || !r.Sound("upstream.url") {
		return
	}
	if !slices.ContainsFunc(c.Origins(), func(u *url.URL) bool { return u.Scheme == "https" }) {
		for _, s := range []setting{{"tls_ca_file", c.TLSCAFile != ""}, {"tls_cert_file", c.TLSCertFile != ""},
			{"tls_key_file", c.TLSKeyFile != ""}, {"tls_server_name", c.TLSServerName != ""}} {
			if key := "upstream." + s.key; s.set && r.Sound(key) {
				r.Reject(r.At(key), "is set, though upstream.url is not https", "requires an https:// address", "write https://…, or remove it")
			}
		}
		return
	}
	checkClientCertificate(c, r)
	if c.TLSCAFile != "" {
		data, _ := r.File(c.TLSCAFile, schema.MaxSecretFile) // the key was read without error
		if m := certificates.Check(string(data)); m != nil {
			r.Report(r.At("upstream.tls_ca_file"), m.Or("", certificates.Rule, certificates.Remedy))
		}
	}
}

func checkClientCertificate(c *Upstream, r *schema.Reader) {
	if !r.Sound("upstream.tls_cert_file", "upstream.tls_key_file") || c.TLSCertFile == "" && c.TLSKeyFile == "" {
		return
	}
	at := r.At("upstream.tls_key_file", "upstream.tls_cert_file")
	if c.TLSCertFile == "" || c.TLSKeyFile == "" {
		r.Reject(at, "is given alone", "requires both upstream.tls_cert_file and upstream.tls_key_file", "give both")
		return
	}
	cert, _ := r.File(c.TLSCertFile, schema.MaxSecretFile)
	key, _ := r.File(c.TLSKeyFile, schema.MaxSecretFile)
	if _, err := KeyPair(cert, key); err != nil {
		r.Reject(at, "cannot be used: "+strings.TrimPrefix(err.Error(), "tls: "), "must be the private key of upstream.tls_cert_file",
			"give two files that belong together")
	}
}
