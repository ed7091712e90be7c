package migration

import (
	"slices"
	"strings"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/jwt"
	"cocart-gateway/tokens/keys"
)

// AccessTokens accepts the access tokens that the plugin issued, as tokens.PluginTokens.
type AccessTokens struct {
	key    keys.Key
	issuer string
	prefix string
}

// NewAccessTokens returns what accepts tokens that the plugin signed with its secret, of any length: tokens made with a
// short one are in use. issuer is their iss. prefix is what a filter of the shop puts before its tokens; it has letters,
// digits, - and _.
func NewAccessTokens(secret []byte, issuer, prefix string) *AccessTokens {
	key, err := keys.NewWeakHMAC("plugin", "HS256", secret)
	if err != nil {
		panic(err) // only the id can be wrong
	}
	return &AccessTokens{key, issuer, prefix}
}

// maxLife is the longest that a token of the plugin is valid, whatever its exp says (10 days by default, but a filter may
// say anything): revocations need not be kept for longer.
const maxLife = 30 * 24 * time.Hour

// MaxLife returns 30 days.
func (*AccessTokens) MaxLife() time.Duration { return maxLife }

// pluginAlgorithms are what a filter may make the plugin write into its tokens. It signs by HMAC-SHA256 with its secret
// under each of them, and so are they verified: what the token says decides nothing (RFC 8725 3.1). Under the names of RSA
// it signs otherwise, or not at all.
var pluginAlgorithms = []string{"HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"}

// payload is what the plugin writes, and what it never writes: that belongs to tokens of the gateway.
type payload struct {
	Issuer      string  `json:"iss"`
	IssuedAt    int64   `json:"iat"`
	NotBefore   int64   `json:"nbf"`
	Expiry      int64   `json:"exp"`
	Session     *string `json:"sid"`
	Generation  *uint64 `json:"gen"`
	Fingerprint *string `json:"fp"`
	Data        struct {
		User struct {
			ID    int64  `json:"id"`
			Login string `json:"username"`
			PAT   string `json:"pat"`
		} `json:"user"`
	} `json:"data"`
}

// Examine accepts tokens in the plugin's form: no kid, signed with its secret, from its issuer. The plugin knows no
// audience and no session. Before 3.0 it named no PAT; it refuses such tokens by now, and so does this.
func (t *AccessTokens) Examine(token string) (access tokens.Access, notBefore time.Time, err error) {
	p, err := t.read(strings.TrimPrefix(token, t.prefix))
	if err != nil {
		return tokens.Access{}, time.Time{}, err
	}
	user := p.Data.User
	access = tokens.Access{UserID: user.ID, Login: user.Login, KeyID: t.key.ID(), PAT: user.PAT, IssuedAt: time.Unix(p.IssuedAt, 0),
		Expiry: time.Unix(min(p.Expiry, p.IssuedAt+int64(maxLife/time.Second)), 0)}
	return access, time.Unix(max(p.NotBefore, p.IssuedAt), 0), nil
}

func (t *AccessTokens) read(token string) (p payload, err error) {
	parts, err := jwt.Split(token)
	if err != nil {
		return p, tokens.Malformed
	}
	h, err := parts.Header()
	switch {
	case err != nil, h.KeyID != nil: // tokens of the gateway have a kid, and one spelling, without prefix
		return p, tokens.Malformed
	case !slices.Contains(pluginAlgorithms, h.Algorithm):
		return p, tokens.WrongAlgorithm
	}
	signature, err := parts.SignatureBytes()
	if err != nil {
		return p, tokens.Malformed
	}
	if t.key.Verify(parts.Signed, signature) != nil {
		return p, tokens.BadSignature
	}
	if jwt.Decode(parts.Payload, &p) != nil || p.IssuedAt <= 0 || p.NotBefore < 0 || p.Expiry <= 0 || !tokens.IsUserID(p.Data.User.ID) {
		return p, tokens.Malformed
	}
	switch {
	case p.Issuer != t.issuer:
		return p, tokens.WrongIssuer
	case p.Session != nil, p.Generation != nil, p.Fingerprint != nil, !isPAT(p.Data.User.PAT):
		return p, tokens.Malformed
	}
	return p, nil
}

// isPAT reports whether a text may be the plugin's name of a login. The plugin writes "pat_" and 24 hex digits; a filter
// may name them otherwise.
func isPAT(s string) bool {
	for i := range len(s) {
		if !jwt.IsWordByte(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// BoundTo returns the address to which the plugin bound an access token, as the token says: nothing about it is checked.
// It is "" for any other text.
func BoundTo(access string) string {
	var says struct {
		Data struct {
			User struct {
				Address string `json:"ip"`
				PAT     string `json:"pat"`
			} `json:"user"`
		} `json:"data"`
		Session *string `json:"sid"`
	}
	parts, err := jwt.Split(access)
	if err != nil || jwt.Decode(parts.Payload, &says) != nil || says.Session != nil || says.Data.User.PAT == "" {
		return ""
	}
	return says.Data.User.Address
}
