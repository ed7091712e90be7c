package accesslog

import (
	"crypto/rand"
	"net/http"
	"strings"
)

const (
	// requestIDHeader belongs to clients and to the shop. What they send passes unchanged, because some of them sign it or
	// look it up.
	requestIDHeader = "X-Request-Id"
	// gatewayIDHeader carries the id of the gateway to WordPress.
	gatewayIDHeader = "X-Cocart-Request-Id"
	maxID           = 128
	// maxClientID is less than the length of a refresh token, which must not enter the log.
	maxClientID = 64
)

// Identify returns the id under which the gateway logs a request, and adds it to the header for WordPress. It is the id that
// a trusted proxy gave the request, if that is well-formed, otherwise one of 130 random bits. Ids of other clients do not count:
// a client could give its requests the id of another client's request.
func Identify(h http.Header, trusted bool) string {
	id := rand.Text()
	if given := h[requestIDHeader]; trusted && len(given) == 1 && wellFormedID(given[0]) {
		id = given[0]
	}
	h[gatewayIDHeader] = []string{id}
	return id
}

// SetID writes the id of a request into its answer, in another header where the shop sends an id too.
func SetID(answer http.Header, id string) {
	name := requestIDHeader
	if len(answer[name]) > 0 {
		name = gatewayIDHeader
	}
	answer[name] = []string{id}
}

// clientID returns the id that the client gave a request, or "" if it has no id that may be logged.
func clientID(h http.Header, id string) string {
	given := h[requestIDHeader]
	if len(given) != 1 || given[0] == id || len(given[0]) > maxClientID || !wellFormedID(given[0]) {
		return ""
	}
	return given[0]
}

func wellFormedID(id string) bool {
	plain := func(r rune) bool {
		return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("-_.:", r)
	}
	return id != "" && len(id) <= maxID && strings.IndexFunc(id, func(r rune) bool { return !plain(r) }) < 0
}

// traceID returns the trace-id of a valid traceparent (W3C Trace Context section 3.2.2), otherwise "". The header itself
// passes unchanged.
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
