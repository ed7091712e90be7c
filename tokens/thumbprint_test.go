package tokens_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

func TestThumbprintIsTheOneThatAnotherLibraryComputes(t *testing.T) {
	for _, alg := range tokens.Algorithms() {
		if strings.HasPrefix(alg, "HS") {
			continue
		}
		material, err := tokens.GenerateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		key, err := tokens.ParseKey("k", alg, material)
		if err != nil {
			t.Fatal(err)
		}
		a := tokenstest.Authority(t, tokenstest.Embedded(t), tokenstest.NewClock(), func(c *tokens.Config) { c.Keys = []tokens.Key{key} })
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(a.JWKS(), &set); err != nil {
			t.Fatal(err)
		}
		sum, err := set.Keys[0].Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if want := base64.RawURLEncoding.EncodeToString(sum); key.Thumbprint() != want {
			t.Errorf("%s: %q, want %q", alg, key.Thumbprint(), want)
		}
	}
}

func TestASharedSecretHasNoThumbprint(t *testing.T) {
	if got := tokenstest.Key(t, "k").Thumbprint(); got != "" {
		t.Errorf("%q", got)
	}
}
