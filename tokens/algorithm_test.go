package tokens_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// newKey makes a key of the algorithm and tells what an independent implementation needs to sign with it.
func newKey(t testing.TB, id, alg string) (tokens.Key, any) {
	t.Helper()
	material, err := tokens.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	if alg[0] == 'H' {
		k, err := tokens.NewHMACKey(id, alg, material)
		if err != nil {
			t.Fatal(err)
		}
		return k, material
	}
	k, err := tokens.ParseKey(id, alg, material)
	if err != nil {
		t.Fatal(err)
	}
	return k, privateKey(t, material)
}

func TestEveryAlgorithmIsReallyThatAlgorithm(t *testing.T) {
	for _, alg := range tokens.Algorithms() {
		t.Run(alg, func(t *testing.T) {
			w := embedded(t)
			key, private := newKey(t, "k1", alg)
			a := w.authority(func(c *tokens.Config) { c.Keys = []tokens.Key{key} })
			ours := w.login(a, alice).Access
			w.accessIs(a, ours, nil)

			parsed, err := jose.ParseSignedCompact(ours, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
			w.must(err)
			if _, err := parsed.Verify(verifier(t, a, private)); err != nil {
				t.Errorf("another implementation refuses our signature: %v", err)
			}
			w.accessIs(a, signElsewhere(t, alg, private, segment(t, ours, 1)), nil)
			_, strange := newKey(t, "k1", alg)
			w.accessIs(a, signElsewhere(t, alg, strange, segment(t, ours, 1)), tokens.BadSignature)
		})
	}
}

// verifier is the published public key, or the shared secret where nothing is published.
func verifier(t *testing.T, a *tokens.Authority, private any) any {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(a.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) == 0 {
		return private
	}
	return set.Keys[0]
}

func signElsewhere(t *testing.T, alg string, private any, payload string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: private},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestJWKSShowsPublicKeysOnly(t *testing.T) {
	w := embedded(t)
	if got := string(w.authority().JWKS()); got != `{"keys":[]}` {
		t.Errorf("with HMAC keys only: %s", got)
	}
	es, _ := newKey(t, "es", "ES512")
	rs, _ := newKey(t, "rs", "PS384")
	ed, _ := newKey(t, "ed", "EdDSA")
	a := w.authority(func(c *tokens.Config) {
		c.Keys = []tokens.Key{es, tokenstest.Key(t, "hs"), rs.RetireAt(w.clock.Now().Add(time.Hour)), ed}
	})
	w.jwksIs(a, "EC es ES512, RSA rs PS384, OKP ed EdDSA, ")
	w.clock.Advance(time.Hour)
	w.jwksIs(a, "EC es ES512, OKP ed EdDSA, ")
}

func (w *world) jwksIs(a *tokens.Authority, want string) {
	w.Helper()
	var set struct{ Keys []map[string]string }
	w.must(json.Unmarshal(a.JWKS(), &set))
	got := ""
	for _, k := range set.Keys {
		got += fmt.Sprintf("%s %s %s, ", k["kty"], k["kid"], k["alg"])
		for _, private := range []string{"d", "p", "q", "k", "dp", "dq", "qi"} {
			if k[private] != "" {
				w.Errorf("key %s publishes %q", k["kid"], private)
			}
		}
	}
	if got != want {
		w.Errorf("published %q, want %q", got, want)
	}
}
