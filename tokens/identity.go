package tokens

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"time"

	"cocart-gateway/untrusted"
)

// Identity is a customer as WordPress named him at login.
type Identity struct {
	UserID int64  // the WordPress user id, at least 1
	Login  string // the WordPress user_login; shown in tokens and listings, never decided on
	// Fingerprint is an opaque word of the WordPress plugin about the account as it was at login.
	// It travels in every access token of the session; "" when the plugin gave none.
	Fingerprint string
	// Claims are extra claims. They are kept in the session and stand, in every access token of it, in
	// data.user behind our own members. One that is named as one of those, in whatever case, is left
	// out. Numbers come back from Refresh as float64; the tokens themselves carry them exactly.
	Claims map[string]any
}

// Client is who asks, as far as we can see it. It is recorded and shown, never decided on.
type Client struct {
	Address string // an IP address
	Device  string // the User-Agent; kept without control characters, cut to 255 bytes
}

const maxDevice = 255

// tidy makes the client fit to be stored, shown on a terminal and put into JSON.
func (c Client) tidy() Client {
	return Client{Address: untrusted.Storable(c.Address, maxDevice), Device: untrusted.Storable(c.Device, maxDevice)}
}

// digest tells one client from another by network (an IPv6 address by its /64) and User-Agent, and shows neither.
// It is "" where one of them is missing: such clients cannot be told apart.
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

// Pair is what a login or a refresh hands out. It must not be stored or logged; its LogValue redacts.
type Pair struct {
	Access        string
	AccessExpiry  time.Time
	Refresh       string
	RefreshExpiry time.Time // unless it is refreshed before
	Session       string
	Outcome       Outcome // of Refresh: what the presented token was; "" of a login
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

// Access is what a verified access token says. It is shared between callers: read it, never change it.
type Access struct {
	UserID      int64
	Login       string
	Session     string // "" for a token that the PHP plugin issued
	Fingerprint string // "" for a token that the PHP plugin issued
	KeyID       string // the key that verified it
	Generation  uint64 // of the session when the token was issued; 0 for a token that the PHP plugin issued
	// PAT is the PHP plugin's name of the login that a token of its own comes from; "" for a token of ours.
	// WordPress knows which of them still count.
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
	// Ended and Cause are set when the session is over and only its tombstone is left; then
	// login, device, address, generation and fingerprint are gone.
	Ended time.Time `json:"ended,omitzero"`
	Cause Cause     `json:"cause,omitempty"`
}
