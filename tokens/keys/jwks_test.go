package keys_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cocart-gateway/tokens/keys"
)

func generate(t *testing.T, id, alg string) keys.Key {
	t.Helper()
	material, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Parse(id, alg, material)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func secret(t *testing.T, id string) keys.Key {
	t.Helper()
	key, err := keys.NewHMAC(id, "HS256", []byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestJWKSShowsPublicKeysOnly(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	if got := string(keys.NewRing([]keys.Key{secret(t, "hs")}).JWKS(now)); got != `{"keys":[]}` {
		t.Errorf("with HMAC keys only: %s", got)
	}
	ring := keys.NewRing([]keys.Key{generate(t, "es", "ES512"), secret(t, "hs"),
		generate(t, "rs", "PS384").RetireAt(now.Add(time.Hour)), generate(t, "ed", "EdDSA")})
	jwksIs(t, ring.JWKS(now), "EC es ES512, RSA rs PS384, OKP ed EdDSA, ")
	jwksIs(t, ring.JWKS(now.Add(time.Hour)), "EC es ES512, OKP ed EdDSA, ")
}

func jwksIs(t *testing.T, text []byte, want string) {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, k := range set.Keys {
		got += fmt.Sprintf("%s %s %s, ", k["kty"], k["kid"], k["alg"])
		for _, private := range []string{"d", "p", "q", "k", "dp", "dq", "qi"} {
			if k[private] != "" {
				t.Errorf("key %s publishes %q", k["kid"], private)
			}
		}
	}
	if got != want {
		t.Errorf("published %q, want %q", got, want)
	}
}

func TestThumbprintAgreesWithAnotherLibrary(t *testing.T) {
	for _, alg := range keys.Algorithms() {
		if strings.HasPrefix(alg, "HS") {
			continue
		}
		key := generate(t, "k", alg)
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(keys.NewRing([]keys.Key{key}).JWKS(time.Unix(0, 0)), &set); err != nil {
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
	if got := secret(t, "k").Thumbprint(); got != "" {
		t.Errorf("%q", got)
	}
}
