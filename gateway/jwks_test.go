package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/tokens/keys"
)

func TestPublicKeysAreServed(t *testing.T) {
	pem, err := keys.Generate("EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Parse("pair", "EdDSA", pem)
	if err != nil {
		t.Fatal(err)
	}
	s := openShopWith(t, []keys.Key{key})
	r := s.do("GET", "/.well-known/jwks.json", "", "Origin: https://other.example")
	got := [5]string{http.StatusText(r.Status), r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"), r.Header.Get("Access-Control-Allow-Origin")}
	if want := [5]string{"OK", "application/jwk-set+json", "public, max-age=300", "*"}; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.HasPrefix(r.Body, `{"keys":[{"kty":"OKP","use":"sig","alg":"EdDSA","kid":"pair","crv":"Ed25519","x":"`) || strings.Contains(r.Body, `"d"`) {
		t.Errorf("got %s", r.Body)
	}
	if head := s.do("HEAD", "/.well-known/jwks.json", ""); head.Status != 200 || head.Body != "" || head.Header.Get("Content-Length") != itoa(len(r.Body)) {
		t.Errorf("HEAD: %d %q %v", head.Status, head.Body, head.Header)
	}
	access, _ := s.login()
	if got := s.cart(access).Status; got != 200 {
		t.Errorf("a token of that key: %d", got)
	}
}

func TestWithoutPublicKeysTheSetIsEmpty(t *testing.T) {
	s := openShop(t)
	r := s.do("GET", "/.well-known/jwks.json", "")
	if r.Status != 200 || r.Body != `{"keys":[]}` || len(s.wordpress.Seen()) != 0 {
		t.Errorf("%d %s, %d requests at WordPress", r.Status, r.Body, len(s.wordpress.Seen()))
	}
}
