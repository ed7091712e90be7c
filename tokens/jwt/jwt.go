// Package jwt takes signed JWTs (RFC 7519) in compact form apart, strictly: what two readers could read in two ways is
// an error. It checks no signature.
package jwt

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrMalformed is the error for every text that is not a JWT in this form.
var ErrMalformed = errors.New("malformed")

// MaxLength is the length of the longest token that is read. Ours have well under 1 KiB.
const MaxLength = 8 << 10

// strictBase64 also refuses stray bits at the end. It skips line breaks, which Split refuses.
var strictBase64 = base64.RawURLEncoding.Strict()

// Parts are the three encoded parts of a token; Signed is the first two with their dot.
type Parts struct{ Head, Payload, Signature, Signed string }

// Split takes a token apart without ever allocating by its number of dots (CVE-2025-30204), and refuses what base64
// decoders forgive: padding, line breaks, foreign characters.
func Split(token string) (Parts, error) {
	if len(token) > MaxLength {
		return Parts{}, ErrMalformed
	}
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first <= 0 || last <= first+1 || last == len(token)-1 {
		return Parts{}, ErrMalformed
	}
	for i := range len(token) {
		if !IsWordByte(token[i]) && i != first && i != last {
			return Parts{}, ErrMalformed
		}
	}
	return Parts{Head: token[:first], Payload: token[first+1 : last], Signature: token[last+1:], Signed: token[:last]}, nil
}

// IsWordByte reports whether a byte belongs to the alphabet of base64url.
func IsWordByte(c byte) bool { return wordBytes[c] }

// wordBytes is a table, because each byte of each token is looked up.
var wordBytes = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		table[c] = true
	}
	return table
}()

// Header is what a token says about its own signature. A pointer distinguishes a missing member from an empty one.
type Header struct {
	Algorithm string                    `json:"alg"`
	Type      string                    `json:"typ"`
	KeyID     *string                   `json:"kid"`
	Other     map[string]jsontext.Value `json:",embed"`
}

// Header refuses every header member that asks for something: crit and b64 (RFC 7515 4.1.11) because we would not do
// it, jku, jwk, x5u and x5c because a key is never taken from a token, enc and zip because it is no JWE.
func (p Parts) Header() (Header, error) {
	var h Header
	if err := Decode(p.Head, &h); err != nil || h.Type != "JWT" || len(h.Other) > 0 {
		return h, ErrMalformed
	}
	return h, nil
}

// SignatureBytes returns the decoded signature.
func (p Parts) SignatureBytes() ([]byte, error) { return decodeBase64(p.Signature) }

// Is reports whether a text has the form of a JWT, of any issuer.
func Is(text string) bool {
	parts, err := Split(text)
	if err != nil {
		return false
	}
	_, err = parts.Header()
	return err == nil
}

// Decode reads the JSON of a part. Duplicate member names at any level, names in other case and numbers that are not
// integers are errors, so that no two readers can disagree about it (RFC 8725 2.4). encoding/json accepts all three, so
// tokens are read and written with another package, and everything else in this program with encoding/json.
func Decode(part string, into any) error {
	raw, err := decodeBase64(part)
	if err != nil || json.Unmarshal(raw, into) != nil {
		return ErrMalformed
	}
	return nil
}

func decodeBase64(part string) ([]byte, error) {
	raw, err := strictBase64.DecodeString(part)
	if err != nil {
		return nil, ErrMalformed
	}
	return raw, nil
}
