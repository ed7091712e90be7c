package paritytest

import (
	"net/http"
	"slices"
	"strings"
)

// Headers are those that clients, browsers and caches go by.
var Headers = []string{
	"Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin",
	"Access-Control-Expose-Headers", "Allow", "Cache-Control", "Cart-Key", "CoCart-API-Cart-Key", "Content-Type", "Link", "Location",
	"Retry-After", "Set-Cookie", "Vary", "WWW-Authenticate", "X-Content-Type-Options", "X-Robots-Tag",
}

// said are those of them of which counts what they say, and not only that they are
// there: a cache would keep an answer that is "public".
func said(name string) bool {
	return strings.HasPrefix(name, "Access-Control-") ||
		slices.Contains([]string{"Cache-Control", "Retry-After", "Vary", "WWW-Authenticate"}, name)
}

func readHeaders(header http.Header) []string {
	has := []string{}
	for _, name := range Headers {
		switch values := header.Values(name); {
		case len(values) == 0:
		case said(name):
			has = append(has, name+": "+normal(name, strings.Join(values, ", ")))
		default:
			has = append(has, name)
		}
	}
	return has
}

// normal is a value in a form in which two that mean the same are the same: the
// words of a list in order, and a number of seconds as N.
func normal(name, value string) string {
	if name == "Retry-After" && strings.Trim(value, "0123456789") == "" {
		return "N"
	}
	if name == "WWW-Authenticate" || name == "Access-Control-Allow-Origin" {
		return value
	}
	words := strings.Split(value, ",")
	for i, word := range words {
		words[i] = strings.TrimSpace(word)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), ", ")
}

// without leaves out headers by their names.
func without(has, names []string) []string {
	return slices.DeleteFunc(has, func(line string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return headerName(n) == headerName(line) })
	})
}

func headerName(line string) string {
	name, _, _ := strings.Cut(line, ":")
	return name
}
