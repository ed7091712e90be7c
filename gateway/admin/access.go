package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// knownHost reports whether a request asks for the private listener by a name that it has.
//
// Attack: DNS rebinding. A page that the operator opens has its own name resolve to 127.0.0.1, and then reads metrics and
// the API from the operator's browser as if they were its own site. Prevention: such a request has the attacker's name in
// Host. An address is no name, loopback names never resolve elsewhere (RFC 6761 section 6.3), and a name of one label
// (of a container, or of this machine) is none that an attacker can register. Any other has to be listed; *.example.com
// is any below it. No browser opens a unix socket.
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

// What one address may get wrong. The token is random and long, so that guessing is hopeless anyway; the limit keeps a
// guesser from using the CPU and the log, and makes it seen.
const (
	mostWrong    = 10
	span         = time.Minute
	mostWatched  = 1000 // addresses; all others share one count
	ipv6Neighbor = 64   // bits that one subscriber has
)

// wrongTokens counts wrong tokens by address, for a minute. Its zero value is ready; it is safe for concurrent use.
type wrongTokens struct {
	mu    sync.Mutex
	since time.Time
	wrong map[netip.Prefix]int
}

// Wait is how long an address has to wait before its next token is looked at; 0: it need not.
func (w *wrongTokens) wait(r *http.Request, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(now)
	if w.wrong[w.who(r)] < mostWrong {
		return 0
	}
	return w.since.Add(span).Sub(now)
}

// Wrong counts a wrong token, and reports whether it was the last that the address may send for now.
func (w *wrongTokens) count(r *http.Request, now time.Time) (last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(now)
	who := w.who(r)
	w.wrong[who]++
	return w.wrong[who] == mostWrong
}

func (w *wrongTokens) begin(now time.Time) {
	if w.wrong == nil || now.Sub(w.since) >= span || now.Before(w.since) {
		w.since, w.wrong = now, map[netip.Prefix]int{}
	}
}

// who is the zero Prefix for a unix socket, and where too many addresses are watched already.
func (w *wrongTokens) who(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	at := peer.Addr().Unmap().WithZone("")
	bits := at.BitLen()
	if at.Is6() {
		bits = ipv6Neighbor
	}
	who, _ := at.Prefix(bits)
	if _, watched := w.wrong[who]; !watched && len(w.wrong) >= mostWatched {
		return netip.Prefix{}
	}
	return who
}
