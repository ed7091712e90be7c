package forwarded

import (
	"net/http"
	"strings"
)

// xForwarded are the headers beside which Forwarded does not count: a proxy that
// writes them may pass on a Forwarded of the client's.
var xForwarded = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"}

// Translate writes the Forwarded header (RFC 7239 section 4) of a trusted peer as
// X-Forwarded-For, -Proto and -Host, one element for each of its own, where none of
// these was sent.
func Translate(h http.Header) {
	lines := h["Forwarded"]
	if len(lines) == 0 {
		return
	}
	for _, name := range xForwarded {
		if len(h[name]) > 0 {
			return
		}
	}
	var fors, protos, hosts []string
	for _, element := range split(strings.Join(lines, ","), ',') {
		pairs := pairsOf(element)
		fors, protos, hosts = append(fors, pairs["for"]), append(protos, pairs["proto"]), append(hosts, pairs["host"])
	}
	set(h, "X-Forwarded-For", fors)
	set(h, "X-Forwarded-Proto", protos)
	set(h, "X-Forwarded-Host", hosts)
}

// set writes a list unless all of it is empty.
func set(h http.Header, name string, values []string) {
	if strings.Join(values, "") != "" {
		h[name] = []string{strings.Join(values, ", ")}
	}
}

// pairsOf reads one element; of a parameter given twice, which section 4 forbids,
// neither counts.
func pairsOf(element string) map[string]string {
	pairs, twice := map[string]string{}, map[string]bool{}
	for _, pair := range split(element, ';') {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, seen := pairs[name]; seen {
			twice[name] = true
		}
		if ok {
			pairs[name] = unquoted(strings.TrimSpace(value))
		}
	}
	for name := range twice {
		delete(pairs, name)
	}
	return pairs
}

// unquoted returns a token or the content of a quoted-string (RFC 9110 section 5.6.4).
// A comma would begin another element of the list that is written; it is in no
// address, scheme or host.
func unquoted(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = strings.ReplaceAll(s[1:len(s)-1], `\`, "")
	}
	if strings.ContainsAny(s, "\",\r\n") {
		return ""
	}
	return s
}

// split separates at sep outside of quoted strings.
func split(s string, sep byte) (parts []string) {
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts, begin = append(parts, s[begin:i]), i+1
		}
	}
	return append(parts, s[begin:])
}
