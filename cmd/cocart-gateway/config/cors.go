package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// CORS is which web pages of other origins may read CoCart's answers.
type CORS struct {
	Passthrough bool     // WordPress decides; the other fields have no effect
	Origins     []string // lower case; "*" alone: any origin
	Credentials bool     // only with listed origins
	MaxAge      time.Duration
	Allow       []string // additional request headers
	Expose      []string // additional response headers
}

const passthrough = "passthrough"

func corsKeys(c *CORS) entry {
	e := block("cors",
		values("origins", &c.Origins, []string{"*"}, origin()),
		value("credentials", &c.Credentials, false, truth()),
		value("max_age", &c.MaxAge, 10*time.Minute, duration(0, day)),
		values("allow_headers", &c.Allow, nil, corsHeaderName()),
		values("expose_headers", &c.Expose, nil, corsHeaderName()))
	e.content = corsContent{c, e.inner}
	return e
}

// corsContent is one word or a block of keys.
type corsContent struct {
	c *CORS
	section
}

func (k corsContent) setDefault() {
	k.c.Passthrough = false
	k.section.setDefault()
}

func (k corsContent) read(r *reader, name string, at position, n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Value == passthrough:
		k.c.Passthrough = true
	case n.Kind == yaml.MappingNode || isNull(n):
		k.section.read(r, name, at, n)
	default:
		r.reject(at, describe(n), "must be the word passthrough or a block of keys", "write passthrough, or its keys below it, indented: "+k.names())
	}
}

func (k corsContent) show(reveal bool) any {
	if k.c.Passthrough {
		return passthrough
	}
	return k.section.show(reveal)
}

// origin is the Origin header as browsers send it (RFC 6454 section 6.2); any other spelling would never match. Apps in a
// web view have schemes of their own, as in capacitor://localhost.
func origin() form[string] {
	return form[string]{
		rule:   `must be "*" or an origin as browsers send it: scheme, host and, if it is not the usual one, port`,
		remedy: "write e.g. https://app.example.com or https://*.example.com",
		types:  []string{"!!str"},
		parse:  parseOrigin,
		show:   func(s string) any { return s },
	}
}

func parseOrigin(s string) (string, *mistake) {
	u, err := url.Parse(strings.Replace(s, "://*.", "://", 1)) // a wildcard is a whole leftmost label
	switch {
	case s == "*":
		return s, nil
	case strings.EqualFold(s, "null"):
		return "", &mistake{remedy: "remove it; the origin of every sandboxed page is null, also of an attacker's"}
	case err != nil || u.Scheme == "" || u.Hostname() == "" || !goodHostPort(u):
		return "", &mistake{remedy: ifElse(plainASCII(s), "", "write the host in its ASCII form, xn--…, as the browser sends it")}
	case u.User != nil, u.Scheme+"://"+u.Host != strings.Replace(s, "://*.", "://", 1) && !strings.EqualFold(s, u.Scheme+"://"+u.Host):
		return "", &mistake{remedy: "remove everything but scheme, host and port, also a slash at the end"}
	case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		return "", &mistake{remedy: "remove the port; browsers omit the usual one"}
	case strings.Contains(s, "*") && strings.Count(u.Hostname(), ".") == 0:
		return "", &mistake{rule: "must not be open to a whole top-level domain"}
	}
	return strings.ToLower(s), nil
}

var corsHeaderPattern = regexp.MustCompile(`\A[A-Za-z0-9-]{1,64}\z`)

// corsHeaderName is the name of one header. A wildcard ("*") is refused: it would not include Authorization (Fetch
// standard section 3.3.2).
func corsHeaderName() form[string] {
	return text("must be the name of a header", corsHeaderPattern.MatchString).advise("write e.g. X-Currency; list each header")
}

// checkCORS refuses cookies for pages of origins that are not listed.
func checkCORS(c *CORS, r *reader) {
	if c.Passthrough || !r.sound("cors.origins", "cors.credentials") {
		return
	}
	anyOrigin := len(c.Origins) == 0
	for _, o := range c.Origins {
		anyOrigin = anyOrigin || o == "*"
	}
	switch {
	case c.Credentials && anyOrigin:
		r.reject(r.at("cors.credentials", "cors.origins"), "is true, and cors.origins is any origin",
			"requires listed origins: otherwise any page that a customer visits can use the customer's cookies",
			"list the origins of your apps, or remove credentials")
	case len(c.Origins) == 0:
		r.reject(r.at("cors.origins"), "is an empty list", "must have an entry", `write ["*"] for any origin, or list those of your apps`)
	case anyOrigin && len(c.Origins) > 1:
		r.reject(r.at("cors.origins"), `has "*" beside others`, `must be "*" alone or a list without it`, `remove "*" or the others`)
	}
}
