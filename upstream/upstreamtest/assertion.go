package upstreamtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Claims is an assertion that verified.
type Claims struct {
	Issuer      string `json:"iss"`
	Audience    string `json:"aud"`
	IssuedAt    int64  `json:"iat"`
	Expiry      int64  `json:"exp"`
	Kind        string `json:"kind"`
	Subject     string `json:"sub"`
	Session     string `json:"sid"`
	Fingerprint string `json:"fp"`
	Client      string `json:"ip"`
	Proto       string `json:"proto"`
	Port        string `json:"port"`
	Assumed     bool   `json:"assumed"`
	Method      string `json:"m"`
	Host        string `json:"h"`
	Target      string `json:"t"`
	PAT         string `json:"pat"`
	Guests      string `json:"guests"`
	Carried     string `json:"auth"`
	Protect     string `json:"protect"`
	To          string `json:"to"`
	Find        string `json:"find"`
	Entries     string `json:"entries"`
}

// Sign makes a reply header that answers the given assertion.
func (wp *WordPress) Sign(typ, assertion string, claims map[string]any) string {
	now := wp.Now().Unix()
	asked := sha256.Sum256([]byte(assertion))
	all := map[string]any{"iss": "cocart-wordpress", "aud": Audience(wp.Site), "iat": now, "exp": now + 60, "req": b64(asked[:])}
	for k, v := range claims {
		all[k] = v
	}
	return wp.seal(typ, "reply", all)
}

// seal signs claims with the key of a purpose.
func (wp *WordPress) seal(typ, purpose string, all map[string]any) string {
	header, _ := json.Marshal(map[string]string{"alg": "HS256", "kid": wp.kid(), "typ": typ}) // strings always encode
	payload, err := json.Marshal(all)
	if err != nil {
		wp.t.Fatalf("signing a reply: %v", err)
	}
	signed := b64(header) + "." + b64(payload)
	return signed + "." + b64(wp.derive("cocart-gateway "+purpose+" v1", signed))
}

// Capability signs a capability as the must-use plugin does for a page of WordPress.
func (wp *WordPress) Capability(user int64, act, session string, by int64) string {
	now := wp.Now().Unix()
	return wp.seal("cocart-capability+jwt", "capability", map[string]any{"iss": "cocart-wordpress", "aud": Audience(wp.Site), "iat": now, "exp": now + 60,
		"sub": strconv.FormatInt(user, 10), "act": act, "sid": session, "by": strconv.FormatInt(by, 10)})
}

// Audience is the name of a site in assertions.
func Audience(site string) string {
	u, _ := url.Parse(site) // a constant of the tests
	return strings.TrimSuffix(strings.ToLower(u.Host)+u.Path, "/")
}

func (wp *WordPress) check(assertion string, r *http.Request) (Claims, error) {
	var c Claims
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return c, fmt.Errorf("%d parts", len(parts))
	}
	if want := b64(wp.derive("cocart-gateway assertion v1", parts[0]+"."+parts[1])); parts[2] != want {
		return c, fmt.Errorf("bad signature")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, err
	}
	target := sha256.Sum256([]byte(r.RequestURI))
	now := wp.Now().Unix()
	switch {
	case c.Issuer != "cocart-gateway", c.Audience != Audience(wp.Site):
		return c, fmt.Errorf("issuer %q, audience %q", c.Issuer, c.Audience)
	case c.IssuedAt > now+10, c.Expiry < now-10, c.Expiry-c.IssuedAt > longest(c.Kind):
		return c, fmt.Errorf("times %d to %d at %d: %w", c.IssuedAt, c.Expiry, now, errTimes)
	case !isAddress(c.Client), c.Proto != "http" && c.Proto != "https":
		return c, fmt.Errorf("client %q, proto %q", c.Client, c.Proto)
	case c.Method != r.Method, c.Host != r.Host, c.Target != b64(target[:]):
		return c, fmt.Errorf("made for %s %s", c.Method, c.Host)
	}
	carried := sha256.Sum256([]byte(r.Header.Get("X-CoCart-Gateway-Authorization")))
	if c.Carried != "" && c.Carried != b64(carried[:]) {
		return c, fmt.Errorf("made for another Authorization header")
	}
	return c, nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func (wp *WordPress) kid() string {
	return hex.EncodeToString(hash([]byte(wp.Secret), "cocart-gateway kid v1")[:4])
}

func (wp *WordPress) derive(label, message string) []byte {
	return hash(hash([]byte(wp.Secret), label), message)
}

func hash(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// longest is how long an assertion may live: uploads to the storefront take long.
func longest(kind string) int64 {
	if kind == "site" || kind == "observed" {
		return 3600
	}
	return 60
}
