package tokens_test

import (
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
)

// newKey makes a key of the algorithm and tells what an independent implementation needs to sign with it.
func newKey(t testing.TB, id, alg string) (keys.Key, any) {
	t.Helper()
	material, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	if alg[0] == 'H' {
		k, err := keys.NewHMAC(id, alg, material)
		if err != nil {
			t.Fatal(err)
		}
		return k, material
	}
	k, err := keys.Parse(id, alg, material)
	if err != nil {
		t.Fatal(err)
	}
	return k, privateKey(t, material)
}

func TestEveryAlgorithmIsReallyThatAlgorithm(t *testing.T) {
	for _, alg := range keys.Algorithms() {
		t.Run(alg, func(t *testing.T) {
			w := embedded(t)
			key, private := newKey(t, "k1", alg)
			a := w.authority(func(c *tokens.Config) { c.Keys = []keys.Key{key} })
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
