// Package forwarded finds out where a request comes from: the client's address, and
// the scheme, the port and the host that the client used ([Proxies.Origin]). It reads
// X-Forwarded-*, Forwarded (rfc7239.go) and the connection itself.
//
// Each proxy on the way appends to X-Forwarded-Proto, X-Forwarded-Port and
// X-Forwarded-Host as it does to X-Forwarded-For, or replaces them. So the value
// that counts is the one written by the trusted proxy that is farthest from the
// gateway; what stands left of it was sent by the client. Callers pass the number
// of trusted proxies on the way, the peer included, and only call for a peer that
// is trusted.
package forwarded

import (
	"net"
	"net/http"
	"strconv"
	"strings"
)

// schemes are the values that mean https. All others mean http, so that an unknown
// value never makes a request secure.
var schemes = map[string]string{"https": "https", "wss": "https", "on": "https", "ssl": "https", "1": "https"}

// SchemeHeaders are the headers that say the client's scheme, in order of
// precedence: the first that was sent decides. An attacker behind a proxy that
// sends X-Forwarded-Proto gains nothing by sending one of the others.
var SchemeHeaders = []string{
	"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "Front-End-Https", "Cloudfront-Forwarded-Proto",
}

// Scheme returns the client's scheme, by the first of the headers in order that was
// sent; known is false if none was. The names are in their canonical form.
func Scheme(h http.Header, order []string, hops int) (scheme string, known bool) {
	for _, name := range order {
		value := element(h[name], hops)
		if value == "" {
			continue
		}
		if scheme, known := schemes[strings.ToLower(value)]; known {
			return scheme, true
		}
		return "http", true
	}
	return "", false
}

// Port returns the port that the client connected to: X-Forwarded-Port if trusted
// proxies say it, else that of the host, else the scheme's own. Port 80 with https
// and port 443 with http are ports of a proxy's inner side, and not the client's;
// is_ssl() of WordPress takes port 443 alone for TLS.
func Port(h http.Header, host, scheme string, hops int) uint16 {
	own, other := uint16(80), uint16(443)
	if scheme == "https" {
		own, other = other, own
	}
	for _, text := range [...]string{element(h["X-Forwarded-Port"], hops), portOf(host)} {
		if text == "" {
			continue
		}
		if n, err := strconv.ParseUint(text, 10, 16); err == nil && n > 0 {
			if uint16(n) == other {
				return own
			}
			return uint16(n)
		}
	}
	return own
}

func portOf(host string) string {
	host = strings.TrimSpace(host)
	if strings.LastIndexByte(host, ':') < 0 { // most have none; an error costs an allocation
		return ""
	}
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return ""
	}
	return port
}

// Host returns the host that the client asked for according to trusted proxies; "" if
// they do not say.
func Host(h http.Header, hops int) string { return element(h["X-Forwarded-Host"], hops) }

// element returns the value that the trusted proxy farthest from the gateway wrote.
func element(lines []string, hops int) string {
	if len(lines) == 0 {
		return ""
	}
	rest, value, more := cutLast(joined(lines))
	for ; hops > 1 && more; hops-- {
		rest, value, more = cutLast(rest)
	}
	return value
}

// joined returns the lines of a list as one (RFC 9110 section 5.3).
func joined(lines []string) string {
	if len(lines) == 1 {
		return lines[0]
	}
	return strings.Join(lines, ",")
}

// cutLast returns the last element of a list, and what is before it; more is false if that was the first.
func cutLast(list string) (rest, last string, more bool) {
	comma := strings.LastIndexByte(list, ',')
	return list[:max(comma, 0)], strings.TrimSpace(list[comma+1:]), comma >= 0
}
