package config

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var headerWord = regexp.MustCompile(`\A[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?\z`)

// takenHeaders mean something else to WordPress or on the way to it.
var takenHeaders = []string{"Cookie", "Host", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "User-Agent", "Accept",
	"Origin", "Referer", "Cart-Key", "Cocart-Api-Cart-Key", "X-Http-Method-Override", "X-Wp-Nonce", "Proxy", "Proxy-Authorization"}

func authHeader() form[string] {
	const rule = "must be the name of a header for tokens: letters, digits and -, and none that means something else"
	return text(rule, "write e.g. X-Authorization", func(s string) bool {
		name := http.CanonicalHeaderKey(s)
		return headerWord.MatchString(s) && !slices.Contains(takenHeaders, name) && !strings.HasPrefix(name, "Content-") &&
			!strings.HasPrefix(name, "X-Forwarded-") && !strings.HasPrefix(name, "X-Cocart-Gateway")
	})
}

func checkAuthHeaders(c *Config, r *reader) {
	const key = "site.auth_headers"
	if len(c.Site.AuthHeaders) == 0 && r.sound(key) {
		r.reject(r.at(key), mistake{"is an empty list", "must name at least one header", "write [Authorization]"})
	}
	seen := map[string]bool{}
	for _, name := range c.Site.AuthHeaders {
		if name = http.CanonicalHeaderKey(name); seen[name] {
			r.reject(r.at(key), mistake{"has " + printable(name) + " twice", "must name each header once", "remove one"})
		}
		seen[name] = true
	}
}
