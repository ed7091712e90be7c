package tokens

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"cocart-gateway/tokens/keys"
)

// pluginTokenLife is the longest that a token of the PHP plugin is good for, counted from its iat, whatever its exp
// says (10 days by default, but a filter may say anything): revocations need not be remembered for longer.
const pluginTokenLife = 30 * 24 * time.Hour

// PluginFingerprint is what EndUser takes to end the tokens that the PHP plugin issued to a user until now, and no
// session of ours.
const PluginFingerprint = "plugin"

// newPluginKey is nil without a secret.
func newPluginKey(secret []byte) *keys.Key {
	if len(secret) == 0 {
		return nil
	}
	key, err := keys.NewWeakHMAC("plugin", "HS256", secret)
	if err != nil {
		panic(err) // only the id can be wrong
	}
	return &key
}

// pluginLabels are the algorithms that the PHP plugin may be told by a filter to write into its tokens. It signs by
// HMAC-SHA256 with its secret under each of them, and so do we verify: what the token says decides nothing (RFC 8725
// 3.1). Under the names of RSA it signs otherwise, or not at all.
var pluginLabels = []string{"HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"}

// examinePlugins judges a token in the PHP plugin's shape: no kid, signed with the plugin's secret, and issued for us.
// The plugin knows no audience. Such a token belongs to no session: it ends with any cutoff of its user, with its exp,
// and when WordPress no longer knows its PAT.
func (a *Authority) examinePlugins(parts segments, h header) (*verified, error) {
	switch {
	case !slices.Contains(pluginLabels, h.Algorithm):
		return nil, WrongAlgorithm
	case a.plugin == nil:
		return nil, UnknownKey
	}
	p, err := a.payload(parts, a.plugin)
	if err != nil {
		return nil, err
	}
	return p.plugins(a.plugin)
}

// withoutPrefix takes off what a filter of the shop's put before the PHP plugin's tokens. It is not signed.
func (a *Authority) withoutPrefix(parts segments) (segments, bool) {
	head, prefixed := strings.CutPrefix(parts.head, a.cfg.PluginPrefix)
	if a.cfg.PluginPrefix == "" || a.plugin == nil || !prefixed {
		return parts, false
	}
	parts.head, parts.signed = head, strings.TrimPrefix(parts.signed, a.cfg.PluginPrefix)
	return parts, true
}

// plugins reads a payload that must have come from the PHP plugin, which knows no sessions. Before 3.0 it named no
// PAT; it refuses such tokens by now, and so do we.
func (p *received) plugins(key *keys.Key) (*verified, error) {
	if p.Session != nil || p.Generation != nil || p.Fingerprint != nil || !isPAT(p.Data.User.PAT) {
		return nil, Malformed
	}
	v := p.verified(key)
	v.created = p.IssuedAt * 1000
	v.access.PAT = p.Data.User.PAT
	v.expiry = min(v.expiry, p.IssuedAt+int64(pluginTokenLife/time.Second))
	v.access.Expiry = time.Unix(v.expiry, 0)
	return v, nil
}

// BoundTo is the address to which the PHP plugin bound an access token, as the token says: nothing about it is checked.
// "" for what is no such token.
func (a *Authority) BoundTo(access string) string {
	parts, err := split(access)
	if err != nil {
		return ""
	}
	var says struct {
		Data struct {
			User struct {
				Address string `json:"ip"`
				PAT     string `json:"pat"`
			} `json:"user"`
		} `json:"data"`
		Session *string `json:"sid"`
	}
	text, err := strictBase64.DecodeString(parts.payload)
	if err != nil || json.Unmarshal(text, &says) != nil || says.Session != nil || says.Data.User.PAT == "" {
		return ""
	}
	return says.Data.User.Address
}

// isPAT: the plugin writes "pat_" and 24 hex digits; a filter may name them otherwise.
func isPAT(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
