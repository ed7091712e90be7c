package config

import (
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

func redisKeys(c *Redis, given *redisURL) schema.Entry {
	return schema.Block("redis",
		schema.Entry{Names: []string{"address"}, Missing: schema.Mistake{Rule: redisRule, Remedy: redisRemedy}, Content: redisAddresses{c, given}},
		schema.Value("mode", &c.Mode, "standalone", schema.Choice("standalone", "sentinel", "cluster")),
		schema.Value("master", &c.Master, "", schema.Text("must be the name of a master set: letters, digits, ., - and _", masterName.MatchString).Like("mymaster")),
		schema.Value("username", &c.Username, "", schema.Line(255)),
		schema.SecretKey("password", &c.Password, redisPassword),
		schema.Value("sentinel_username", &c.SentinelUsername, "", schema.Line(255)),
		schema.SecretKey("sentinel_password", &c.SentinelPassword, redisPassword),
		schema.Value("db", &c.DB, 0, schema.Number(0, 65535)),
		schema.Value("prefix", &c.Prefix, "cocart:", schema.Text("must be 1 to 64 printable ASCII characters without spaces and braces", redisPrefix.MatchString)),
		schema.Value("tls", &c.TLS, false, schema.Truth()),
		schema.OmitEmpty(schema.OpenText("tls_ca", &c.TLSCA, certificates)),
		schema.OmitEmpty(schema.OpenText("tls_cert", &c.TLSCert, certificates)),
		schema.OmitEmpty(schema.SecretKey("tls_key", &c.TLSKey, schema.SecretForm{Rule: "must be a PEM key", Remedy: "give the private key of redis.tls_cert", Check: notEmpty})),
		schema.Value("tls_server_name", &c.TLSServerName, "", serverName("Redis").Like("redis.example.com")),
		schema.Value("timeout", &c.Timeout, time.Second, schema.Duration(10*time.Millisecond, time.Minute)),
		schema.Value("wait_replicas", &c.WaitReplicas, 0, schema.Number(0, 10).Or0("for not waiting")),
		schema.Value("pool_size", &c.PoolSize, 0, schema.Number(0, 100_000).Advise("write e.g. 0 for the library's default")))
}

var masterName = regexp.MustCompile(`\A[A-Za-z0-9._-]{0,64}\z`)

// redisPrefix excludes braces: a hash tag would put all sessions on one node of a Redis Cluster.
var redisPrefix = regexp.MustCompile(`\A[!-z|~]{1,64}\z`)

var redisPassword = schema.SecretForm{Rule: "must be text in one line", Remedy: "write it in one line, in quotes", Check: func(s string) *schema.Mistake {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return &schema.Mistake{Value: "has bytes that are not printable text"}
	}
	return nil
}}

const (
	redisRule   = "must be embedded, host:port, or a redis:// or rediss:// URL"
	redisRemedy = "write e.g. redis.example.com:6379"
)

// redisAddresses is one address or a list. Only hosts and ports go where they may be shown; given
// receives the rest of a URL, for [spreadRedisURL].
type redisAddresses struct {
	c     *Redis
	given *redisURL
}

func (a redisAddresses) SetDefault() { a.c.Addresses = []string{EmbeddedStore} }

func (a redisAddresses) Read(r *schema.Reader, _ string, at schema.Position, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		a.c.readNodes(r, at, n)
	} else if address, ok := schema.ReadValue(r, at, n, redisAddress(a.given)); ok {
		a.c.Addresses = []string{address}
	}
}

// FromText is one address, or several with commas.
func (a redisAddresses) FromText(text string) (*yaml.Node, error) {
	if !strings.Contains(text, ",") {
		return schema.TextNode(text), nil
	}
	return schema.ListNode(text, ","), nil
}

func (a redisAddresses) Show(bool) any {
	if len(a.c.Addresses) == 1 {
		return a.c.Addresses[0]
	}
	return a.c.Addresses
}

