package migration_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/migration"
)

// accepting has the tokens of CoCart's own quick start accepted, whose secret is shorter than a key of ours may be.
func accepting(secret, issuer, prefix string) func(*tokens.Config) {
	return func(c *tokens.Config) {
		c.Issuer, c.Audience, c.VerifiedCache = "http://cocartapi.local", "shop", 10
		c.Plugin = migration.NewAccessTokens([]byte(secret), issuer, prefix)
	}
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// bySecret signs with the samples' secret; head is encoded already.
func bySecret(head, payload string) string {
	signed := head + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte("banana"))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

var plainHead = encode(`{"alg":"HS256","typ":"JWT"}`)

// at is a world whose clock shows a time.
func at(t *testing.T, now time.Time) *world {
	w := embedded(t)
	w.clock.Set(now)
	return w
}

// The samples are of a plugin before 3.0, which named no PAT: their form and signature are the plugin's to this day,
// and so is their being refused.
func TestTheQuickStartsSampleTokens(t *testing.T) {
	text, err := os.ReadFile("testdata/plugin-tokens.txt")
	if err != nil {
		t.Fatal(err)
	}
	issued := []int64{1739751372, 1740511948}
	for i, token := range strings.Fields(string(text)) {
		now := time.Unix(issued[i], 0)
		w := at(t, now)
		a := w.authority(accepting("banana", "http://cocartapi.local", ""))
		w.accessIs(a, token, tokens.Malformed)
		w.accessIs(w.authority(accepting("orange", "http://cocartapi.local", "")), token, tokens.BadSignature)
		w.accessIs(w.authority(func(c *tokens.Config) { c.Plugin = nil }), token, tokens.UnknownKey)

		head, rest, _ := strings.Cut(token, ".")
		payload, _, _ := strings.Cut(rest, ".")
		text, err := base64.RawURLEncoding.DecodeString(payload)
		w.must(err)
		token = bySecret(head, strings.Replace(string(text), `"user":{`, `"user":{"pat":"pat_0123456789abcdef01234567",`, 1))
		got, err := a.Verify(token)
		want := tokens.Access{UserID: 1, Login: "sebastien", KeyID: "plugin", PAT: "pat_0123456789abcdef01234567", IssuedAt: now, Expiry: now.Add(240 * time.Hour)}
		if err != nil || *got != want {
			t.Errorf("sample token %d with a PAT at its iat: %+v, %v, want %+v", i+1, got, err, want)
		}
		_, err = a.EndUser(context.Background(), 1, "any", tokens.CauseAccount)
		w.must(err)
		w.accessIs(a, token, tokens.Revoked)

		w.clock.Set(time.Now())
		w.accessIs(w.authority(accepting("banana", "http://cocartapi.local", "")), token, tokens.Expired)
	}
}

func TestAPluginTokenIsGoodForThirtyDaysAtMost(t *testing.T) {
	w := at(t, time.Unix(1_800_000_000, 0))
	token := bySecret(plainHead, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1900000000,"data":{"user":{"id":1,"pat":"pat_x"}}}`)
	a := w.authority(accepting("banana", "http://cocartapi.local", ""))
	w.clock.Advance(30*24*time.Hour + 29*time.Second) // the leeway is 30 s
	w.accessIs(a, token, nil)
	w.clock.Advance(time.Second)
	w.accessIs(a, token, tokens.Expired)
}

func TestEndingThePluginsTokensOfAUserEndsNoSessionOfOurs(t *testing.T) {
	w := at(t, time.Unix(1_800_000_000, 0))
	a := w.authority(accepting("banana", "http://cocartapi.local", ""))
	token := bySecret(plainHead, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":2,"pat":"pat_x"}}}`)
	pair := w.login(a)
	w.accessIs(a, token, nil)
	_, err := a.EndUser(context.Background(), 2, tokens.PluginFingerprint, tokens.CauseLogout)
	w.must(err)
	w.accessIs(a, token, tokens.Revoked)
	w.accessIs(a, pair.Access, nil)
}

func TestAPluginTokenOfAnotherShapeIsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		head, payload string
		want          error
	}{
		"as the plugin writes it": {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http:\/\/cocartapi.local","iat":1800000000,"nbf":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`, nil},
		"without a PAT":           {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, tokens.Malformed},
		"with an odd PAT":         {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat x"}}}`, tokens.Malformed},
		"with a session":          {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"sid":"","data":{"user":{"id":1,"pat":"pat_x"}}}`, tokens.Malformed},
		"of another site":         {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://other.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, tokens.WrongIssuer},
		"without exp":             {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"data":{"user":{"id":1}}}`, tokens.Malformed},
		"id a string":             {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":"1","pat":"pat_x"}}}`, tokens.Malformed},
		"RS256 in name only":      {`{"alg":"RS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`, tokens.WrongAlgorithm},
		"no algorithm in name":    {`{"alg":"none","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`, tokens.WrongAlgorithm},
		"named as ours":           {`{"alg":"HS256","typ":"JWT","kid":"plugin"}`, `{"iss":"http://cocartapi.local","aud":"shop","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, tokens.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			w := at(t, time.Unix(1_800_000_000, 0))
			named := func(c *tokens.Config) { // a key of ours with the plugin's secret and name
				key, err := keys.NewWeakHMAC("plugin", "HS256", []byte("banana"))
				w.must(err)
				c.Keys = append(c.Keys, key)
			}
			w.accessIs(w.authority(accepting("banana", "http://cocartapi.local", ""), named), bySecret(encode(row.head), row.payload), row.want)
		})
	}
}

const filteredPayload = `{"iss":"https://api.cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`

// filtered is the authority of a shop whose own code changed the plugin's issuer, and its prefix if there is one.
func filtered(t *testing.T, prefix string) (*world, *tokens.Authority) {
	w := at(t, time.Unix(1_800_000_000, 0))
	return w, w.authority(accepting("banana", "https://api.cocartapi.local", prefix))
}

// The plugin signs by HMAC-SHA256 under nine of the twelve names that a filter may give it.
func TestAPluginTokenUnderAnotherNameOfItsAlgorithm(t *testing.T) {
	w, a := filtered(t, "")
	for _, name := range []string{"HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"} {
		w.accessIs(a, bySecret(encode(`{"alg":"`+name+`","typ":"JWT"}`), filteredPayload), nil)
	}
	signed := encode(`{"alg":"HS512","typ":"JWT"}`) + "." + encode(filteredPayload)
	mac := hmac.New(sha512.New, []byte("banana"))
	mac.Write([]byte(signed))
	w.accessIs(a, signed+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), tokens.BadSignature) // the name decides nothing
}

func TestAPluginTokenWithTheIssuerOfAFilter(t *testing.T) {
	w, a := filtered(t, "")
	w.accessIs(a, bySecret(plainHead, filteredPayload), nil)
	w.accessIs(a, bySecret(plainHead, strings.Replace(filteredPayload, "https://api.", "http://", 1)), tokens.WrongIssuer)
}

func TestAPluginTokenWithAPrefix(t *testing.T) {
	token := bySecret(plainHead, filteredPayload)
	_, a := filtered(t, "shop_")
	for text, want := range map[string]error{"shop_" + token: nil, token: nil, "shop_shop_" + token: tokens.Malformed, "Shop_" + token: tokens.Malformed, "shop_": tokens.Malformed} {
		if _, err := a.Verify(text); !errors.Is(err, want) {
			t.Errorf("%.12s…: %v, want %v", text, err, want)
		}
	}
	w, plain := filtered(t, "")
	w.accessIs(plain, "shop_"+token, tokens.Malformed)
}

// Else one token of ours had two spellings.
func TestATokenOfOursWithThePluginsPrefixIsRefused(t *testing.T) {
	w, a := filtered(t, "shop_")
	pair := w.login(a)
	w.accessIs(a, pair.Access, nil)
	w.accessIs(a, "shop_"+pair.Access, tokens.Malformed)
}
