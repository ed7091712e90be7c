package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"cocart-gateway/gateway/respond"
)

// knownHost reports whether the Host header names the private listener.
//
// Attack: DNS rebinding. A page that the operator opens lets its own name resolve to 127.0.0.1, and then reads metrics and
// the API from the operator's browser as if they belonged to its site. Prevention: such a request has the attacker's name in
// Host. An address is not a name, loopback names never resolve elsewhere (RFC 6761 section 6.3), and an attacker cannot
// register a name of one label (of a container, or of this machine). Any other name has to be listed; *.example.com is any
// name below example.com. Browsers do not open unix sockets.
func knownHost(r *http.Request, listed []string) bool {
	if local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr); local != nil && local.Network() == "unix" {
		return true
	}
	host := strings.TrimSuffix(strings.ToLower(withoutPort(r.Host)), ".")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || !strings.Contains(host, ".") {
		return true
	}
	if strings.HasSuffix(host, ".localhost") {
		return true
	}
	for _, name := range listed {
		if suffix, below := strings.CutPrefix(name, "*"); host == name || below && strings.HasSuffix(host, suffix) && len(host) > len(suffix) && host[0] != '.' {
			return true
		}
	}
	return false
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// requireToken returns the middleware that admits only requests with the token.
func (h *Handler) requireToken(token string) func(apiHandler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return func(handle apiHandler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := h.checkToken(r, want)
			if err == nil {
				err = handle(w, r)
			}
			if err != nil {
				respond.Error(w, r, failureOf(err))
			}
		})
	}
}

// checkToken compares digests of equal length, so that its duration does not depend on the token. The right token is accepted
// whatever else was sent: behind a proxy or a forwarded port all operators have one address, and one misconfigured script
// there would keep everyone out.
//
// Attack: a page of another site has the operator's browser send requests without a token, by an <img> or a form, and the log
// fills with them. Prevention: they are counted apart from wrong tokens, and no longer logged after the tenth. A page cannot
// add Authorization: the browser would ask for permission first (CORS), and the answer gives none.
func (h *Handler) checkToken(r *http.Request, want [sha256.Size]byte) error {
	if r.Header.Get("Authorization") == "" {
		if h.missing.wait(r, h.now()) == 0 {
			h.refusedToken(r, &h.missing, "requests without a token are no longer logged")
		}
		return respond.Fail(respond.AdminToken)
	}
	got := sha256.Sum256([]byte(presentedToken(r)))
	if subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
		return nil
	}
	if wait := h.wrong.wait(r, h.now()); wait > 0 {
		f := respond.Fail(respond.AdminLimited)
		f.RetryAfter = int(wait/time.Second) + 1
		return f
	}
	h.refusedToken(r, &h.wrong, "further wrong tokens of this address get 429 and are no longer logged")
	return respond.Fail(respond.AdminToken)
}

// refusedToken counts and logs a request without the token; the last one of a period says what follows.
func (h *Handler) refusedToken(r *http.Request, counts *wrongTokens, then string) {
	message := "administration refused"
	if counts.count(r, h.now()) {
		message += "; for the rest of the minute " + then
	}
	h.logFrom(r, slog.LevelWarn, message)
}

// presentedToken returns the token of a request: of the Bearer scheme, or the password of the Basic scheme, with which OAuth
// clients authenticate (RFC 6749 section 2.3.1).
func presentedToken(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(token, " ")
}

// How many wrong tokens of one address are logged and answered 401. The token is random and long, so it cannot be guessed; the
// limit protects the log, and tells a client with an old token to slow down.
const (
	maxWrong        = 10
	wrongPeriod     = time.Minute
	maxAddresses    = 1000 // all further addresses share one count
	ipv6Subscribers = 64   // bits of the prefix that one subscriber has
)

// wrongTokens counts wrong tokens by address for a minute. Its zero value is ready, and it is safe for concurrent use.
type wrongTokens struct {
	mu    sync.Mutex
	since time.Time
	wrong map[netip.Prefix]int
}

// wait returns how long the wrong tokens of an address are over the limit; 0 if they are not.
func (w *wrongTokens) wait(r *http.Request, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(now)
	if w.wrong[w.clientOf(r)] < maxWrong {
		return 0
	}
	return w.since.Add(wrongPeriod).Sub(now)
}

// count adds a wrong token, and reports whether it was the last one below the limit in this period.
func (w *wrongTokens) count(r *http.Request, now time.Time) (last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(now)
	client := w.clientOf(r)
	w.wrong[client]++
	return w.wrong[client] == maxWrong
}

func (w *wrongTokens) begin(now time.Time) {
	if w.wrong == nil || now.Sub(w.since) >= wrongPeriod || now.Before(w.since) {
		w.since, w.wrong = now, map[netip.Prefix]int{}
	}
}

// clientOf returns the zero Prefix for a unix socket, and once too many addresses are counted.
func (w *wrongTokens) clientOf(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	address := peer.Addr().Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = ipv6Subscribers
	}
	client, _ := address.Prefix(bits) // the number of bits is valid
	if _, counted := w.wrong[client]; !counted && len(w.wrong) >= maxAddresses {
		return netip.Prefix{}
	}
	return client
}
