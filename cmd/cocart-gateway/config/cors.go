package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// CORSConfig says which web pages of other origins may read CoCart's answers.
type CORSConfig struct {
	Passthrough bool     // WordPress says; nothing else here counts then
	Origins     []string // lower case; "*" alone: any
	Credentials bool     // only with listed origins
	MaxAge      time.Duration
	Allow       []string // headers of requests, besides ours
	Expose      []string // headers of answers, besides ours
}

const passthrough = "passthrough"

func defaultCORS() CORSConfig { return CORSConfig{Origins: []string{"*"}, MaxAge: 10 * time.Minute} }

// corsEntry is one word or a block.
func corsEntry(c *CORSConfig) entry {
	e := block("cors",
		values("origins", &c.Origins, origin()),
		value("credentials", &c.Credentials, truth()),
		value("max_age", &c.MaxAge, duration(0, day, "10m")),
		values("allow_headers", &c.Allow, corsHeaderName()),
		values("expose_headers", &c.Expose, corsHeaderName()))
	readBlock, showBlock := e.read, e.show
	e.read = func(r *reader, name string, at place, n *yaml.Node) {
		switch {
		case n.Kind == yaml.ScalarNode && n.Value == passthrough:
			c.Passthrough = true
		case n.Kind == yaml.MappingNode || isNull(n):
			readBlock(r, name, at, n)
		default:
			r.reject(at, mistake{describe(n), "must be the word passthrough or a block of keys", "write passthrough, or its keys below it, indented: " + e.inner.names()})
		}
	}
	e.show = func(reveal bool) any {
		if c.Passthrough {
			return passthrough
		}
		return showBlock(reveal)
	}
	return e
}

// origin is what browsers send as Origin (RFC 6454 section 6.2): one that is
// written in another way would never match. Apps in a web view have schemes of
// their own, as in capacitor://localhost.
func origin() form[string] {
	return form[string]{
		`must be "*" or an origin as browsers send it: scheme, host and, if it is not the usual one, port`,
		"write e.g. https://app.example.com or https://*.example.com", []string{"!!str"},
		func(s string) (string, *mistake) {
			u, err := url.Parse(strings.Replace(s, "://*.", "://", 1)) // a wildcard is a whole leftmost label
			switch {
			case s == "*":
				return s, nil
			case strings.EqualFold(s, "null"):
				return "", &mistake{remedy: "remove it; every sandboxed page is null, and so is anybody's"}
			case err != nil || u.Scheme == "" || u.Hostname() == "" || !goodHostPort(u):
				return "", &mistake{remedy: ifElse(plainASCII(s), "", "write the host in its ASCII form, xn--…, as the browser sends it")}
			case u.User != nil, u.Scheme+"://"+u.Host != strings.Replace(s, "://*.", "://", 1) && !strings.EqualFold(s, u.Scheme+"://"+u.Host):
				return "", &mistake{remedy: "remove what stands besides scheme, host and port, a slash at the end too"}
			case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
				return "", &mistake{remedy: "remove the port; browsers leave it out where it is the usual one"}
			case strings.Contains(s, "*") && strings.Count(u.Hostname(), ".") == 0:
				return "", &mistake{rule: "must not be open to a whole top-level domain"}
			}
			return strings.ToLower(s), nil
		}, func(s string) any { return s }}
}

// corsHeaderName is the name of one header. Any header ("*") is not offered: it
// would not include Authorization (Fetch standard section 3.3.2).
func corsHeaderName() form[string] {
	return text("must be the name of a header", "write e.g. X-Currency; list each header", regexp.MustCompile(`\A[A-Za-z0-9-]{1,64}\z`).MatchString)
}

// checkCORS keeps cookies from pages that nobody listed.
func checkCORS(c *CORSConfig, r *reader) {
	if c.Passthrough || !r.sound("cors.origins", "cors.credentials") {
		return
	}
	everybody := len(c.Origins) == 0
	for _, o := range c.Origins {
		everybody = everybody || o == "*"
	}
	switch {
	case c.Credentials && everybody:
		r.reject(r.at("cors.credentials", "cors.origins"), mistake{"is true, and cors.origins is any origin",
			"must go with listed origins, or any page a customer visits can shop with the customer's cookies",
			"list the origins of your apps, or remove credentials"})
	case len(c.Origins) == 0:
		r.reject(r.at("cors.origins"), mistake{"is an empty list", "must have an entry", `write ["*"] for any origin, or list those of your apps`})
	case everybody && len(c.Origins) > 1:
		r.reject(r.at("cors.origins"), mistake{`has "*" beside others`, `must be "*" alone or a list without it`, `remove "*" or the others`})
	}
}
