package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/upstream/upstreamtest"
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

func TestWithoutPublicKeysThePathIsWordPresss(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		upstreamtest.JSON(w, 200, "of the site: "+seen.Claims.Kind)
		return true
	}
	if r := s.do("GET", "/.well-known/jwks.json", ""); r.Body != "of the site: site" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}
