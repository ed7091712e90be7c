package tokens_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/tokens/tokenstest"
)

// splice cuts some bytes out of a good token and puts others in. Fuzzing works on what is done to a token, because
// every process of a fuzzing run issues its own.
func splice(token string, at, drop uint16, insert string) string {
	start := int(at) % (len(token) + 1)
	end := min(len(token), start+int(drop)%64)
	return token[:start] + insert + token[end:]
}

// Property: a token that verifies is, byte for byte, one that was issued.
func FuzzVerify(f *testing.F) {
	w := embedded(f)
	key, _ := newKey(f, "ed", "EdDSA")
	own, _ := newKey(f, "hs", "HS256")
	a := w.authority(withKeys(key, own), cached, func(c *tokens.Config) {
		c.Plugin = migration.NewAccessTokens([]byte("the secret of another issuer"), tokenstest.Issuer, "")
	})
	issued := []string{w.login(a, alice).Access, w.login(w.authority(withKeys(own)), alice).Access}
	for i := range issued {
		n := uint16(len(issued[i]))
		f.Add(i == 0, uint16(0), uint16(0), "")
		f.Add(i == 0, n-1, uint16(1), "A")
		f.Add(i == 0, n, uint16(0), "=")
		f.Add(i == 0, uint16(20), uint16(0), "\n")
		f.Add(i == 0, n/2, uint16(0), ".")
		f.Add(i == 0, n-44, uint16(44), ".")
	}
	f.Fuzz(func(t *testing.T, first bool, at, drop uint16, insert string) {
		good := issued[1]
		if first {
			good = issued[0]
		}
		token := splice(good, at, drop, insert)
		_, err := a.Verify(token)
		var rejection tokens.Rejection
		switch {
		case err == nil && token != good:
			t.Errorf("verified %q, which nobody issued", token)
		case err != nil && !errors.As(err, &rejection):
			t.Errorf("refused with %v, which is no rejection", err)
		case err != nil && token == good:
			t.Errorf("refused an issued token: %v", err)
		}
	})
}

// Property: whatever payload is accepted, another JSON reader that keeps the first of two members and one that keeps
// the last read the same user, session, issuer and expiry out of it.
func FuzzPayload(f *testing.F) {
	w := embedded(f)
	a := w.authority(func(c *tokens.Config) { c.Audience = "shop" })
	f.Add(goodPayload)
	for _, old := range []string{`"id":2`, `"sid":`, `"exp":`, `"data":{`, `"user":{`} {
		f.Add(with(goodPayload, old, old+`1,`+old))
		f.Add(with(goodPayload, old, strings.ToUpper(old)+`1,`+old))
		f.Add(with(goodPayload, old, `"x":{"y":1},`+old))
	}
	f.Fuzz(func(t *testing.T, payload string) {
		got, err := a.Verify(forge(goodHeader, payload))
		if err != nil {
			return
		}
		for name, keepFirst := range map[string]bool{"the first": true, "the last": false} {
			seen := readJSON(t, payload, keepFirst).(map[string]any)
			user := seen["data"].(map[string]any)["user"].(map[string]any)
			same := user["id"] == json.Number(strconv.FormatInt(got.UserID, 10)) && seen["sid"] == got.Session && seen["iss"] == tokenstest.Issuer &&
				seen["exp"] == json.Number(strconv.FormatInt(got.Expiry.Unix(), 10)) && seen["gen"] == json.Number(strconv.FormatUint(got.Generation, 10))
			if !same {
				t.Errorf("we read %+v, a reader that keeps %s of two members reads %v", got, name, seen)
			}
		}
	})
}

// readJSON reads one value with the standard library's scanner only.
func readJSON(t *testing.T, text string, keepFirst bool) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	v := readValue(t, d, keepFirst)
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("something follows the payload: %v", err)
	}
	return v
}

func readValue(t *testing.T, d *json.Decoder, keepFirst bool) any {
	t.Helper()
	tok, err := d.Token()
	if err != nil {
		t.Fatalf("accepted what is no JSON: %v", err)
	}
	switch tok {
	case json.Delim('{'):
		return readObject(t, d, keepFirst)
	case json.Delim('['):
		for d.More() {
			readValue(t, d, keepFirst)
		}
		d.Token()
		return nil
	}
	return tok
}

func readObject(t *testing.T, d *json.Decoder, keepFirst bool) map[string]any {
	t.Helper()
	object := map[string]any{}
	for d.More() {
		name, _ := d.Token()
		value := readValue(t, d, keepFirst)
		if _, there := object[name.(string)]; !there || !keepFirst {
			object[name.(string)] = value
		}
	}
	d.Token()
	return object
}

// Property: a refresh token that is not refused before Redis is asked differs from one of ours in its last part, which
// only Redis' salt can check, and nothing but ours is accepted.
func FuzzRefreshToken(f *testing.F) {
	w := embedded(f)
	a := w.authority()
	good := w.login(a, alice).Refresh
	asked := w.countCommands()
	f.Add(uint16(0), uint16(0), "")
	f.Add(uint16(127), uint16(1), "0")
	f.Add(uint16(128), uint16(0), " ")
	f.Add(uint16(96), uint16(32), strings.Repeat("0", 32))
	f.Add(uint16(32), uint16(16), "0000000000000002")
	f.Fuzz(func(t *testing.T, at, drop uint16, insert string) {
		token := splice(good, at, drop, insert)
		asked.reset()
		_, _, err := a.Refresh(t.Context(), token, phone)
		if n := asked.reset(); n > 0 && (len(token) != len(good) || token[:96] != good[:96]) {
			t.Errorf("%q cost %d Redis commands", token, n)
		}
		if err == nil && token != good {
			t.Errorf("%q was accepted", token)
		}
	})
}
