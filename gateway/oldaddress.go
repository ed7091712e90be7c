package gateway

import (
	"net/netip"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// The old plugin binds a token to the address that WordPress saw at its login,
// and refuses it from any other, with the refresh beside it. Where nothing tells
// WordPress the customer's address, that is the address of what stands in front
// of it. In the dry run the gateway stands between the two, and WordPress has to
// go on seeing what it saw.

// PluginAddress says what WordPress sees as the customer's address when there is
// no gateway.
type PluginAddress string

// The addresses.
const (
	ClientAddress PluginAddress = "client" // the customer's, by mod_remoteip or the like; so is ""
	PeerAddress   PluginAddress = "peer"   // that of whoever is connected to the gateway
)

// toldWithoutToken is the address to which the old plugin is to bind what it
// issues. Who is connected by a unix socket has none but the client's.
func (g *Gateway) toldWithoutToken(o upstream.Origin) netip.Addr {
	if g.cfg.PluginAddress == PeerAddress && o.Peer.IsValid() {
		return o.Peer
	}
	return o.Client
}

// pluginOrigin is the origin of a request by which the old plugin issues tokens
// that are good when the gateway is gone.
func (g *Gateway) pluginOrigin(o upstream.Origin) upstream.Origin {
	if g.cfg.HandBack {
		o.Client = g.toldWithoutToken(o)
	}
	return o
}

// told is what WordPress takes for the client's address in the dry run: the one
// that the token of the request names, if the request came from there or by
// there, so that no setting can cost a customer her login. Nobody gains by a
// token that he made up: those addresses are on his way to us, and all but his
// own are of trusted proxies.
func (g *Gateway) told(x *exchange, would *judgement) netip.Addr {
	plain := g.toldWithoutToken(x.origin)
	bearer, err := wprequest.BearerToken(would.r.Header)
	if err != nil {
		return plain
	}
	bound, err := netip.ParseAddr(migration.BoundTo(bearer))
	if err != nil || bound == plain || !g.passed(x, bound.Unmap()) {
		return plain
	}
	would.elsewhere = bound.Unmap() != plain
	return bound // in the token's own spelling, as the plugin compares texts
}

// passed tells whether a request came by an address.
func (g *Gateway) passed(x *exchange, by netip.Addr) bool {
	if !x.origin.Trusted {
		return by == x.origin.Peer
	}
	for hop := range g.proxies.Hops(x.origin.Peer, x.r.Header["X-Forwarded-For"]) {
		if hop == by {
			return true
		}
	}
	return false
}
