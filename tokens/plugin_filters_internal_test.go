package tokens

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/keys"
)

const filteredPayload = `{"iss":"https://api.cocartapi.local","iat":1800000000,"exp":1800000600,"data":{"user":{"id":1,"pat":"pat_x"}}}`

// filteredShop is one whose own code changed the plugin's issuer, and its prefix if there is one.
func filteredShop(t *testing.T, prefix string) *Authority {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // never asked
	t.Cleanup(func() { rdb.Close() })
	ours, err := keys.NewHMAC("k1", "HS256", []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Issuer: "http://cocartapi.local", Keys: []keys.Key{ours}, PluginSecret: []byte("banana"),
		PluginIssuer: "https://api.cocartapi.local", PluginPrefix: prefix, VerifiedCache: 10,
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}, rdb, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The plugin signs by HMAC-SHA256 under nine of the twelve names that a filter may tell it.
func TestAPluginTokenUnderAnotherNameOfItsAlgorithm(t *testing.T) {
	a := filteredShop(t, "")
	for _, label := range []string{"HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"} {
		if _, err := a.Verify(signedByPlugin(t, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+label+`","typ":"JWT"}`)), filteredPayload)); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS512","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(filteredPayload))
	mac := hmac.New(sha512.New, []byte("banana"))
	mac.Write([]byte(signed))
	refuse(t, a, signed+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), BadSignature) // the name is followed by nobody
}

func TestTheIssuerOfAPluginThatWasToldAnother(t *testing.T) {
	a := filteredShop(t, "")
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	if _, err := a.Verify(signedByPlugin(t, head, filteredPayload)); err != nil {
		t.Error(err)
	}
	refuse(t, a, signedByPlugin(t, head, strings.Replace(filteredPayload, "https://api.", "http://", 1)), WrongIssuer)
}

func TestAPluginTokenWithAPrefix(t *testing.T) {
	token := signedByPlugin(t, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)), filteredPayload)
	a := filteredShop(t, "shop_")
	for text, want := range map[string]error{"shop_" + token: nil, token: nil, "shop_shop_" + token: Malformed, "Shop_" + token: Malformed, "shop_": Malformed} {
		if _, err := a.Verify(text); !errors.Is(err, want) {
			t.Errorf("%.12s…: %v, want %v", text, err, want)
		}
	}
	refuse(t, filteredShop(t, ""), "shop_"+token, Malformed)
}

// Else one token of ours had two spellings.
func TestATokenOfOursWithThePluginsPrefixIsRefused(t *testing.T) {
	a := filteredShop(t, "shop_")
	s, err := a.newRecord(Identity{UserID: 1, Login: "alice", Fingerprint: "fp"}, Client{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.pair(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Verify(pair.Access); err != nil {
		t.Error(err)
	}
	refuse(t, a, "shop_"+pair.Access, Malformed)
}
