package server

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"

	"cocart-gateway/tokens/untrusted"
)

// admitted returns a public listener whose connections have a place among those that may be open at once, and whose PROXY
// header was read where the configuration expects one.
func (s *Server) admitted(l net.Listener) net.Listener {
	cfg := s.Config()
	l = s.Connections.Listen(l, listenerAddress(l), cfg.Sockets.Connections)
	if cfg.Sockets.ProxyProtocol == "off" {
		return l
	}
	return s.Connections.Proxied(s.proxied(l))
}

// proxied reads the PROXY protocol (version 1 and 2) from trusted peers: from others a header would let a client claim any
// address. A header that does not come within server.read_header_timeout ends the connection.
func (s *Server) proxied(l net.Listener) net.Listener {
	cfg := s.Config()
	var refused untrusted.Throttle
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: cfg.Server.ReadHeaderTimeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			required, trusted := cfg.Sockets.ProxyProtocol == "require", trustedPeer(o.Upstream, s.Config().TrustedProxies)
			switch {
			case trusted && required:
				return proxyproto.REQUIRE, nil
			case trusted:
				return proxyproto.USE, nil
			case required:
				if refused.Allow(time.Now()) { // a load balancer with a new address: all clients are refused then
					s.Log.Warn("connection refused: proxy_protocol is require, and its peer is not in trusted_proxies; logged once a minute",
						"listener", listenerAddress(l), "peer", o.Upstream.String())
				}
				return proxyproto.REJECT, proxyproto.ErrInvalidUpstream
			default:
				return proxyproto.REJECT, nil
			}
		},
	}
}

// probed reads the PROXY header on the admin listener, where trusted peers may send one and others may not: a load balancer that
// states the client's address sends it with its health checks as well, as the one of AWS does for a target group with
// proxy_protocol_v2.
func (s *Server) probed(l net.Listener) net.Listener {
	cfg := s.Config()
	if cfg.Sockets.ProxyProtocol == "off" {
		return l
	}
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: cfg.Server.ReadHeaderTimeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if trustedPeer(o.Upstream, s.Config().TrustedProxies) {
				return proxyproto.USE, nil
			}
			return proxyproto.SKIP, nil
		},
	}
}

// withProxiedTLS passes on what the PROXY protocol says about TLS between client and load balancer (PP2_TYPE_SSL). It must
// not read the header itself, because it runs in the loop that accepts connections, and the header may not have come.
func (s *Server) withProxiedTLS(ctx context.Context, conn net.Conn) context.Context {
	proxied := Proxied(conn)
	if proxied == nil {
		return ctx
	}
	return s.ProxiedTLS(ctx, func() (tls, known bool) {
		header := proxied.ProxyHeader()
		if header == nil {
			return false, false
		}
		all, err := header.TLVs()
		if err != nil {
			return false, false
		}
		for _, one := range all {
			if ssl, err := tlvparse.SSL(one); err == nil {
				return ssl.ClientSSL(), true
			}
		}
		return false, false
	})
}

// trustedPeer reports whether a peer may send a PROXY header. A peer on a unix socket may: the operator of this machine
// gave it the permission to open the socket.
func trustedPeer(peer net.Addr, proxies []netip.Prefix) bool {
	if peer.Network() == "unix" {
		return true
	}
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return false
	}
	return Trusted(at.Addr().Unmap().WithZone(""), proxies)
}

// Trusted reports whether an address is in one of the networks.
func Trusted(a netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
