package upstream

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
)

// MinSecret is the length in bytes below which a shared secret is refused: 256
// bits, the output of the MAC it keys (RFC 7518 section 3.2).
const MinSecret = 32

// Kind says how WordPress is to treat a request.
type Kind string

// The kinds, as PROTOCOL.md defines them for the plugin.
const (
	Site        Kind = "site"        // not a CoCart request: WordPress decides as without us
	Guest       Kind = "guest"       // a CoCart request without a customer
	Credentials Kind = "credentials" // a CoCart request whose credentials WordPress judges
	Customer    Kind = "customer"    // a CoCart request by UserID
	Login       Kind = "login"       // a login whose password WordPress judges
	Refresh     Kind = "refresh"     // a refresh token that the old JWT plugin judges
	HandBack    Kind = "hand_back"   // a login as UserID without a password, for the tokens that the old JWT plugin adds
	Observed    Kind = "observed"    // a dry run: WordPress gets the client's address, and decides as without the gateway
	Status      Kind = "status"      // the operator asks what the plugin sees
	Browser     Kind = "browser"     // WordPress logs the browser in as UserID, and sends it on to To
)

// Assertion is what the gateway vouches for about one request. Method, host
// and target are bound to it when it is signed.
type Assertion struct {
	Kind Kind
	// UserID, Session and Fingerprint are set for Customer, HandBack and Browser only.
	UserID      int64
	Session     string
	Fingerprint string
	// PAT is set for a Customer by a token of the old JWT plugin, who has neither
	// Session nor Fingerprint.
	PAT string
	// DenyGuests, for Credentials: WordPress refuses the request if they identify no user.
	DenyGuests bool
	// Protect, for a Customer on a route of others, is the entry of site.protect that covers the route.
	Protect string
	// To, for a Browser, is the path below the site that it goes on to; "" is for WordPress to choose: the checkout.
	To string
	// Find, for Status, is a login name or an e-mail address: the plugin answers whose it is.
	Find string
	// Entries, for Status, are the REST routes of site.protect with blanks between them: the plugin answers which of them the shop
	// does not have.
	Entries string
	// Client is who sent the request, behind any trusted proxies.
	Client netip.Addr
	// Proto is the scheme the client used: "https" or "http".
	Proto string
	// Port is the port that the client asked for; 0 leaves what the web server says.
	Port uint16
	// Assumed reports that Proto is a default, because the client's scheme is unknown.
	Assumed bool

	carried string // digest of the client's Authorization, where it is in carriedHeader
}

// How long PHP may take to look at an assertion, in seconds: longer than any sane
// backlog of PHP-FPM, shorter than anybody needs to do mischief. One that gives
// no identity may wait for an upload, which web servers hold back from PHP
// until it is whole.
const (
	assertionLife = 30
	siteLife      = 3600
)

func (k Kind) life() int64 {
	if k == Site || k == Observed {
		return siteLife
	}
	return assertionLife
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

type signingKey struct {
	kid              string
	assertion, reply []byte
	capability       []byte
	header           string     // the encoded JOSE header with its dot: always the same
	signers          *sync.Pool // of *signer
}

// signingKeys are made from the shared secrets: the first signs, all verify.
type signingKeys []signingKey

func newSigningKeys(secrets []string) (signingKeys, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("upstream: at least one shared secret is required")
	}
	keys := make(signingKeys, 0, len(secrets))
	for _, s := range secrets {
		if len(s) < MinSecret {
			return nil, fmt.Errorf("upstream: a shared secret of %d bytes is too short, it needs %d", len(s), MinSecret)
		}
		k := signingKey{
			kid:       hex.EncodeToString(mac([]byte(s), "cocart-gateway kid v1")[:4]),
			assertion: mac([]byte(s), "cocart-gateway assertion v1"),
			reply:     mac([]byte(s), "cocart-gateway reply v1"),

			capability: mac([]byte(s), "cocart-gateway capability v1"),
		}
		k.header = encode([]byte(`{"alg":"HS256","kid":"`+k.kid+`","typ":"cocart-assertion+jwt"}`)) + "."
		k.signers = &sync.Pool{New: func() any { return newSigner(k.assertion) }}
		keys = append(keys, k)
	}
	return keys, nil
}

// sign returns the value of the assertion header for exactly this request. A
// replay for another route, method or host does not verify.
func (w *WordPress) sign(by *nodeClock, a Assertion, method, host, target string) string {
	c := w.assert(by, a, method, host, target)
	return (*w.keys.Load())[0].sign(&c)
}

// assert stamps the claims by the clock of the node that they are for.
func (w *WordPress) assert(by *nodeClock, a Assertion, method, host, target string) claims {
	now := by.Now().Unix()
	c := claims{
		Issuer: "cocart-gateway", Audience: w.audience, IssuedAt: now, Expiry: now + a.Kind.life(),
		Kind: a.Kind, Subject: a.UserID, Session: a.Session, Fingerprint: a.Fingerprint, PAT: a.PAT,
		Proto: cmp.Or(a.Proto, "http"), Assumed: a.Assumed && a.Proto != "https", Method: method, Host: host, Target: digest(target),
		Port: a.Port, Client: a.Client, Carried: a.carried, ID: newID(), Protect: a.Protect, To: a.To, Find: a.Find, Entries: a.Entries,
	}
	if a.DenyGuests {
		c.Guests = "deny"
	}
	if !c.Client.IsValid() { // a unix socket, or our own ping: this machine
		c.Client = loopback
	}
	return c
}

// newID makes two assertions differ that say the same in one second. A reply is bound to the assertion that it answers:
// without the id, one that a page cache in PHP kept would begin a session in the answer to the next visitor behind the same
// address.
func newID() string {
	var id [12]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
