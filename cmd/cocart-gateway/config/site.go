package config

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var namespaceWord = regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9._-]{0,63}\z`)

// wordPressOwn are first segments of WordPress's own REST routes. As a namespace of CoCart they would send a customer's
// identity to /wp/v2/users and similar routes.
var wordPressOwn = []string{"wp", "batch", "oembed", "wp-site-health", "wp-block-editor"}

func siteKeys(c *Site) entry {
	return block("site",
		required(value("url", &c.URL, nil, webAddress("must be the address of the shop as WordPress knows it, http or https, with a path at most", sitePath).
			like("https://shop.example.com"))),
		value("rest_prefix", &c.RESTPrefix, "wp-json", text("must be a path as in wp-json or api/v1: no slash at its ends, no part that begins with a dot",
			func(s string) bool { return s != "" && sitePath.MatchString("/"+s) && !strings.HasSuffix(s, "/") })),
		values("paths", &c.Paths, nil, pathPrefix()),
		values("namespaces", &c.Namespaces, []string{"cocart"}, namespace()),
		value("guests", &c.Guests, "allow", choice("allow", "deny")),
		values("auth_headers", &c.AuthHeaders, []string{"Authorization"}, authHeader()),
		values("hosts", &c.Hosts, nil, siteHost()))
}

func namespace() form[string] {
	f := text("must be the first segment of CoCart's routes: letters, digits, - and _", namespaceWord.MatchString).like("cocart")
	f.parse = func(s string) (string, *mistake) {
		switch {
		case !namespaceWord.MatchString(s):
			return "", &mistake{}
		case slices.Contains(wordPressOwn, strings.ToLower(s)):
			return "", &mistake{rule: "must not be a namespace of WordPress itself"}
		}
		return s, nil
	}
	return f
}

// siteHost is the name of a host, in lower case.
func siteHost() form[string] {
	f := text("must be a host name, without a port, perhaps with *. in front",
		func(s string) bool { return goodHost(strings.TrimPrefix(s, "*.")) && !strings.HasSuffix(s, ".") }).
		advise("write e.g. shop.example.com or *.example.com")
	parse := f.parse
	f.parse = func(s string) (string, *mistake) { return parse(strings.ToLower(s)) }
	return f
}

// checkNamespaces compares as WordPress does, which matches REST routes in any case.
func checkNamespaces(c *Config, r *reader) {
	const key = "site.namespaces"
	if len(c.Site.Namespaces) == 0 && r.sound(key) {
		r.reject(r.at(key), "is an empty list", "must name at least one namespace", "write [cocart]")
	}
	seen := map[string]bool{}
	for _, name := range c.Site.Namespaces {
		if lower := strings.ToLower(name); seen[lower] {
			r.reject(r.at(key), "has "+printable(name)+" twice", "must name each namespace once", "remove one")
		} else {
			seen[lower] = true
		}
	}
}

func pathPrefix() form[string] {
	return text("must be a path as in /en: a slash in front, none at the end, no part that begins with a dot",
		func(s string) bool { return len(s) > 1 && sitePath.MatchString(s) && !strings.HasSuffix(s, "/") }).like("/en")
}

// notPrefixes are names that WordPress itself serves at the root of a site.
var notPrefixes = []string{"index.php", "wp-admin", "wp-content", "wp-includes"}

// checkPaths refuses a prefix that makes a path ambiguous. WordPress ignores the case of a prefix.
func checkPaths(c *Config, r *reader) {
	const key = "site.paths"
	if !r.sound(key, "site.rest_prefix") {
		return
	}
	rest, _, _ := strings.Cut(c.Site.RESTPrefix, "/")
	seen := map[string]bool{}
	at := r.at(key)
	for _, path := range c.Site.Paths {
		lower := strings.ToLower(path)
		first, _, _ := strings.Cut(lower[1:], "/")
		switch {
		case seen[lower]:
			r.reject(at, "has "+printable(path)+" twice", "must name each prefix once", "remove one")
		case first == strings.ToLower(rest) || slices.Contains(notPrefixes, first):
			r.reject(at, "has "+printable(path)+", a path of WordPress itself", "must not begin with rest_prefix, index.php or a folder of WordPress", "write the prefix alone, e.g. /en")
		}
		seen[lower] = true
	}
}

var headerWord = regexp.MustCompile(`\A[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?\z`)

// takenHeaders have another meaning to WordPress or to a proxy.
var takenHeaders = []string{"Cookie", "Host", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "User-Agent", "Accept",
	"Origin", "Referer", "Cart-Key", "Cocart-Api-Cart-Key", "X-Http-Method-Override", "X-Wp-Nonce", "Proxy", "Proxy-Authorization"}

func authHeader() form[string] {
	const rule = "must be the name of a header for tokens: letters, digits and -, without another meaning"
	return text(rule, func(s string) bool {
		name := http.CanonicalHeaderKey(s)
		return headerWord.MatchString(s) && !slices.Contains(takenHeaders, name) && !strings.HasPrefix(name, "Content-") &&
			!strings.HasPrefix(name, "X-Forwarded-") && !strings.HasPrefix(name, "X-Cocart-Gateway")
	}).like("X-Authorization")
}

func checkAuthHeaders(c *Config, r *reader) {
	const key = "site.auth_headers"
	if len(c.Site.AuthHeaders) == 0 && r.sound(key) {
		r.reject(r.at(key), "is an empty list", "must name at least one header", "write [Authorization]")
	}
	seen := map[string]bool{}
	for _, name := range c.Site.AuthHeaders {
		if name = http.CanonicalHeaderKey(name); seen[name] {
			r.reject(r.at(key), "has "+printable(name)+" twice", "must name each header once", "remove one")
		}
		seen[name] = true
	}
}
