package gateway

import (
	"bytes"
	"net/http"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

var noKeys = []byte(`{"keys":[]}`)

// jwks serves the public keys (RFC 7517). It may be cached for five minutes: a
// new key is to be listed everywhere at least that long before it signs. A site
// whose keys are all secret has none to serve, and the path stays WordPress's.
func (g *Gateway) jwks(x *exchange) error {
	set := g.authority.JWKS()
	if bytes.Equal(set, noKeys) {
		x.record.class = wprequest.ClassSite
		return g.site(x)
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=300")
	respond.Bytes(x.w, x.r, http.StatusOK, set, "application/jwk-set+json")
	return nil
}
