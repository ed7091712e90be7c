package browser

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// Header is the request header by which an app asks at login for cookie mode, and CookieMode its only value.
const (
	Header     = "CoCart-Session"
	CookieMode = "cookie"
)

// The names of the session cookie, for this host only and with a Domain.
const (
	HostName   = "__Host-cocart_session"
	DomainName = "__Secure-cocart_session"
)

// maxCookie is how many bytes of name and value browsers store; they ignore a longer cookie (RFC 6265bis section 5.7).
const maxCookie = 4096

// ErrTooLong reports tokens that a browser would not store.
var ErrTooLong = errors.New("the tokens do not fit into a cookie of 4096 bytes; reduce the extra claims of the access token")

// Tokens is the token pair in a session cookie.
type Tokens struct{ Access, Refresh string }

// Presented is what a request has of session cookies.
type Presented struct {
	Tokens
	// Found reports that there is one.
	Found bool
	// Conflict reports that there are several with different values. A browser sends several if another host of cookies.domain,
	// or an attacker on it, set one for a longer path or another domain, and nothing says which is which.
	Conflict bool
}

// CookieConfig says how the session cookie is set. Its zero value is that of an app on the shop's own site.
type CookieConfig struct {
	Domain   string        // without a leading dot; "" for this host only
	SameSite http.SameSite // zero means Lax. None also makes the cookie Partitioned, which browsers require of third parties
}

func (c CookieConfig) name() string {
	if c.Domain != "" {
		return DomainName
	}
	return HostName
}

// Take removes the session cookies from the header of a request, under each name that the gateway ever gives them, and returns
// what the one of this configuration holds. Every other cookie stays as it is, byte for byte.
//
// Attack: PHP code that reads, logs or prints $_COOKIE, as debugging plugins and error reports do, would pass the tokens on.
func (c CookieConfig) Take(h http.Header) Presented {
	var found []string
	var kept []string
	for _, line := range h["Cookie"] {
		rest, values := takeFromLine(line, c.name())
		found = append(found, values...)
		if rest != "" {
			kept = append(kept, rest)
		}
	}
	switch {
	case len(kept) > 0:
		h["Cookie"] = kept
	default:
		delete(h, "Cookie")
	}
	return read(found)
}

func takeFromLine(line, name string) (rest string, values []string) {
	if !strings.Contains(line, "cocart_session") {
		return line, nil
	}
	var kept []string
	taken := false
	for pair := range strings.SplitSeq(line, ";") {
		found, value, _ := strings.Cut(pair, "=")
		switch found = strings.Trim(found, " \t"); found {
		case name:
			values, taken = append(values, strings.Trim(value, " \t")), true
		case HostName, DomainName:
			taken = true
		default:
			kept = append(kept, pair)
		}
	}
	if !taken {
		return line, nil
	}
	return strings.Trim(strings.Join(kept, ";"), " \t"), values
}

func read(values []string) Presented {
	if len(values) == 0 {
		return Presented{}
	}
	p := Presented{Found: true}
	for _, v := range values[1:] {
		p.Conflict = p.Conflict || v != values[0]
	}
	p.Refresh, p.Access, _ = strings.Cut(values[0], ".")
	return p
}

// Set returns the Set-Cookie line that stores a token pair for as long as its session may be idle. It returns ErrTooLong for
// tokens that a browser would not store.
func (c CookieConfig) Set(t Tokens, idle time.Duration) (string, error) {
	value := t.Refresh + "." + t.Access
	if len(c.name())+len(value) > maxCookie {
		return "", ErrTooLong
	}
	return c.cookie(value, max(1, int(idle/time.Second))).String(), nil
}

// Remove returns the Set-Cookie line that removes the session cookie.
func (c CookieConfig) Remove() string { return c.cookie("", -1).String() }

// RemoveAll returns the Set-Cookie lines that remove what other configurations of the gateway, or other hosts, set for the name of
// the session cookie and a request to host: with and without Partitioned, and for each domain that the host may set cookies for.
// A cookie with another path stays.
func (c CookieConfig) RemoveAll(host string) []string {
	domains := []string{""}
	if c.Domain != "" {
		for parent := host; strings.Contains(parent, "."); _, parent, _ = strings.Cut(parent, ".") {
			domains = append(domains, parent)
		}
	}
	var lines []string
	for _, domain := range domains {
		for _, partitioned := range []bool{false, true} {
			out := c.cookie("", -1) //nolint:gosec // G124: it removes
			out.Domain, out.Partitioned = domain, partitioned
			lines = append(lines, out.String())
		}
	}
	return lines
}

func (c CookieConfig) cookie(value string, maxAge int) *http.Cookie {
	sameSite := c.SameSite
	if sameSite == 0 {
		sameSite = http.SameSiteLaxMode
	}
	return &http.Cookie{Name: c.name(), Value: value, Path: "/", Domain: c.Domain, MaxAge: maxAge, Secure: true, HttpOnly: true, //nolint:gosec // G124: SameSite is the operator's choice, and never the browser's
		SameSite: sameSite, Partitioned: sameSite == http.SameSiteNoneMode}
}

// ErrUnknownMode reports a CoCart-Session header with another value than cookie.
var ErrUnknownMode = errors.New("the only value of CoCart-Session is cookie")

// WantsCookie reports whether a request asks for its tokens as a cookie. It returns ErrUnknownMode for any other wish.
func WantsCookie(h http.Header) (bool, error) {
	values := h["Cocart-Session"]
	for _, v := range values {
		if !strings.EqualFold(strings.Trim(v, " \t"), CookieMode) {
			return false, ErrUnknownMode
		}
	}
	return len(values) > 0, nil
}
