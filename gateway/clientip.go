package gateway

import (
	"context"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"cocart-gateway/gateway/forwarded"
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
	o := upstream.Origin{Client: peer, Peer: peer, Trusted: unix || g.trusts(peer)}
	hops := 0
	if o.Trusted {
		forwarded.Translate(r.Header)
		o.Client = g.clientBehind(peer, r.Header["X-Forwarded-For"])
		hops = g.trustedHops(peer, r.Header["X-Forwarded-For"])
	}
	g.scheme(r, &o, hops)
	return o
}

// scheme says which scheme and port the client used. Signs of a TLS connection go
// from the strongest to the weakest: what trusted proxies say, this connection, the
// TLV of the PROXY protocol, and at last what the operator says about all.
func (g *Gateway) scheme(r *http.Request, o *upstream.Origin, hops int) {
	host, sent := r.Host, r.Header
	if !o.Trusted {
		sent = nil
	} else if said := forwarded.Host(sent, hops); said != "" {
		host = said
	}
	var known bool
	if o.Proto, known = forwarded.Scheme(sent, g.schemeHeaders(), hops); !known {
		o.Proto, known = connectionScheme(r)
	}
	if !known {
		o.Proto, o.Assumed = "http", true
		if g.cfg.AssumeHTTPS {
			o.Proto = "https"
		}
	}
	o.Port = forwarded.Port(sent, host, o.Proto, hops)
}

func (g *Gateway) schemeHeaders() []string {
	if len(g.cfg.SchemeHeaders) > 0 {
		return g.cfg.SchemeHeaders
	}
	return forwarded.SchemeHeaders
}

// trustedHops counts the trusted proxies on the way, the peer included.
func (g *Gateway) trustedHops(peer netip.Addr, headers []string) (n int) {
	for hop := range g.hops(peer, headers) {
		if hop == peer || g.trusts(hop) {
			n++
		}
	}
	return n
}

type proxiedTLSKey struct{}

// WithProxiedTLS notes for the requests of one connection what the PROXY protocol
// says about TLS on the client's side (PP2_TYPE_SSL). It is asked once a request
// arrived: the header of that protocol is read before.
func WithProxiedTLS(ctx context.Context, said func() (tls, known bool)) context.Context {
	return context.WithValue(ctx, proxiedTLSKey{}, said)
}

// connectionScheme is what the connection itself shows. A plain one shows nothing:
// a load balancer in front may have ended TLS without saying so.
func connectionScheme(r *http.Request) (scheme string, known bool) {
	if r.TLS != nil {
		return "https", true
	}
	said, ok := r.Context().Value(proxiedTLSKey{}).(func() (bool, bool))
	if !ok {
		return "", false
	}
	tls, known := said()
	if tls {
		return "https", known
	}
	return "http", known
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
