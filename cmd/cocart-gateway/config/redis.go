package config

import (
	"net"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

func redisBlock(c *RedisConfig) entry {
	return block("redis",
		redisAddressEntry(c),
		value("mode", &c.Mode, choice("standalone", "sentinel", "cluster")),
		value("master", &c.Master, text("must be the name of a master set: letters, digits, ., - and _", "write e.g. mymaster", masterName.MatchString)),
		value("username", &c.Username, line(255)),
		secret("password", &c.Password, redisPassword),
		value("sentinel_username", &c.SentinelUsername, line(255)),
		secret("sentinel_password", &c.SentinelPassword, redisPassword),
		value("db", &c.DB, number(0, 65535, "write e.g. 0")),
		value("prefix", &c.Prefix, text("must be 1 to 64 printable ASCII characters without spaces and braces", "write e.g. cocart:", redisPrefix.MatchString)),
		value("tls", &c.TLS, truth()),
		hideEmpty(openText("tls_ca", &c.TLSCA, certificates)),
		hideEmpty(openText("tls_cert", &c.TLSCert, certificates)),
		hideEmpty(secret("tls_key", &c.TLSKey, secretForm{"must be a PEM key", "give the private key of redis.tls_cert", notEmpty})),
		value("tls_server_name", &c.TLSServerName, text("must be the name in the certificate of Redis", "write e.g. redis.example.com",
			func(s string) bool { return s == "" || goodHost(s) })),
		value("timeout", &c.Timeout, duration(10*time.Millisecond, time.Minute, "1s")),
		value("pool_size", &c.PoolSize, number(0, 100_000, "write e.g. 0 for the library's default")))
}

var masterName = regexp.MustCompile(`\A[A-Za-z0-9._-]{0,64}\z`)

// A brace in the prefix would decide which node of a Redis Cluster keeps all sessions.
var redisPrefix = regexp.MustCompile(`\A[!-z|~]{1,64}\z`)

var redisPassword = secretForm{"must be text in one line", "write it in one line, in quotes", func(s string) *mistake {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return &mistake{value: "has bytes that are no printable text"}
	}
	return nil
}}

const (
	redisRule   = "must be embedded, host:port, or a redis:// or rediss:// URL"
	redisRemedy = "write e.g. redis.example.com:6379"
)

// redisAddressEntry takes one address or a list. It keeps nothing but hosts and ports where they may be seen; the
// rest of a URL waits in the reader.
func redisAddressEntry(c *RedisConfig) entry {
	return entry{
		names:   []string{"address"},
		missing: mistake{"", redisRule, redisRemedy},
		read: func(r *reader, _ string, at place, n *yaml.Node) {
			if n.Kind == yaml.SequenceNode {
				c.readNodes(r, at, n)
			} else if address, ok := readValue(r, at, n, redisAddress(&r.redisURL)); ok {
				c.Addresses = []string{address}
			}
		},
		show: func(bool) any {
			if len(c.Addresses) == 1 {
				return c.Addresses[0]
			}
			return c.Addresses
		},
	}
}

// readNodes reads a list, whose addresses share user and password: there is no place for them in it.
func (c *RedisConfig) readNodes(r *reader, at place, n *yaml.Node) {
	if len(n.Content) == 0 {
		r.reject(at, mistake{describe(n), redisRule, redisRemedy})
		return
	}
	node := form[string]{"must be host:port in a list, without user and password", redisRemedy, []string{"!!str"},
		func(s string) (string, *mistake) { return s, badNode(s) }, nil}
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

// badNode says nothing of a URL's contents: wherever it went wrong, a password may be.
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

// redisAddress is an address that stands alone.
func redisAddress(more *redisURL) form[string] {
	return form[string]{redisRule, redisRemedy, []string{"!!str"}, func(s string) (string, *mistake) {
		switch {
		case s == EmbeddedStore:
			return s, nil
		case strings.Contains(s, "://"):
			return more.parse(s)
		case strings.Contains(s, ","):
			return "", &mistake{remedy: "write several addresses as a list, as in [a:6379, b:6379]"}
		}
		return s, badNode(s)
	}, nil}
}
