package config

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

var namespaceWord = regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\z`)

// wordPressOwn are first segments of WordPress's own REST routes. As a namespace of CoCart they would send a customer's
// identity to /wp/v2/users and similar routes.
var wordPressOwn = []string{"wp", "batch", "oembed", "wp-site-health", "wp-block-editor"}

func siteKeys(c *Site) schema.Entry {
	return schema.Block("site",
		schema.Required(schema.Value("url", &c.URL, nil, schema.WebAddress("must be the address of the shop as WordPress knows it, http or https, with a path at most", schema.SitePath).
			Like("https://shop.example.com"))),
		schema.Value("rest_prefix", &c.RESTPrefix, "wp-json", schema.Text("must be a path as in wp-json or api/v1: no slash at its ends, no part that begins with a dot",
			func(s string) bool {
				return s != "" && schema.SitePath.MatchString("/"+s) && !strings.HasSuffix(s, "/")
			})),
		schema.Values("paths", &c.Paths, nil, pathPrefix()),
		schema.Values("namespaces", &c.Namespaces, []string{"cocart"}, namespace()),
		schema.Values("protect", &c.Protect, nil, protected()),
		schema.Value("guests", &c.Guests, "allow", schema.Choice("allow", "deny")),
		schema.Values("auth_headers", &c.AuthHeaders, []string{"Authorization"}, authHeader()),
		schema.Values("hosts", &c.Hosts, nil, siteHost()))
}

func namespace() schema.Form[string] {
	f := schema.Text("must be the first segment of CoCart's routes: letters, digits, - and _", namespaceWord.MatchString).Like("cocart")
	f.Parse = func(s string) (string, *schema.Mistake) {
		switch {
		case !namespaceWord.MatchString(s):
			return "", &schema.Mistake{}
		case slices.Contains(wordPressOwn, strings.ToLower(s)):
			return "", &schema.Mistake{Rule: "must not be a namespace of WordPress itself"}
		}
		return s, nil
	}
	return f
}

var protectedEntry = regexp.MustCompile(`\A/?[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*\z`)

// unprotected are first segments on which a customer's identity may not count: batches hold any route, and administrators do
// their work below wp-admin.
var unprotected = []string{"batch", "wp-admin", "wp-json", "wp-login.php", "xmlrpc.php", "index.php"}

// protected is a REST namespace or route, as in wc/store, or with a slash in front a path, as in /graphql.
func protected() schema.Form[string] {
	f := schema.Text("must be a REST namespace as in wc/store, or a path as in /graphql", protectedEntry.MatchString).Like("wc/store")
	f.Parse = func(s string) (string, *schema.Mistake) {
		first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(s, "/")), "/")
		switch {
		case !protectedEntry.MatchString(s):
			return "", &schema.Mistake{}
		case slices.Contains(unprotected, first):
			return "", &schema.Mistake{Rule: "must not be a batch, a script or wp-admin"}
		case strings.EqualFold(s, "wp/v2"), strings.EqualFold(s, "wp"):
			return "", &schema.Mistake{Rule: "must be narrower: it covers what administrators do"}
		}
		return s, nil
	}
	return f
}

// siteHost is the name of a host, in lower case.
func siteHost() schema.Form[string] {
	f := schema.Text("must be a host name, without a port, perhaps with *. in front",
		func(s string) bool { return schema.GoodHost(strings.TrimPrefix(s, "*.")) && !strings.HasSuffix(s, ".") }).
		Advise("write e.g. shop.example.com or *.example.com")
	parse := f.Parse
	f.Parse = func(s string) (string, *schema.Mistake) { return parse(strings.ToLower(s)) }
	return f
}

// checkNamespaces compares as WordPress does, which matches REST routes in any case.
func checkNamespaces(c *Config, r *schema.Reader) {
	const key = "site.namespaces"
	if len(c.Site.Namespaces) == 0 && r.Sound(key) {
		r.Reject(r.At(key), "is an empty list", "must name at least one namespace", "write [cocart]")
	}
	seen := map[string]bool{}
	for _, name := range c.Site.Namespaces {
		if lower := strings.ToLower(name); seen[lower] {
			r.Reject(r.At(key), "has "+schema.Printable(name)+" twice", "must name each namespace once", "remove one")
		} else {
			seen[lower] = true
		}
	}
}

func pathPrefix() schema.Form[string] {
	return schema.Text("must be a path as in /en: a slash in front, none at the end, no part that begins with a dot",
		func(s string) bool { return len(s) > 1 && schema.SitePath.MatchString(s) && !strings.HasSuffix(s, "/") }).Like("/en")
}

// notPrefixes are names that WordPress itself serves at the root of a site.
var notPrefixes = []string{"index.php", "wp-admin", "wp-content", "wp-includes"}

// checkPaths refuses a prefix that makes a path ambiguous. WordPress ignores the case of a prefix.
func checkPaths(c *Config, r *schema.Reader) {
	const key = "site.paths"
	if !r.Sound(key, "site.rest_prefix") {
		return
	}
	rest, _, _ := strings.Cut(c.Site.RESTPrefix, "/")
	seen := map[string]bool{}
	at := r.At(key)
	for _, path := range c.Site.Paths {
		lower := strings.ToLower(path)
		first, _, _ := strings.Cut(lower[1:], "/")
		switch {
		case seen[lower]:
			r.Reject(at, "has "+schema.Printable(path)+" twice", "must name each prefix once", "remove one")
		case first == strings.ToLower(rest) || slices.Contains(notPrefixes, first):
			r.Reject(at, "has "+schema.Printable(path)+", a path of WordPress itself", "must not begin with rest_prefix, index.php or a folder of WordPress", "write the prefix alone, e.g. /en")
		}
		seen[lower] = true
	}
}

var headerWord = regexp.MustCompile(`\A[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?\z`)

// takenHeaders have another meaning to WordPress or to a proxy.
var takenHeaders = []string{"Cookie", "Host", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "User-Agent", "Accept",
	"Origin", "Referer", "Cart-Key", "Cocart-Api-Cart-Key", "X-Http-Method-Override", "X-Wp-Nonce", "Proxy", "Proxy-Authorization"}

func authHeader() schema.Form[string] {
	const rule = "must be the name of a header for tokens: letters, digits and -, without another meaning"
	return schema.Text(rule, func(s string) bool {
		name := http.CanonicalHeaderKey(s)
		return headerWord.MatchString(s) && !slices.Contains(takenHeaders, name) && !strings.HasPrefix(name, "Content-") &&
			!strings.HasPrefix(name, "X-Forwarded-") && !strings.HasPrefix(name, "X-Cocart-Gateway")
	}).Like("X-Authorization")
}

func checkAuthHeaders(c *Config, r *schema.Reader) {
	const key = "site.auth_headers"
	if len(c.Site.AuthHeaders) == 0 && r.Sound(key) {
		r.Reject(r.At(key), "is an empty list", "must name at least one header", "write [Authorization]")
	}
	seen := map[string]bool{}
	for _, name := range c.Site.AuthHeaders {
		if name = http.CanonicalHeaderKey(name); seen[name] {
			r.Reject(r.At(key), "has "+schema.Printable(name)+" twice", "must name each header once", "remove one")
		}
		seen[name] = true
	}
}