// readNodes reads a list. Its addresses share the user and password, which are keys of their own.
func (c *Redis) readNodes(r *schema.Reader, at schema.Position, n *yaml.Node) {
	if len(n.Content) == 0 {
		r.Reject(at, schema.Describe(n), redisRule, redisRemedy)
		return
	}
	node := schema.Form[string]{
		Rule:   "must be host:port in a list, without user and password",
		Remedy: redisRemedy,
		Types:  []string{"!!str"},
		Parse:  func(s string) (string, *schema.Mistake) { return s, badNode(s) },
	}
	var nodes []string
	for i, item := range n.Content {
		if address, ok := schema.ReadValue(r, at.Item(i, item.Line), item, node); ok {
			nodes = append(nodes, address)
		}
	}
	if len(nodes) == len(n.Content) {
		c.Addresses = nodes
	}
}

// badNode shows nothing of a URL, which may contain a password anywhere.
func badNode(s string) *schema.Mistake {
	if strings.Contains(s, "://") {
		return blindURL(s)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || !schema.GoodHost(host) || !schema.GoodPort(port, 1) {
		return &schema.Mistake{}
	}
	return nil
}

func blindURL(s string) *schema.Mistake {
	return &schema.Mistake{Value: "is a URL, " + strings.TrimPrefix(schema.Length(s), "is ")}
}

// redisAddress is a single address. More receives what a URL contains besides host and port.
func redisAddress(more *redisURL) schema.Form[string] {
	return schema.Form[string]{
		Rule:   redisRule,
		Remedy: redisRemedy,
		Types:  []string{"!!str"},
		Parse: func(s string) (string, *schema.Mistake) {
			switch {
			case s == EmbeddedStore:
				return s, nil
			case strings.Contains(s, "://"):
				return more.parse(s)
			case strings.Contains(s, ","):
				return "", &schema.Mistake{Remedy: "write several addresses as a list, as in [a:6379, b:6379]"}
			}
			return s, badNode(s)
		},
	}
}

// redisURL is the parts of a Redis address besides host and port.
type redisURL struct {
	username, password, db string
	tls, noPort            bool
}

var redisDB = regexp.MustCompile(`\A(?:/([0-9]{1,5})?)?\z`)

// parse returns the host and port of a URL and keeps the rest.
func (more *redisURL) parse(s string) (string, *schema.Mistake) {
	u, err := url.Parse(s)
	m := blindURL(s)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || !schema.GoodHostPort(u) {
		return "", m
	}
	db := redisDB.FindStringSubmatch(u.EscapedPath())
	switch {
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		m.Remedy = "remove the ? or # and what follows: settings have keys of their own, and a password with such characters belongs in redis.password"
		return "", m
	case db == nil:
		m.Remedy = "after the host write nothing or the number of the database, as in /2"
		return "", m
	}
	password, _ := u.User.Password()
	*more = redisURL{u.User.Username(), password, db[1], u.Scheme == "rediss", u.Port() == ""}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// spreadRedisURL puts the parts of the URL into their fields and refuses a key that repeats one of them.
func spreadRedisURL(c *Redis, r *schema.Reader, u *redisURL) {
	twice := func(inURL string, keys ...string) bool {
		for _, key := range keys {
			if inURL != "" && r.Lines[key] > 0 {
				r.Reject(r.At(key), "is also given in redis.address", "must be given once", "remove one of them")
				return true
			}
		}
		return inURL == ""
	}
	if !twice(u.username, "redis.username") {
		c.Username = u.username
	}
	if !twice(u.password, "redis.password", "redis.password_file") {
		c.Password = schema.NewSecret(u.password)
	}
	if !twice(u.db, "redis.db") {
		c.DB = schema.Atoi(u.db)
	}
	if u.tls && r.Lines["redis.tls"] > 0 && !c.TLS && r.Sound("redis.tls") {
		r.Reject(r.At("redis.tls"), "is false, though redis.address is a rediss:// URL", "must not contradict the address", "remove it, or write redis://")
	}
	c.TLS = c.TLS || u.tls
}
