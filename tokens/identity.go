package tokens

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"time"

	"cocart-gateway/tokens/untrusted"
)

// Identity is a customer as WordPress named him at login.
type Identity struct {
	UserID int64  // the WordPress user id, at least 1
	Login  string // the WordPress user_login; shown in tokens and listings, decides nothing
	// Fingerprint is the WordPress plugin's opaque digest of the account as it was at login. It travels in every
	// access token of the session; "" if the plugin sent none.
	Fingerprint string
	// Claims are extra claims. The session keeps them, and every access token of it has them in data.user behind our
	// own members. A claim with the name of one of those, in any case, is left out. Refresh returns numbers as
	// float64; the tokens carry them exactly.
	Claims map[string]any
}

// Client is where a request comes from. Sessions record and show it. It decides nothing, but for Config.ReuseBySameClient.
type Client struct {
	Address string // an IP address
	Device  string // the User-Agent; kept without control characters, cut to 255 bytes
}

const maxDevice = 255

// tidy returns the client in a form that can be stored, shown on a terminal and put into JSON.
func (c Client) tidy() Client {
	return Client{Address: untrusted.Storable(c.Address, maxDevice), Device: untrusted.Storable(c.Device, maxDevice)}
}

// digest returns a hash of network (of an IPv6 address its /64) and User-Agent. It is "" if one of them is missing: such
// clients cannot be distinguished.
func (c Client) digest() string {
	network, err := netip.ParseAddr(c.Address)
	if err != nil || c.Device == "" {
		return ""
	}
	network = network.Unmap().WithZone("")
	if network.Is6() {
		prefix, _ := network.Prefix(64) // cannot fail for an IPv6 address
		network = prefix.Addr()
	}
	sum := sha256.Sum256([]byte(network.String() + "\n" + c.Device))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Pair is the token pair that a login or a refresh returns. It must not be stored or logged; its LogValue redacts.
type Pair struct {
	Access        string
	AccessExpiry  time.Time
	Refresh       string
	RefreshExpiry time.Time // unless the session is refreshed before
	Session       string
	Outcome       Outcome // of Refresh; "" of a login
}

// LogValue keeps both tokens out of logs.
func (p Pair) LogValue() slog.Value {
	return slog.GroupValue(slog.String("session", p.Session), slog.String("access", redacted), slog.String("refresh", redacted))
}

// String keeps both tokens out of %v and %s.
func (p Pair) String() string { return "tokens of session " + p.Session + " " + redacted }

// GoString keeps both tokens out of %#v.
func (p Pair) GoString() string { return p.String() }

const redacted = "[redacted]"

// Access is the content of a verified access token. Callers share it and must not change it.
type Access struct {
	UserID      int64
	Login       string
	Session     string // "" for a token that the PHP plugin issued
	Fingerprint string // "" for a token that the PHP plugin issued
	KeyID       string // the key that verified it
	Generation  uint64 // of the session when the token was issued; 0 for a token that the PHP plugin issued
	// PAT is the PHP plugin's name of the login that one of its own tokens comes from; "" for a token of ours.
	// WordPress knows which of them are still valid.
	PAT      string
	IssuedAt time.Time
	Expiry   time.Time
}

// Session is a refresh session as operators see it.
type Session struct {
	ID          string    `json:"id"`
	UserID      int64     `json:"user_id"`
	Login       string    `json:"login,omitempty"`
	Device      string    `json:"device,omitempty"`  // of the last login or refresh
	Address     string    `json:"address,omitempty"` // of the last login or refresh
	Created     time.Time `json:"created"`
	LastUsed    time.Time `json:"last_used"` // to about five minutes
	Generation  uint64    `json:"generation"`
	Expires     time.Time `json:"expires"`
	Fingerprint string    `json:"-"`
	// Ended and Cause are set if the session is over and only its tombstone is left. Login, device, address,
	// generation and fingerprint are empty then.
	Ended time.Time `json:"ended,omitzero"`
	Cause Cause     `json:"cause,omitempty"`
}
