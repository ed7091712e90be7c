package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
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

func corsKeys(c *CORS) schema.Entry {
	e := schema.Block("cors",
		schema.Values("origins", &c.Origins, []string{"*"}, origin()),
		schema.Value("credentials", &c.Credentials, false, schema.Truth()),
		schema.Value("max_age", &c.MaxAge, 10*time.Minute, schema.Duration(0, schema.Day)),
		schema.Values("allow_headers", &c.Allow, nil, corsHeaderName()),
		schema.Values("expose_headers", &c.Expose, nil, corsHeaderName()))
	e.Content = corsContent{c, e.Inner}
	return e
}

// corsContent is one word or a block of keys.
type corsContent struct {
	c *CORS
	schema.Section
}

func (k corsContent) SetDefault() {
	k.c.Passthrough = false
	k.Section.SetDefault()
}

func (k corsContent) Read(r *schema.Reader, name string, at schema.Position, n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Value == passthrough:
		k.c.Passthrough = true
	case n.Kind == yaml.MappingNode || schema.IsNull(n):
		k.Section.Read(r, name, at, n)
	default:
		r.Reject(at, schema.Describe(n), "must be the word passthrough or a block of keys", "write passthrough, or its keys below it, indented: "+k.Names())
	}
}

// FromText is the word; the keys have variables of their own.
func (k corsContent) FromText(text string) (*yaml.Node, error) { return schema.TextNode(text), nil }

func (k corsContent) Show(reveal bool) any {
	if k.c.Passthrough {
		return passthrough
	}
	return k.Section.Show(reveal)
}

// origin is the Origin header as browsers send it (RFC 6454 section 6.2); any other spelling would never match. Apps in a
// web view have schemes of their own, as in capacitor://localhost.
func origin() schema.Form[string] {
	return schema.Form[string]{
		Rule:   `must be "*" or an origin as browsers send it: scheme, host and, if it is not the usual one, port`,
		Remedy: "write e.g. https://app.example.com or https://*.example.com",
		Types:  []string{"!!str"},
		Parse:  parseOrigin,
		Show:   func(s string) any { return s },
	}
}

func parseOrigin(s string) (string, *schema.Mistake) {
	u, err := url.Parse(strings.Replace(s, "://*.", "://", 1)) // a wildcard is a whole leftmost label
	switch {
	case s == "*":
		return s, nil
	case strings.EqualFold(s, "null"):
		return "", &schema.Mistake{Remedy: "remove it; the origin of every sandboxed page is null, also of an attacker's"}
	case err != nil || u.Scheme == "" || u.Hostname() == "" || !schema.GoodHostPort(u):
		return "", &schema.Mistake{Remedy: schema.IfElse(schema.PlainASCII(s), "", "write the host in its ASCII form, xn--…, as the browser sends it")}
	case u.User != nil, u.Scheme+"://"+u.Host != strings.Replace(s, "://*.", "://", 1) && !strings.EqualFold(s, u.Scheme+"://"+u.Host):
		return "", &schema.Mistake{Remedy: "remove everything but scheme, host and port, also a slash at the end"}
	case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		return "", &schema.Mistake{Remedy: "remove the port; browsers omit the usual one"}
	case strings.Contains(s, "*") && strings.Count(u.Hostname(), ".") == 0:
		return "", &schema.Mistake{Rule: "must not be open to a whole top-level domain"}
	}
	return strings.ToLower(s), nil
}

var corsHeaderPattern = regexp.MustCompile(`\A[A-Za-z0-9-]{1,64}\z`)

// corsHeaderName is the name of one header. A wildcard ("*") is refused: it would not include Authorization (Fetch
// standard section 3.3.2).
func corsHeaderName() schema.Form[string] {
	return schema.Text("must be the name of a header", corsHeaderPattern.MatchString).Advise("write e.g. X-Currency; list each header")
}

// checkCORS refuses cookies for pages of origins that are not listed.
func checkCORS(c *CORS, r *schema.Reader) {
	if c.Passthrough || !r.Sound("cors.origins", "cors.credentials") {
		return
	}
	anyOrigin := len(c.Origins) == 0
	for _, o := range c.Origins {
		anyOrigin = anyOrigin || o == "*"
	}
	switch {
	case c.Credentials && anyOrigin:
		r.Reject(r.At("cors.credentials", "cors.origins"), "is true, and cors.origins is any origin",
			"requires listed origins: otherwise any page that a customer visits can use the customer's cookies",
			"list the origins of your apps, or remove credentials")
	case len(c.Origins) == 0:
		r.Reject(r.At("cors.origins"), "is an empty list", "must have an entry", `write ["*"] for any origin, or list those of your apps`)
	case anyOrigin && len(c.Origins) > 1:
		r.Reject(r.At("cors.origins"), `has "*" beside others`, `must be "*" alone or a list without it`, `remove "*" or the others`)
	}
}
