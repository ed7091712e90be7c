package migration

import (
	"net/netip"

	exchange "cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// The plugin binds a token to the address that WordPress saw at its login, and refuses it from any other, with the
// refresh token beside it. Where WordPress does not know the customer's address, that is the address of the server in
// front of it. In the dry run the gateway stands between the two, and WordPress has to go on seeing what it saw.

// Address says what WordPress sees as the customer's address when there is no gateway.
type Address string

// The addresses.
const (
	ClientAddress Address = "client" // the customer's, by mod_remoteip or the like; so is ""
	PeerAddress   Address = "peer"   // of the server or client that is connected to the gateway
)

// of is the address to which the plugin is to bind what it issues. A peer on a unix socket has none.
func (a Address) of(o upstream.Origin) netip.Addr {
	if a == PeerAddress && o.Peer.IsValid() {
		return o.Peer
	}
	return o.Client
}

// ClientAddress returns what WordPress takes for the client's address at a login. While customers go back the plugin
// issues tokens that have to be valid when the gateway is gone.
func (p *Plugin) ClientAddress(o upstream.Origin) netip.Addr {
	if p == nil {
		return o.Client
	}
	return p.origin(o).Client
}

func (p *Plugin) origin(o upstream.Origin) upstream.Origin {
	if p.cfg.HandBack {
		o.Client = p.cfg.Address.of(o)
	}
	return o
}

// ObservedAddress returns what WordPress takes for the client's address in the dry run: the one that the bearer of the
// request names, if the request came from there or by there, so that no setting can cost a customer her login. elsewhere
// is true where that is not the one of the configuration. A made-up token gains nothing: those addresses are on the
// request's way to the gateway, and all but the client's own are of trusted proxies.
func (a Address) ObservedAddress(o upstream.Origin, bearer string, cameBy func(netip.Addr) bool) (seen netip.Addr, elsewhere bool) {
	plain := a.of(o)
	bound, err := netip.ParseAddr(exchange.BoundTo(bearer))
	if err != nil || bound == plain || !cameBy(bound.Unmap()) {
		return plain, false
	}
	return bound, bound.Unmap() != plain // in the token's own spelling, as the plugin compares texts
}
