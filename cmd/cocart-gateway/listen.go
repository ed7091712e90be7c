package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"

	"cocart-gateway/cmd/cocart-gateway/server"
	"cocart-gateway/gateway"
)

// listeners are the sockets of one process, by what is served there.
type listeners struct {
	plain, tls, redirect []net.Listener
	admin                net.Listener
}

// openListeners binds every address of cfg, or none. The sockets that systemd passed are taken here; one that no
// address names is an error, since clients would wait in its queue for ever.
func openListeners(ctx context.Context, cfg *Config) (*listeners, error) {
	passed, err := systemdSockets()
	if err != nil {
		return nil, err
	}
	passed.claim(cfg.Listeners())
	o := opener{ctx: ctx, sockets: cfg.Sockets, passed: passed}
	l := &listeners{
		plain:    o.open("listen", cfg.Listen),
		tls:      o.open("tls.listen", cfg.TLS.Listen),
		redirect: o.open("tls.redirect_from", cfg.TLS.RedirectFrom),
	}
	admin := o.open("admin.listen", []string{cfg.Admin.Listen})
	if o.err == nil && len(admin) > 1 {
		o.err = fmt.Errorf("listening on admin.listen: systemd passed %d sockets, it takes one", len(admin))
	}
	if o.err == nil {
		o.err = passed.leftOver()
	}
	if o.err != nil {
		return nil, errors.Join(o.err, closeAll(o.opened), passed.close())
	}
	l.admin = admin[0]
	return l, nil
}

// opener opens one list of addresses after the other and remembers the first error.
type opener struct {
	ctx     context.Context
	sockets SocketConfig
	passed  *passedSockets
	opened  []net.Listener
	err     error
}

func (o *opener) open(key string, addresses []string) []net.Listener {
	var all []net.Listener
	for _, l := range NumberedListeners(key, addresses) {
		if o.err != nil {
			break
		}
		opened, err := o.one(l.Address)
		if err != nil {
			o.err = fmt.Errorf("listening on %s: %w%s", l.Key, err, listenRemedy(l.Address, err))
		}
		all, o.opened = append(all, opened...), append(o.opened, opened...)
	}
	return all
}

func (o *opener) one(address string) ([]net.Listener, error) {
	if strings.HasPrefix(address, Systemd) {
		return o.passed.take(address)
	}
	if path, ok := strings.CutPrefix(address, UnixPrefix); ok {
		l, err := listenUnix(o.ctx, path, o.sockets.Mode, o.sockets.Owner)
		return some(l, err)
	}
	var lc net.ListenConfig
	return some(lc.Listen(o.ctx, "tcp", address))
}

func some(l net.Listener, err error) ([]net.Listener, error) {
	if err != nil {
		return nil, err
	}
	return []net.Listener{l}, nil
}

func closeAll(all []net.Listener) error {
	var err error
	for _, l := range all {
		err = errors.Join(err, l.Close())
	}
	return err
}

// public are the listeners that strangers reach.
func (l *listeners) public() []net.Listener {
	return append(append(append([]net.Listener{}, l.plain...), l.tls...), l.redirect...)
}

func (l *listeners) close() error { return closeAll(append(l.public(), l.admin)) }

func addressesOf(all []net.Listener) string {
	var texts []string
	for _, l := range all {
		texts = append(texts, addressOf(l))
	}
	return strings.Join(texts, " ")
}

func addressOf(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return UnixPrefix + l.Addr().String()
	}
	return l.Addr().String()
}

// guarded puts in front of public listeners what every connection there has to pass: a place among those that may be
// open at once, and a PROXY header where one is expected.
func guarded(all []net.Listener, inForce func() *Config, c *connections, log *slog.Logger) []net.Listener {
	cfg, out := inForce(), make([]net.Listener, len(all))
	for i, l := range all {
		l = c.Listen(l, addressOf(l), cfg.Sockets.Connections)
		if out[i] = l; cfg.Sockets.ProxyProtocol != "off" {
			out[i] = c.Proxied(proxied(l, inForce, log))
		}
	}
	return out
}

// proxied reads the PROXY protocol (version 1 and 2) from trusted peers: from others a header would let anybody claim
// any address. A header that does not come within server.read_header_timeout ends the connection.
func proxied(l net.Listener, inForce func() *Config, log *slog.Logger) net.Listener {
	cfg := inForce()
	var refused server.Seldom
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: cfg.Server.ReadHeaderTimeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			required, trusted := cfg.Sockets.ProxyProtocol == "require", trustedPeer(o.Upstream, inForce().TrustedProxies)
			switch {
			case trusted && required:
				return proxyproto.REQUIRE, nil
			case trusted:
				return proxyproto.USE, nil
			case required:
				if refused.Due(now()) { // a load balancer with a new address, and then nobody gets in
					log.Warn("connection refused: proxy_protocol is require, and its peer is not in trusted_proxies; said once a minute",
						"listener", addressOf(l), "peer", o.Upstream.String())
				}
				return proxyproto.REJECT, proxyproto.ErrInvalidUpstream
			default:
				return proxyproto.REJECT, nil
			}
		},
	}
}

// withProxiedTLS lets the gateway ask what the PROXY protocol says about TLS (PP2_TYPE_SSL) on the client's side. It must
// not be read here, in the loop that accepts connections: the header may not have come yet.
func withProxiedTLS(ctx context.Context, conn net.Conn) context.Context {
	proxied := server.Proxied(conn)
	if proxied == nil {
		return ctx
	}
	return gateway.WithProxiedTLS(ctx, func() (tls, known bool) {
		header := proxied.ProxyHeader()
		if header == nil {
			return false, false
		}
		all, err := header.TLVs()
		if err != nil {
			return false, false
		}
		for _, one := range all {
			if said, err := tlvparse.SSL(one); err == nil {
				return said.ClientSSL(), true
			}
		}
		return false, false
	})
}

// trustedPeer: whoever may open a unix socket was given the permission to by the operator of this machine.
func trustedPeer(peer net.Addr, proxies []netip.Prefix) bool {
	if peer.Network() == "unix" {
		return true
	}
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return false
	}
	return trusted(at.Addr().Unmap().WithZone(""), proxies)
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
