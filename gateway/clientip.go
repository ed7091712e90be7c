package gateway

import (
	"iter"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"cocart-gateway/upstream"
)

// origin tells who a request comes from. X-Forwarded-For is read from the right
// and only as long as the address that wrote it is a trusted proxy; what stands
// further left is whatever the client cared to send. Whoever is connected by a
// unix socket has no address, and is trusted: only processes that the operator
// lets open it get there.
func (g *Gateway) origin(r *http.Request) upstream.Origin {
	peer := parseAddr(r.RemoteAddr)
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	unix := local != nil && local.Network() == "unix"
	o := upstream.Origin{Client: peer, Peer: peer, Proto: "http", Trusted: unix || g.trusts(peer)}
	if r.TLS != nil {
		o.Proto = "https"
	}
	if !o.Trusted {
		o.Port = portAsked(r.Host, o.Proto, nil)
		return o
	}
	o.Client = g.clientBehind(peer, r.Header["X-Forwarded-For"])
	// The proxy nearest to us is the one that is trusted, and it appends.
	if proto := lastElement(r.Header["X-Forwarded-Proto"]); strings.EqualFold(proto, "https") {
		o.Proto = "https"
	} else if proto != "" {
		o.Proto = "http"
	}
	o.Port = portAsked(r.Host, o.Proto, r.Header["X-Forwarded-Port"])
	return o
}

// portAsked is the port of the address that a client asked for: what the nearest
// trusted proxy says, else that of its Host, else the default of the scheme.
// Services sign it.
func portAsked(host, proto string, forwarded []string) uint16 {
	_, named, _ := net.SplitHostPort(host) // "" without a port
	for _, text := range []string{lastElement(forwarded), named} {
		if port, err := strconv.ParseUint(text, 10, 16); err == nil && port > 0 {
			return uint16(port)
		}
	}
	if proto == "https" {
		return 443
	}
	return 80
}

// clientBehind is asked only if the peer is trusted.
func (g *Gateway) clientBehind(peer netip.Addr, headers []string) (client netip.Addr) {
	for hop := range g.hops(peer, headers) {
		client = hop
	}
	return client
}

// hops goes from a peer that is trusted to the client behind it.
func (g *Gateway) hops(peer netip.Addr, headers []string) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		chain := strings.Split(strings.Join(headers, ","), ",")
		more := yield(peer)
		for i, hop := len(chain)-1, peer; more && i >= 0 && (g.trusts(hop) || hop == peer); i-- {
			hop = parseAddr(strings.TrimSpace(chain[i]))
			more = hop.IsValid() && yield(hop) // not an address: nothing left of it can be believed
		}
	}
}

func (g *Gateway) trusts(a netip.Addr) bool {
	for _, prefix := range g.cfg.TrustedProxies {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without port or brackets. IPv4-mapped IPv6
// is IPv4, so that a prefix matches it (CVE-2024-24790), and a zone is dropped:
// it means nothing to anybody else.
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func lastElement(headers []string) string {
	all := strings.Join(headers, ",")
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}
