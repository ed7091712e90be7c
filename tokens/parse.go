package tokens

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// strictBase64 also refuses stray bits at the end. It skips line breaks, so callers look for those.
var strictBase64 = base64.RawURLEncoding.Strict()

// maxToken is the longest access token that is looked at. Ours have well under 1 KiB.
const maxToken = 8 << 10

// segments are the three encoded parts of a token; signed is the first two with their dot.
type segments struct{ head, payload, signature, signed string }

// split takes a token apart without ever allocating by its number of dots (CVE-2025-30204), and refuses what base64
// decoders forgive: padding, line breaks, foreign characters.
func split(token string) (segments, error) {
	if len(token) > maxToken {
		return segments{}, Malformed
	}
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first <= 0 || last <= first+1 || last == len(token)-1 {
		return segments{}, Malformed
	}
	for i := range len(token) {
		if !isWordByte(token[i]) && i != first && i != last {
			return segments{}, Malformed
		}
	}
	return segments{head: token[:first], payload: token[first+1 : last], signature: token[last+1:], signed: token[:last]}, nil
}

// header is what a token may say about its own signature. A pointer tells a missing member from an empty one.
type header struct {
	Algorithm string                    `json:"alg"`
	Type      string                    `json:"typ"`
	KeyID     *string                   `json:"kid"`
	Other     map[string]jsontext.Value `json:",embed"`
}

// parseHeader refuses every header member that asks for something: crit and b64 (RFC 7515 4.1.11) because we would
// not do it, jku, jwk, x5u and x5c because a key is never taken from a token, enc and zip because it is no JWE.
func parseHeader(text string) (header, error) {
	var h header
	raw, err := strictBase64.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &h) != nil {
		return h, Malformed
	}
	if h.Type != "JWT" || len(h.Other) > 0 {
		return h, Malformed
	}
	return h, nil
}

// received is a payload as it came. Duplicate member names at any level, names in other case and numbers that are
// no integers are errors of the JSON package, so that no two readers can disagree about it (RFC 8725 2.4).
type received struct {
	Issuer      string         `json:"iss"`
	IssuedAt    int64          `json:"iat"`
	NotBefore   int64          `json:"nbf"`
	Expiry      int64          `json:"exp"`
	Subject     *string        `json:"sub"`
	Audience    jsontext.Value `json:"aud"`
	Session     *string        `json:"sid"`
	Generation  *uint64        `json:"gen"`
	Fingerprint *string        `json:"fp"`
	Data        receivedData   `json:"data"`
}

type receivedData struct {
	User receivedUser `json:"user"`
}

// receivedUser leaves out what is never read. The JSON package still checks it.
type receivedUser struct {
	ID    int64  `json:"id"`
	Login string `json:"username"`
	PAT   string `json:"pat"`
}

func parsePayload(text string) (*received, error) {
	raw, err := strictBase64.DecodeString(text)
	if err != nil {
		return nil, Malformed
	}
	p := new(received)
	if json.Unmarshal(raw, p) != nil {
		return nil, Malformed
	}
	if p.IssuedAt <= 0 || p.NotBefore < 0 || p.Expiry <= 0 || p.Data.User.ID <= 0 || p.Data.User.ID > maxUserID {
		return nil, Malformed
	}
	return p, nil
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// maxUserID is what every JSON reader on the way can hold exactly (RFC 8259 6).
const maxUserID = 1<<53 - 1

// ours reads a payload that must have come from mint.
func (p *received) ours(key *keys.Key) (*verified, error) {
	if p.Session == nil || p.Generation == nil || p.Fingerprint == nil || p.Subject == nil {
		return nil, Malformed
	}
	id, ok := revocation.ParseSessionID(*p.Session)
	if !ok || *p.Generation == 0 || *p.Subject != strconv.FormatInt(p.Data.User.ID, 10) {
		return nil, Malformed
	}
	v := p.verified(key)
	v.session, v.created = id, id.Created()
	v.access.Session, v.access.Generation, v.access.Fingerprint = *p.Session, *p.Generation, *p.Fingerprint
	return v, nil
}

func (p *received) verified(key *keys.Key) *verified {
	return &verified{
		key:       key,
		notBefore: max(p.NotBefore, p.IssuedAt),
		expiry:    p.Expiry,
		access: Access{UserID: p.Data.User.ID, Login: p.Data.User.Login, KeyID: key.ID(),
			IssuedAt: time.Unix(p.IssuedAt, 0), Expiry: time.Unix(p.Expiry, 0)},
	}
}

// audience is the aud of a token, if it is one string as we write it.
func (p *received) audience() (string, bool) {
	if p.Audience == nil {
		return "", true
	}
	var one string
	err := json.Unmarshal(p.Audience, &one)
	return one, err == nil && p.Audience.Kind() == '"'
}
