package upstream

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CachedBy returns the header that shows that an answer came out of a cache between the gateway and PHP, and its value;
// "" if the answer has no such header. The caches are those of web servers (nginx, LiteSpeed, Varnish, Squid), hosts, CDNs and page cache
// plugins. CoCart's own cache of products (CoCart-Cache) and object caches are inside WordPress and not meant.
func CachedBy(h http.Header) (name, value string) {
	for _, sign := range cacheSigns {
		for _, value := range h[sign.header] {
			if sign.hit(value) {
				return sign.header, value
			}
		}
	}
	for other, values := range h {
		if !namesCache(other) || name != "" && other > name {
			continue
		}
		if i := slices.IndexFunc(values, saysHit); i >= 0 {
			name, value = other, values[i]
		}
	}
	return name, value
}

// cacheSigns are the headers with a form of their own, and those that do not name a cache. All others that end as one of
// cacheEndings say HIT, as X-Cache, X-LiteSpeed-Cache, X-FastCGI-Cache, X-Proxy-Cache and CF-Cache-Status do.
var cacheSigns = []struct {
	header string
	hit    func(value string) bool
}{
	{"Age", isPositive},       // RFC 9111 section 5.1: an answer that comes from the origin has none
	{"X-Cache-Hits", anyHits}, // Fastly: one number for each cache on the way
	{"X-Varnish", isTwoIDs},   // Varnish adds the id of the request that filled the cache
	{"Cache-Status", hasHit},  // RFC 9211
	{"X-Rack-Cache", hasFresh},
	{"Swift-Performance", saysHit},
	{"X-Nananana", saysHit},                                     // Batcache
	{"X-Rocket-Nginx-Serving-Static", isServed},                 // WP Rocket's rules for nginx
	{"X-Wp-Super-Cache", isServed},                              // WP Super Cache
	{"Wp-Super-Cache", isServed},                                // the same, as its rules for nginx have it
	{"X-Hummingbird-Cache", isServed},                           // Hummingbird
	{"Wpo-Cache-Status", isServed},                              // WP-Optimize
	{"X-Cache-Handler", func(v string) bool { return v != "" }}, // Cache Enabler, on what it kept
}

var cacheEndings = []string{"-Cache", "-Cache-Status", "-Cache-Result", "-Cache-State", "-Cache-Hit", "-Cache-Info", "-Cachestatus", "-Lscache", "-Fetch-Status"}

func namesCache(name string) bool {
	if strings.HasPrefix(name, "Cocart-") || strings.HasSuffix(name, "Object-Cache") || name == "X-Rack-Cache" {
		return false
	}
	return slices.ContainsFunc(cacheEndings, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// saysHit reads the words of nginx ($upstream_cache_status), Squid (TCP_MEM_HIT), CloudFront (RefreshHit), Fastly
// ("MISS, HIT") and Cloudflare. A hit for pass, or for a miss, is an answer of PHP.
func saysHit(value string) bool {
	low := strings.ToLower(value)
	if strings.Contains(low, "hit-for") || strings.Contains(low, "hit for") || strings.Contains(low, "hit_for") {
		return false
	}
	for _, word := range words(low) {
		switch {
		case strings.HasSuffix(word, "hit") && word != "nohit", word == "stale", word == "updating", word == "revalidated", word == "prerender":
			return true
		}
	}
	return false
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r < 'a' || r > 'z' })
}

func isPositive(value string) bool {
	number, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	return err == nil && number > 0
}

func anyHits(value string) bool {
	for part := range strings.SplitSeq(value, ",") {
		if isPositive(part) {
			return true
		}
	}
	return false
}

func isTwoIDs(value string) bool {
	ids := strings.Fields(value)
	return len(ids) == 2 && isPositive(ids[0]) && isPositive(ids[1])
}

// hasHit reports whether a member of the list, one for each cache on the way, has the parameter "hit".
func hasHit(value string) bool {
	for member := range strings.SplitSeq(value, ",") {
		for parameter := range strings.SplitSeq(member, ";") {
			if p := strings.TrimSpace(parameter); p == "hit" || p == "hit=?1" {
				return true
			}
		}
	}
	return false
}

func hasFresh(value string) bool { return strings.Contains(strings.ToLower(value), "fresh") }

func isServed(value string) bool {
	low := strings.ToLower(strings.TrimSpace(value))
	return strings.HasPrefix(low, "served") || low == "cached" || low == "yes" || saysHit(value)
}
