package migration

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/jwt"
)

// OtherBearer reports whether a bearer that Verify refused is an access token of another JWT plugin, which only WordPress
// can verify. The answer grants nothing: no signature is checked here.
//
// An attacker could make a token of ours look like another plugin's to reach PHP with it. So a token is ours, whatever
// else it says, if its header names a key of the table (also a retired one), or if its payload has a claim of our sessions or
// the PAT of CoCart JWT Authentication. The issuer decides nothing: those plugins write the home address of WordPress,
// which is our issuer too (JWT Authentication for WP REST API: Jwt_Auth_Public::generate_token). An unsigned token
// (RFC 7519 section 6) is no plugin's.
func OtherBearer(authority *tokens.Authority, access string) bool {
	if head, _, _ := strings.Cut(access, "."); authority.IsOwnHeader(head) {
		return false // nearly all tokens of ours: this saves reading them as JSON
	}
	parts, err := jwt.Split(access)
	if err != nil {
		return false
	}
	var h otherHeader
	if jwt.Decode(parts.Head, &h) != nil || h.Algorithm == "" || strings.EqualFold(h.Algorithm, "none") {
		return false
	}
	if authority.ListsKey(h.KeyID) {
		return false
	}
	var p otherPayload
	return jwt.Decode(parts.Payload, &p) == nil && !p.ours()
}

type otherHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
}

type otherPayload struct {
	Session     jsontext.Value `json:"sid"`
	Generation  jsontext.Value `json:"gen"`
	Fingerprint jsontext.Value `json:"fp"`
	Data        jsontext.Value `json:"data"`
}

func (p otherPayload) ours() bool {
	if p.Session != nil || p.Generation != nil || p.Fingerprint != nil {
		return true
	}
	var data struct {
		User struct {
			PAT jsontext.Value `json:"pat"`
		} `json:"user"`
	}
	return p.Data != nil && json.Unmarshal(p.Data, &data) == nil && data.User.PAT != nil
}
