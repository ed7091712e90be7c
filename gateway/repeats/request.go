package repeats

import (
	"net/http"
	"net/netip"
	"strings"
)

// compared are the headers that belong to a request, because its answer may depend on them. Authorization is added where
// it is a password: the SDKs send the second request with the token that they have just refreshed.
var compared = []string{"Content-Type", "Accept", "Accept-Encoding", "Accept-Language", "Origin", "User-Agent", "Cookie"}

// NameOf returns the name of a client's request with this body. target is path and query, as WordPress gets them.
func (m *Memory) NameOf(client netip.Addr, r *http.Request, target string, body []byte) Name {
	parts := []string{client.String(), r.Method, target, string(body)}
	for _, name := range compared {
		parts = append(parts, strings.Join(r.Header[name], "\n"))
	}
	password := r.Header.Get("Authorization")
	if scheme, _, _ := strings.Cut(strings.TrimSpace(password), " "); strings.EqualFold(scheme, "Bearer") {
		password = ""
	}
	return m.Name(append(parts, password)...)
}

// Copy takes the answer to a request with a password along while it is sent; the nil Copy takes nothing.
type Copy struct {
	Name   Name
	Answer Answer
	broken bool // the answer is too long
}

// Begin takes the header as the handler made it, without what the gateway adds to every answer. Cookies are left out: they
// were set by the first answer.
func (c *Copy) Begin(status int, h http.Header) {
	if c != nil {
		c.Answer.Status, c.Answer.Header = status, h.Clone()
		delete(c.Answer.Header, "Set-Cookie")
	}
}

// Write takes a part of the body.
func (c *Copy) Write(b []byte) {
	switch {
	case c == nil || c.broken:
	case len(c.Answer.Body)+len(b) > LongestBody:
		c.broken, c.Answer.Body = true, nil
	default:
		c.Answer.Body = append(c.Answer.Body, b...)
	}
}

// Refusal returns the whole answer if it refuses with a 4xx; nil otherwise. An answer of another status may be a page of a
// shop that hides the refusal in it.
func (c *Copy) Refusal() *Answer {
	if c == nil || c.broken || c.Answer.Status < 400 || c.Answer.Status >= 500 || c.Answer.Status == http.StatusTooManyRequests {
		return nil
	}
	return &c.Answer
}

// Send sends a remembered answer.
func (a *Answer) Send(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range a.Header {
		h[name] = append([]string(nil), values...)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a client that left needs no answer
}
