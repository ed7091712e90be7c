package upstream

import (
	"net/http"
	"strconv"
	"strings"
)

// cacheHeaders are those in which caches report that an answer came out of them:
// proxies and CDNs in general, Cloudflare, LiteSpeed, nginx's FastCGI and proxy
// caches, Varnish, Fastly and Sucuri.
var cacheHeaders = []string{
	"X-Cache", "Cf-Cache-Status", "X-Litespeed-Cache", "X-Lscache", "X-Qc-Cache", "X-Fastcgi-Cache", "X-Proxy-Cache", "X-Nginx-Cache",
	"X-Nginx-Cache-Status", "X-Cache-Status", "X-Varnish-Cache", "X-Sucuri-Cache", "X-Rocket-Cache", "X-Kinsta-Cache", "X-Proxy-Cache-Info", "Cache-Status",
}

// CachedBy returns the header that shows that a cache between the gateway and PHP
// made an answer, and its value; "" where none does. Age counts from one second on
// (RFC 9111 section 5.1); Cache-Status is that of RFC 9211.
func CachedBy(h http.Header) (name, value string) {
	if age, err := strconv.ParseInt(strings.TrimSpace(h.Get("Age")), 10, 64); err == nil && age > 0 {
		return "Age", strconv.FormatInt(age, 10)
	}
	for _, name := range cacheHeaders {
		for _, value := range h[name] {
			if isHit(value) {
				return name, value
			}
		}
	}
	return "", ""
}

// isHit finds the word in "HIT", "Hit from cloudfront", "hit,litemage" and
// "ExampleCache; hit", and not in "MISS" or "white".
func isHit(value string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToUpper(value), func(r rune) bool { return (r < 'A' || r > 'Z') && r != '_' }) {
		if word == "HIT" || strings.HasSuffix(word, "_HIT") {
			return true
		}
	}
	return false
}
