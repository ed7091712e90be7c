package gateway

import (
	"crypto/rand"
	"net/http"
	"strings"

	"cocart-gateway/upstream"
)

const (
	// requestIDHeader belongs to clients and to the shop: what they send passes
	// unchanged, because some of them sign it or look it up.
	requestIDHeader = "X-Request-Id"
	// ownIDHeader carries the id of the gateway to WordPress.
	ownIDHeader  = "X-Cocart-Request-Id"
	maxRequestID = 128
	// maxClientID is shorter than a refresh token, which must not enter the log.
	maxClientID = 64
)

// name gives a request the id under which the gateway logs it: the one that a
// trusted proxy gave it, if it is well formed, else one of 130 random bits. What
// other clients claim is not taken: they could give their requests the id of
// another client's in the log.
func name(r *http.Request, o upstream.Origin) string {
	id := rand.Text()
	if given := r.Header[requestIDHeader]; o.Trusted && len(given) == 1 && wellFormedID(given[0]) {
		id = given[0]
	}
	r.Header[ownIDHeader] = []string{id}
	return id
}

// clientRequestID is the id that the client gave the request, "" if it gave none
// that may be logged.
func (x *exchange) clientRequestID() string {
	given := x.r.Header[requestIDHeader]
	if len(given) != 1 || given[0] == x.id || len(given[0]) > maxClientID || !wellFormedID(given[0]) {
		return ""
	}
	return given[0]
}

// nameAnswer writes the id into the answer, under a name of its own where the shop
// sends an id too.
func (x *exchange) nameAnswer(h http.Header) {
	if len(h[requestIDHeader]) == 0 {
		h.Set(requestIDHeader, x.id)
		return
	}
	h.Set(ownIDHeader, x.id)
}

func wellFormedID(id string) bool {
	plain := func(r rune) bool {
		return r < 0x80 && (isAlphanumeric(byte(r)) || strings.ContainsRune("-_.:", r))
	}
	return id != "" && len(id) <= maxRequestID && strings.IndexFunc(id, func(r rune) bool { return !plain(r) }) < 0
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// traceID is the trace-id of a valid traceparent (W3C Trace Context section
// 3.2.2), else "". The header itself passes as it came.
func traceID(h http.Header) string {
	values := h["Traceparent"]
	if len(values) != 1 {
		return ""
	}
	parts := strings.Split(values[0], "-")
	if len(parts) < 4 || !hex(parts[0], 2) || !hex(parts[1], 32) || !hex(parts[2], 16) || !hex(parts[3], 2) {
		return ""
	}
	if parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 || zero(parts[1]) || zero(parts[2]) {
		return ""
	}
	return parts[1]
}

func hex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}

func zero(s string) bool { return strings.Trim(s, "0") == "" }
