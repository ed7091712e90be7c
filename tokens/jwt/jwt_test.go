package jwt_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"cocart-gateway/tokens/jwt"
)

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestATokenIsThreePartsOfBase64url(t *testing.T) {
	for token, good := range map[string]bool{
		"a.b.c": true, "az.AZ.09-_": true, "aa.bb.cc": true,
		"": false, ".": false, "..": false, "...": false, "abc": false, "a.b": false, ".b.c": false, "a..c": false, "a.b.": false,
		"a.b.c.d": false, "a.b..c": false, ".a.b.c": false, "a.b.c.": false, "a.b.c=": false, "a.b\n.c": false, "a.b.c\r\n": false, "a. b.c": false, "a.b.ü": false,
	} {
		parts, err := jwt.Split(token)
		if good != (err == nil) || err != nil && (!errors.Is(err, jwt.ErrMalformed) || parts != (jwt.Parts{})) {
			t.Errorf("%q: %+v, %v", token, parts, err)
		}
		if good && (parts.Head+"."+parts.Payload+"."+parts.Signature != token || parts.Signed != parts.Head+"."+parts.Payload) {
			t.Errorf("%q: %+v", token, parts)
		}
	}
}

func TestOnlyTheAlphabetOfBase64urlIsInAToken(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for c := range 256 {
		b := byte(c)
		want := strings.IndexByte(alphabet, b) >= 0
		_, err := jwt.Split("a." + string([]byte{b}) + ".c")
		if jwt.IsWordByte(b) != want || (err == nil) != want {
			t.Errorf("%q: %v, %v", b, jwt.IsWordByte(b), err)
		}
	}
}

func TestALongTokenIsNotRead(t *testing.T) {
	token := "a.b." + strings.Repeat("c", 8<<10-4)
	if _, err := jwt.Split(token); err != nil {
		t.Errorf("%d bytes: %v", len(token), err)
	}
	if _, err := jwt.Split(token + "c"); !errors.Is(err, jwt.ErrMalformed) {
		t.Errorf("%d bytes: %v", len(token)+1, err)
	}
}

// RFC 8725 section 3.10: a header that names a key, or a way to read the token, says how an attacker wants it to be verified.
func TestAHeaderThatAsksForSomethingIsRefused(t *testing.T) {
	for header, good := range map[string]bool{
		`{"alg":"HS256","typ":"JWT","kid":"k"}`: true, `{"typ":"JWT"}`: true, `{"alg":"none","typ":"JWT"}`: true, // the algorithm is for the caller to judge
		`{"alg":"HS256"}`: false, `{"alg":"HS256","typ":"jwt"}`: false, `{"alg":"HS256","typ":"at+jwt"}`: false, `{"alg":"HS256","typ":null}`: false,
		`{"alg":"HS256","typ":"JWT","jku":"https://evil.example"}`: false, `{"alg":"HS256","typ":"JWT","crit":["exp"]}`: false, `{"alg":"HS256","typ":"JWT","b64":false}`: false,
		`{"alg":"HS256","typ":"JWT","cty":null}`: false, `{"alg":"HS256","typ":"JWT","Kid":"k"}`: false, `{"alg":"HS256","alg":"none","typ":"JWT"}`: false,
		`{"alg":1,"typ":"JWT"}`: false, `["JWT"]`: false, `null`: false, `{"typ":"JWT"} `: true, `{"typ":"JWT"}{}`: false, `{"typ":"JWT"`: false, `{"typ":"JWT","kid":"` + "\xff" + `"}`: false,
	} {
		parts, err := jwt.Split(encode(header) + ".b.c")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parts.Header(); good != (err == nil) || err != nil && !errors.Is(err, jwt.ErrMalformed) {
			t.Errorf("%s: %v", header, err)
		}
		if jwt.Is(encode(header)+".b.c") != good || jwt.Is(encode(header)+".b") {
			t.Errorf("%s: taken for a JWT: %v", header, !good)
		}
	}
}

func TestNoTwoReadersReadAPayloadInTwoWays(t *testing.T) {
	type payload struct {
		Expiry int64 `json:"exp"`
	}
	for text, good := range map[string]bool{
		`{"exp":1}`: true, `{"exp":1,"other":{"a":1}}`: true, `{"exp":1,"exp":2}`: false, `{"exp":1,"other":{"a":1,"a":2}}`: false, `{"exp":1.5}`: false, `{"exp":1e0}`: false,
		`{"exp":"1"}`: false, `{"exp":1}x`: false, ``: false,
	} {
		var p payload
		if err := jwt.Decode(encode(text), &p); good != (err == nil) || err != nil && !errors.Is(err, jwt.ErrMalformed) || good && p.Expiry != 1 {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
	var p payload
	if err := jwt.Decode(encode(`{"EXP":1}`), &p); err != nil || p.Expiry != 0 {
		t.Errorf("a name in other case: %+v, %v", p, err)
	}
}

// A signature with stray bits would be a second text of the same token.
func TestASignatureHasOneSpelling(t *testing.T) {
	for signature, good := range map[string]bool{"AA": true, "AB": false, "AAA": true, "AAB": false, "AAAA": true, "A": false, "AA==": false} {
		raw, err := jwt.Parts{Signature: signature}.SignatureBytes()
		if good != (err == nil) || err != nil && !errors.Is(err, jwt.ErrMalformed) || good && len(raw) != len(signature)*3/4 {
			t.Errorf("%q: %v, %v", signature, raw, err)
		}
	}
}
