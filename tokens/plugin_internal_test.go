package tokens

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// pluginShop accepts the tokens of CoCart's own quick start, whose secret is shorter than we allow.
func pluginShop(t *testing.T, now *time.Time, accept bool, secret string) *Authority {
	t.Helper()
	key, err := keys.NewWeakHMAC("plugin", "HS256", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.NewHMAC("k1", "HS256", []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	var plugin []byte
	if accept {
		plugin = []byte(secret)
	}
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // never asked
	t.Cleanup(func() { rdb.Close() })
	a, err := New(Config{Issuer: "http://cocartapi.local", Audience: "shop", Keys: []keys.Key{other, key}, PluginSecret: plugin, VerifiedCache: 10,
		Now: func() time.Time { return *now }}, rdb, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return a
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
		a := pluginShop(t, &now, true, "banana")
		refuse(t, a, token, Malformed)
		refuse(t, pluginShop(t, &now, true, "orange"), token, BadSignature)
		refuse(t, pluginShop(t, &now, false, "banana"), token, UnknownKey)

		head, rest, _ := strings.Cut(token, ".")
		payload, _, _ := strings.Cut(rest, ".")
		text, err := strictBase64.DecodeString(payload)
		if err != nil {
			t.Fatal(err)
		}
		token = signedByPlugin(t, head, strings.Replace(string(text), `"user":{`, `"user":{"pat":"pat_0123456789abcdef01234567",`, 1))
		got, err := a.Verify(token)
		want := Access{UserID: 1, Login: "sebastien", KeyID: "plugin", PAT: "pat_0123456789abcdef01234567", IssuedAt: now, Expiry: now.Add(240 * time.Hour)}
		if err != nil || *got != want {
			t.Errorf("sample token %d with a PAT at its iat: %+v, %v, want %+v", i+1, got, err, want)
		}
		a.revoked.Apply(revocation.UserCutoff(1, "any", now.UnixMilli()), now)
		refuse(t, a, token, Revoked)

		now = time.Now()
		refuse(t, pluginShop(t, &now, true, "banana"), token, Expired)
	}
}

// signedByPlugin signs with the samples' secret; head is encoded already.
func signedByPlugin(t *testing.T, head, payload string) string {
	t.Helper()
	key := newPluginKey([]byte("banana"))
	signed := head + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := key.Sign(signed)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestAPluginTokenIsGoodForThirtyDaysAtMost(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	token := signedByPlugin(t, head, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1900000000,"data":{"user":{"id":1,"pat":"pat_x"}}}`)
	a := pluginShop(t, &now, true, "banana")
	now = now.Add(pluginTokenLife + 29*time.Second) // the leeway is 30 s
	if _, err := a.Verify(token); err != nil {
		t.Error(err)
	}
	now = now.Add(time.Second)
	refuse(t, a, token, Expired)
}

func TestEndingThePluginsTokensOfAUserEndsNoSessionOfOurs(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	a := pluginShop(t, &now, true, "banana")
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	token := signedByPlugin(t, head, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`)
	s, err := a.newRecord(Identity{UserID: 1, Login: "alice", Fingerprint: "fp"}, Client{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.pair(s)
	if err != nil {
		t.Fatal(err)
	}
	a.revoked.Apply(revocation.UserCutoff(1, PluginFingerprint, now.UnixMilli()), now)
	refuse(t, a, token, Revoked)
	if _, err := a.Verify(pair.Access); err != nil {
		t.Errorf("our own token: %v", err)
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
		"without a PAT":           {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, Malformed},
		"with an odd PAT":         {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat x"}}}`, Malformed},
		"with a session":          {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"sid":"","data":{"user":{"id":1,"pat":"pat_x"}}}`, Malformed},
		"of another site":         {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://other.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, WrongIssuer},
		"without exp":             {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"data":{"user":{"id":1}}}`, Malformed},
		"id a string":             {`{"alg":"HS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":"1","pat":"pat_x"}}}`, Malformed},
		"RS256 in name only":      {`{"alg":"RS256","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`, WrongAlgorithm},
		"no algorithm in name":    {`{"alg":"none","typ":"JWT"}`, `{"iss":"http://cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`, WrongAlgorithm},
		"named as ours":           {`{"alg":"HS256","typ":"JWT","kid":"plugin"}`, `{"iss":"http://cocartapi.local","aud":"shop","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1}}}`, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			a := pluginShop(t, &now, true, "banana")
			if _, err := a.Verify(signedByPlugin(t, base64.RawURLEncoding.EncodeToString([]byte(row.head)), row.payload)); !errors.Is(err, row.want) {
				t.Errorf("verify: %v, want %v", err, row.want)
			}
		})
	}
}
