// Package appserver recognises servers of the shop's own that send requests for customers, such as a Next.js server on a
// serverless host, whose address changes and which trusted_proxies therefore cannot list. Such a server proves itself with a
// key and may then state the customer's address, so that limits, logs and WordPress see the customer.
//
// The key is sent as it is, over TLS, as RFC 6749 section 2.3.1 has it for clients that can keep a secret: one header, which
// every HTTP library can send. A signature over each request would protect the key from a proxy in between that already reads
// the customers' passwords and tokens, and would cost each app a canonical form and a clock.
//
// The address has a header of its own. X-Forwarded-For is also written by every proxy on the way from the app server to the
// gateway, so nothing in it could be distinguished from the app server's word.
package appserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"strings"
)

// The request headers. The gateway removes both from every request before WordPress.
const (
	KeyHeader     = "Cocart-App-Server"     // name:secret
	AddressHeader = "Cocart-Client-Address" // IPv4 or IPv6, without a port
)

// Server is one app server.
type Server struct {
	Name string
	// Secrets are accepted alike; there are two while one is being replaced.
	Secrets []string
}

// Servers are the app servers of a shop. The zero value knows none.
type Servers struct {
	digests map[string][][sha256.Size]byte // of the secrets, by name
}

// The errors of [Servers.Identify]. A client reads no more than that the key was refused.
var (
	ErrKey     = errors.New("the key of the app server is not known")
	ErrAddress = errors.New("the header CoCart-Client-Address is not the address of a client")
)

// New returns the servers. Config keeps names unique and secrets long.
func New(servers []Server) Servers {
	all := Servers{digests: map[string][][sha256.Size]byte{}}
	for _, s := range servers {
		for _, secret := range s.Secrets {
			all.digests[s.Name] = append(all.digests[s.Name], sha256.Sum256([]byte(secret)))
		}
	}
	return all
}

// Caller is the app server that sent a request; its zero value is that of a request from elsewhere.
type Caller struct {
	Name string
	// Client is the customer's address; not valid if the server states none and asks for itself.
	Client netip.Addr
}

// Identify takes the headers off a request and returns which app server sent it. A request without a key is from elsewhere,
// whatever address it states.
//
// Attack: a client states an address of its choice, to escape limits or to lock another customer out. Prevention: the address
// counts beside a valid key only, and a wrong key is an error, never a request from elsewhere. The comparison takes the same
// time for each wrong secret; that a name is known is no secret.
func (s Servers) Identify(h http.Header) (Caller, error) {
	keys, addresses := h[KeyHeader], h[AddressHeader]
	delete(h, KeyHeader)
	delete(h, AddressHeader)
	if len(keys) == 0 {
		return Caller{}, nil
	}
	name, secret, _ := strings.Cut(keys[0], ":")
	if len(keys) > 1 || !s.knows(name, strings.TrimSpace(secret)) {
		return Caller{}, ErrKey
	}
	switch len(addresses) {
	case 0:
		return Caller{Name: name}, nil
	case 1:
		client, err := netip.ParseAddr(strings.TrimSpace(addresses[0]))
		if err != nil || client.Zone() != "" || !isClient(client.Unmap()) {
			return Caller{Name: name}, ErrAddress
		}
		return Caller{name, client.Unmap()}, nil
	}
	return Caller{Name: name}, ErrAddress
}

// isClient reports whether a customer can have an address. One of the machine itself is an error in the app, which states
// the address of its own proxy.
func isClient(a netip.Addr) bool { return !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() }

func (s Servers) knows(name, secret string) bool {
	got := sha256.Sum256([]byte(secret))
	found := 0
	for _, want := range s.digests[name] {
		found |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	return found == 1
}
