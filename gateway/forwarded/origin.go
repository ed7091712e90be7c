package forwarded

import (
	"context"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"cocart-gateway/upstream"
)

// Proxies says which proxies are trusted, and what their headers mean.
type Proxies struct {
	// Trusted may say who the client is.
	Trusted []netip.Prefix
	// SchemeHeaders are the headers of trusted proxies that say the client's scheme,
	// in order of precedence and their canonical form; empty means [SchemeHeaders].
	SchemeHeaders []string
	// AssumeHTTPS takes requests for encrypted where nothing says which scheme the
	// client used: TLS ends at a load balancer that passes TCP on.
	AssumeHTTPS bool
}

// Origin returns where a request comes from. X-Forwarded-For is read from the right
// and only as long as the address that wrote it is a trusted proxy; the client can
// send any text further left. A peer on a unix socket has no address and is trusted,
// because only processes with permission for the socket can open it.
func (p Proxies) Origin(r *http.Request) upstream.Origin {
	peer := parseAddr(r.RemoteAddr)
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	unix := local != nil && local.Network() == "unix"
	o := upstream.Origin{Client: peer, Peer: peer, Trusted: unix || p.trusts(peer)}
	hops := 0
	if o.Trusted {
		Translate(r.Header)
		for hop := range p.Hops(peer, r.Header["X-Forwarded-For"]) {
			o.Client = hop
			if hop == peer || p.trusts(hop) {
				hops++
			}
		}
	}
	p.scheme(r, &o, hops)
	return o
}

// scheme sets the scheme, host and port that the client used. The signs of a TLS connection
// in order of strength: the headers of trusted proxies, this connection, the TLV of
// the PROXY protocol, and the operator's setting for all requests.
func (p Proxies) scheme(r *http.Request, o *upstream.Origin, hops int) {
	host, sent := r.Host, r.Header
	if !o.Trusted {
		sent = nil
	} else if named := Host(sent, hops); named != "" {
		host = named
	}
	var known bool
	if o.Proto, known = Scheme(sent, p.schemeHeaders(), hops); !known {
		o.Proto, known = connectionScheme(r)
	}
	if !known {
		o.Proto, o.Assumed = "http", true
		if p.AssumeHTTPS {
			o.Proto = "https"
		}
	}
	o.Host, o.Port = host, Port(sent, host, o.Proto, hops)
}

func (p Proxies) schemeHeaders() []string {
	if len(p.SchemeHeaders) > 0 {
		return p.SchemeHeaders
	}
	return SchemeHeaders
}

type proxiedTLSKey struct{}

// WithProxiedTLS notes for the requests of one connection what the PROXY protocol
// says about TLS on the client's side (PP2_TYPE_SSL). proxied is called when a request
// has arrived, after the header of that protocol was read.
func WithProxiedTLS(ctx context.Context, proxied func() (tls, known bool)) context.Context {
	return context.WithValue(ctx, proxiedTLSKey{}, proxied)
}

// connectionScheme returns the scheme that the connection itself shows. A plain one
// shows none: a load balancer in front may have ended TLS without saying so.
func connectionScheme(r *http.Request) (scheme string, known bool) {
	if r.TLS != nil {
		return "https", true
	}
	proxied, ok := r.Context().Value(proxiedTLSKey{}).(func() (bool, bool))
	if !ok {
		return "", false
	}
	tls, known := proxied()
	if tls {
		return "https", known
	}
	return "http", known
}

// Hops returns the addresses from a trusted peer to the client behind it.
func (p Proxies) Hops(peer netip.Addr, headers []string) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		chain := joined(headers)
		for hop, more := peer, yield(peer); more && (p.trusts(hop) || hop == peer); {
			var last string
			chain, last, more = cutLast(chain)
			hop = parseAddr(last)
			more = hop.IsValid() && yield(hop) && more // not an address: what is left of it does not count
		}
	}
}

func (p Proxies) trusts(a netip.Addr) bool {
	for _, prefix := range p.Trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without port or brackets. IPv4-mapped IPv6
// is IPv4, so that a prefix matches it (CVE-2024-24790), and a zone is dropped,
// because it has a meaning on its own host only.
func parseAddr(s string) netip.Addr {
	if hasPort(s) { // an error costs allocations
		if ap, err := netip.ParseAddrPort(s); err == nil {
			return ap.Addr().Unmap().WithZone("")
		}
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// hasPort reports whether an address may have a port: one colon, or something behind brackets.
func hasPort(s string) bool {
	colon := strings.IndexByte(s, ':')
	return colon >= 0 && (colon == strings.LastIndexByte(s, ':') || s[0] == '[' && s[len(s)-1] != ']')
}
