package attempts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
)

// namer makes the keyed hashes of names and addresses.
type namer struct {
	key      []byte
	spelling func(name string) string // see [New]
}

// newNamer derives a key for this purpose, so that a hash is useless where the secret serves another one.
func newNamer(secret []byte, spelling func(string) string) namer {
	return namer{sum(secret, "cocart-gateway attempts v1"), spelling}
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (n namer) hash(kind, text string) string {
	return hex.EncodeToString(sum(n.key, kind+"\n"+text)[:16])
}

// name returns one hash for all spellings of a name that WordPress takes for the same.
func (n namer) name(name string) string { return "name:" + n.hash("name", n.spelling(name)) }

func userName(id int64) string { return "user:" + strconv.FormatInt(id, 10) }

// UserAccount returns a user's account as [Attempt.Account] names it.
func UserAccount(id int64) string { return userName(id) }

// place is where a client is, as keyed hashes.
type place struct {
	address string // an IPv4 address or an IPv6 /64
	subnet  string // an IPv6 /56; "" for IPv4
	network string // an IPv4 /24 or an IPv6 /48
}

// crowdRecord returns the key of the record of the accounts that logged in from a client's address. That of an IPv6 /64 is
// kept for its /56: one subscriber has many /64s, and each would be another key.
func (p place) crowdRecord() string {
	if p.subnet != "" {
		return "a:record:subnet:" + p.subnet
	}
	return "a:record:address:" + p.address
}

func (p place) networkRecord() string { return "a:record:network:" + p.network }

// place hashes the networks of a client. A subscriber gets one IPv4 address, or an IPv6 prefix from /64 (mobile
// networks, RFC 6177 for homes: /56 or /48) up to /48; a hosting customer gets a /24 or a /48 for very little money.
// A client without an address is a network of its own.
func (n namer) place(a netip.Addr) place {
	a = subscriber(a)
	if !a.IsValid() {
		return place{address: n.hash("address", a.String()), network: n.hash("network", a.String())}
	}
	if a.Is4() {
		return place{address: n.hash("address", a.String()), network: n.network("network", a, 24)}
	}
	return place{n.network("address", a, 64), n.network("subnet", a, 56), n.network("network", a, 48)}
}

func (n namer) network(kind string, a netip.Addr, bits int) string {
	network, _ := a.Prefix(bits) // cannot fail: the number fits the family
	return n.hash(kind, network.String())
}

var (
	wellKnownNAT64    = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	localNAT64        = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	translated        = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765, stateless translation
	sixToFour         = netip.MustParsePrefix("2002::/16")       // RFC 3056
	teredo            = netip.MustParsePrefix("2001::/32")       // RFC 4380
	embeddedAtTheTail = []netip.Prefix{wellKnownNAT64, localNAT64, translated}
)

// subscriber returns the IPv4 address of a client whose IPv6 address only wraps one. Otherwise all of IPv4 behind a
// translator, or all clients of a Teredo server, would share one /64; and the owner of an IPv4 address would have a /48
// (6to4) as well. Zones belong to this machine, not to the client.
func subscriber(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	b := a.As16()
	switch {
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case teredo.Contains(a): // the client's address is inverted
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
	}
	for _, prefix := range embeddedAtTheTail {
		if prefix.Contains(a) {
			return netip.AddrFrom4([4]byte(b[12:16]))
		}
	}
	return a
}
