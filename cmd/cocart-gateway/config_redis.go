package main

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

func redisBlock(c *RedisConfig) entry {
	password := secretForm{"must be text in one line", "write it in one line, in quotes", func(s string) *mistake {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return &mistake{value: "has bytes that are no printable text"}
		}
		return nil
	}}
	return block("redis",
		redisAddressEntry(c),
		value("username", &c.Username, line(255)),
		secret("password", &c.Password, password),
		value("db", &c.DB, number(0, 65535, "write e.g. 0")),
		value("prefix", &c.Prefix, text("must be 1 to 64 printable ASCII characters without spaces and braces", "write e.g. cocart:", redisPrefix.MatchString)),
		value("timeout", &c.Timeout, duration(10*time.Millisecond, time.Minute, "1s")),
		value("pool_size", &c.PoolSize, number(0, 100_000, "write e.g. 0 for the library's default")))
}

// redisAddressEntry keeps nothing but host and port where it may be seen; the rest of a URL waits in the reader.
func redisAddressEntry(c *RedisConfig) entry {
	e := value("address", &c.Address, redisAddress(c, nil))
	e.read = func(r *reader, _ string, at place, n *yaml.Node) {
		if address, ok := readValue(r, at, n, redisAddress(c, &r.redisURL)); ok {
			c.Address = address
		}
	}
	return e
}

const (
	redisRule   = "must be embedded, host:port, or a redis:// or rediss:// URL"
	redisRemedy = "write e.g. redis.example.com:6379"
)

// redisAddress splits the address, so that nothing but a host and a port is kept where it may be seen.
func redisAddress(c *RedisConfig, more *redisURL) form[string] {
	return form[string]{redisRule, redisRemedy, []string{"!!str"}, func(s string) (string, *mistake) {
		if s == EmbeddedStore {
			return s, nil
		}
		if strings.Contains(s, "://") {
			address, m := c.parseURL(s, more)
			if m != nil {
				m.value = "is a URL, " + strings.TrimPrefix(length(s), "is ") // wherever it went wrong, a password may be
			}
			return address, m
		}
		host, port, err := net.SplitHostPort(s)
		if err != nil || !goodHost(host) || !goodPort(port, 1) {
			return "", &mistake{}
		}
		return s, nil
	}, func(s string) any { return pick(c.TLS, "rediss://", "") + s }}
}

// A brace in the prefix would decide which node of a Redis Cluster keeps all sessions.
var redisPrefix = regexp.MustCompile(`\A[!-z|~]{1,64}\z`)

var redisDB = regexp.MustCompile(`\A(?:/([0-9]{1,5})?)?\z`)

func (c *RedisConfig) parseURL(s string, more *redisURL) (string, *mistake) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || !goodHostPort(u) {
		return "", &mistake{}
	}
	db := redisDB.FindStringSubmatch(u.EscapedPath())
	switch {
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return "", &mistake{remedy: "remove the ? or # and what follows: settings have keys of their own, and a password with such characters belongs in redis.password"}
	case db == nil:
		return "", &mistake{remedy: "after the host write nothing or the number of the database, as in /2"}
	}
	password, _ := u.User.Password()
	c.TLS, *more = u.Scheme == "rediss", redisURL{u.User.Username(), password, db[1]}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// redisURL is what a Redis address says beyond host and port.
type redisURL struct {
	username, password, db string
}

// spreadRedisURL puts the parts of the URL into the fields of their own and refuses what is said twice.
func spreadRedisURL(c *RedisConfig, r *reader) {
	u := r.redisURL
	twice := func(inURL string, keys ...string) bool {
		for _, key := range keys {
			if inURL != "" && r.lines[key] > 0 {
				r.reject(r.at(key), mistake{"is given besides the one in redis.address", "must be given once", "remove one of them"})
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
}
