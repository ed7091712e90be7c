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
)

func redisKeys(c *Redis) entry {
	return block("redis",
		entry{names: []string{"address"}, missing: mistake{rule: redisRule, remedy: redisRemedy}, content: redisAddresses{c}},
		value("mode", &c.Mode, "standalone", choice("standalone", "sentinel", "cluster")),
		value("master", &c.Master, "", text("must be the name of a master set: letters, digits, ., - and _", masterName.MatchString).like("mymaster")),
		value("username", &c.Username, "", line(255)),
		secret("password", &c.Password, redisPassword),
		value("sentinel_username", &c.SentinelUsername, "", line(255)),
		secret("sentinel_password", &c.SentinelPassword, redisPassword),
		value("db", &c.DB, 0, number(0, 65535)),
		value("prefix", &c.Prefix, "cocart:", text("must be 1 to 64 printable ASCII characters without spaces and braces", redisPrefix.MatchString)),
		value("tls", &c.TLS, false, truth()),
		omitEmpty(openText("tls_ca", &c.TLSCA, certificates)),
		omitEmpty(openText("tls_cert", &c.TLSCert, certificates)),
		omitEmpty(secret("tls_key", &c.TLSKey, secretForm{rule: "must be a PEM key", remedy: "give the private key of redis.tls_cert", check: notEmpty})),
		value("tls_server_name", &c.TLSServerName, "", serverName("Redis").like("redis.example.com")),
		value("timeout", &c.Timeout, time.Second, duration(10*time.Millisecond, time.Minute)),
		value("pool_size", &c.PoolSize, 0, number(0, 100_000).advise("write e.g. 0 for the library's default")))
}

var masterName = regexp.MustCompile(`\A[A-Za-z0-9._-]{0,64}\z`)

// redisPrefix excludes braces: a hash tag would put all sessions on one node of a Redis Cluster.
var redisPrefix = regexp.MustCompile(`\A[!-z|~]{1,64}\z`)

var redisPassword = secretForm{"must be text in one line", "write it in one line, in quotes", func(s string) *mistake {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return &mistake{value: "has bytes that are not printable text"}
	}
	return nil
}}

const (
	redisRule   = "must be embedded, host:port, or a redis:// or rediss:// URL"
	redisRemedy = "write e.g. redis.example.com:6379"
)

// redisAddresses is one address or a list. Only hosts and ports go where they may be shown; the rest of a URL stays in
// the reader until [spreadRedisURL].
type redisAddresses struct{ c *Redis }

func (a redisAddresses) setDefault() { a.c.Addresses = []string{EmbeddedStore} }

func (a redisAddresses) read(r *reader, _ string, at position, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		a.c.readNodes(r, at, n)
	} else if address, ok := readValue(r, at, n, redisAddress(&r.redisURL)); ok {
		a.c.Addresses = []string{address}
	}
}

func (a redisAddresses) show(bool) any {
	if len(a.c.Addresses) == 1 {
		return a.c.Addresses[0]
	}
	return a.c.Addresses
}

// readNodes reads a list. Its addresses share the user and password, which are keys of their own.
func (c *Redis) readNodes(r *reader, at position, n *yaml.Node) {
	if len(n.Content) == 0 {
		r.reject(at, describe(n), redisRule, redisRemedy)
		return
	}
	node := form[string]{
		rule:   "must be host:port in a list, without user and password",
		remedy: redisRemedy,
		types:  []string{"!!str"},
		parse:  func(s string) (string, *mistake) { return s, badNode(s) },
	}
	var nodes []string
	for i, item := range n.Content {
		if address, ok := readValue(r, at.item(i, item.Line), item, node); ok {
			nodes = append(nodes, address)
		}
	}
	if len(nodes) == len(n.Content) {
		c.Addresses = nodes
	}
}

// badNode shows nothing of a URL, which may contain a password anywhere.
func badNode(s string) *mistake {
	if strings.Contains(s, "://") {
		return blindURL(s)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || !goodHost(host) || !goodPort(port, 1) {
		return &mistake{}
	}
	return nil
}

func blindURL(s string) *mistake {
	return &mistake{value: "is a URL, " + strings.TrimPrefix(length(s), "is ")}
}

// redisAddress is a single address. More receives what a URL contains besides host and port.
func redisAddress(more *redisURL) form[string] {
	return form[string]{
		rule:   redisRule,
		remedy: redisRemedy,
		types:  []string{"!!str"},
		parse: func(s string) (string, *mistake) {
			switch {
			case s == EmbeddedStore:
				return s, nil
			case strings.Contains(s, "://"):
				return more.parse(s)
			case strings.Contains(s, ","):
				return "", &mistake{remedy: "write several addresses as a list, as in [a:6379, b:6379]"}
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
func (more *redisURL) parse(s string) (string, *mistake) {
	u, err := url.Parse(s)
	m := blindURL(s)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || !goodHostPort(u) {
		return "", m
	}
	db := redisDB.FindStringSubmatch(u.EscapedPath())
	switch {
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		m.remedy = "remove the ? or # and what follows: settings have keys of their own, and a password with such characters belongs in redis.password"
		return "", m
	case db == nil:
		m.remedy = "after the host write nothing or the number of the database, as in /2"
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
func spreadRedisURL(c *Redis, r *reader) {
	u := r.redisURL
	twice := func(inURL string, keys ...string) bool {
		for _, key := range keys {
			if inURL != "" && r.lines[key] > 0 {
				r.reject(r.at(key), "is also given in redis.address", "must be given once", "remove one of them")
				return true
			}
		}
		return inURL == ""
	}
	if !twice(u.username, "redis.username") {
		c.Username = u.username
	}
	if !twice(u.password, "redis.password", "redis.password_file") {
		c.Password = NewSecret(u.password)
	}
	if !twice(u.db, "redis.db") {
		c.DB = atoi(u.db)
	}
	if u.tls && r.lines["redis.tls"] > 0 && !c.TLS && r.sound("redis.tls") {
		r.reject(r.at("redis.tls"), "is false, though redis.address is a rediss:// URL", "must not contradict the address", "remove it, or write redis://")
	}
	c.TLS = c.TLS || u.tls
}
