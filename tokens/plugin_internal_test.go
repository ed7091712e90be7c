package tokens

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// pluginShop accepts the tokens of CoCart's own quick start, whose secret is shorter than we allow.
func pluginShop(t *testing.T, now *time.Time, accept bool, secret string) *Authority {
	t.Helper()
	key, err := hmacKey("plugin", "HS256", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewHMACKey("k1", "HS256", []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // never asked
	t.Cleanup(func() { rdb.Close() })
	a, err := New(Config{Issuer: "http://cocartapi.local", Audience: "shop", Keys: []Key{other, key}, AcceptPluginTokens: accept, VerifiedCache: 10,
		Now: func() time.Time { return *now }}, rdb, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheQuickStartsSampleTokens(t *testing.T) {
	text, err := os.ReadFile("testdata/plugin-tokens.txt")
	if err != nil {
		t.Fatal(err)
	}
	issued := []int64{1739751372, 1740511948}
	for i, token := range strings.Fields(string(text)) {
		now := time.Unix(issued[i], 0)
		a := pluginShop(t, &now, true, "banana")
		got, err := a.Verify(token)
		want := Access{UserID: 1, Login: "sebastien", KeyID: "plugin", IssuedAt: now, Expiry: now.Add(240 * time.Hour)}
		if err != nil || *got != want {
			t.Errorf("sample token %d at its iat: %+v, %v, want %+v", i+1, got, err, want)
		}
		refuse(t, pluginShop(t, &now, true, "orange"), token, BadSignature)
		refuse(t, pluginShop(t, &now, false, "banana"), token, UnknownKey)

		a.revoked.apply(userCutoff(1, "any", now.UnixMilli()), now)
		refuse(t, a, token, Revoked)

		now = time.Now()
		refuse(t, pluginShop(t, &now, true, "banana"), token, Expired)
	}
}

func refuse(t *testing.T, a *Authority, token string, want Rejection) {
	t.Helper()
	if _, err := a.Verify(token); !errors.Is(err, want) {
		t.Errorf("verify: %v, want %v", err, want)
	}
}

func TestAPluginTokenOfAnotherShapeIsRefused(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, row := range map[string]struct {
		head, payload string
		want          error
	}{
		"as the plugin writes it": {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http:\/\/cocartapi.local","iat":1800000000,"nbf":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`, nil},
		"with a session":          {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"sid":"","data":{"user":{"id":1}}}`, Malformed},
		"of another site":         {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://other.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, WrongIssuer},
		"without exp":             {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"data":{"user":{"id":1}}}`, Malformed},
		"id a string":             {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":"1"}}}`, Malformed},
		"HS512 in name only":      {`{"alg":"HS512","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, WrongAlgorithm},
		"named as ours":           {`{"alg":"HS256","typ":"JWT","kid":"plugin"}`, `{"iss":"http://cocartapi.local","aud":"shop","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			a := pluginShop(t, &now, true, "banana")
			signed := encode([]byte(row.head)) + "." + encode([]byte(row.payload))
			signature, err := a.keys.byID["plugin"].method.Sign(signed, []byte("banana"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Verify(signed + "." + encode(signature)); !errors.Is(err, row.want) {
				t.Errorf("verify: %v, want %v", err, row.want)
			}
		})
	}
}
