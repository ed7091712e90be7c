package config

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

// redisURL is what a Redis address says beyond host and port.
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
	if u.tls && r.lines["redis.tls"] > 0 && !c.TLS && r.sound("redis.tls") {
		r.reject(r.at("redis.tls"), mistake{"is false, though redis.address is a rediss:// URL", "must not contradict the address", "remove it, or write redis://"})
	}
	c.TLS = c.TLS || u.tls
}
