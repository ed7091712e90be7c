package wprequest

import (
	"net/http"
	"strings"
)

// DropLoginCookies takes off the cookies by which WordPress knows who is logged in
// (wp_cookie_constants), in whatever spelling PHP would find them. A guest's cart
// may be in others, which stay.
func DropLoginCookies(h http.Header) {
	kept := h["Cookie"][:0:0]
	for _, line := range h["Cookie"] {
		if line = withoutLogins(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func withoutLogins(line string) string {
	if !strings.Contains(line, "wordpress") && !strings.Contains(line, "%") {
		return line
	}
	var kept []string
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if name, _ = phpName(phpURLDecode(strings.TrimLeft(name, " \t\v\f"))); !strings.HasPrefix(name, "wordpress_") {
			kept = append(kept, pair)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ";"))
}
