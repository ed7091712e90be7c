package gateway

import (
	"bytes"
	"net/http"
	"strings"

	"cocart-gateway/gateway/respond"
)

// jwksPath is on the public listener: other services verify tokens with it.
const jwksPath = "/.well-known/jwks.json"

// isJWKS reports whether a path is that of the keys, at the root or below a prefix.
func (rs routes) isJWKS(path string) bool {
	if path == jwksPath {
		return true
	}
	for _, prefix := range rs.prefixes {
		if path == "/"+strings.TrimLeft(rs.home+"/"+prefix, "/")+jwksPath {
			return true
		}
	}
	return false
}

var noKeys = []byte(`{"keys":[]}`)

// jwks serves the public keys (RFC 7517). It may be cached for five minutes: a
// new key is to be listed everywhere at least that long before it signs. A site
// whose keys are all secret has none to serve, and the path stays WordPress's.
func (g *Gateway) jwks(x *exchange) error {
	set := g.authority.JWKS()
	if bytes.Equal(set, noKeys) {
		x.record.class = classSite
		return g.site(x)
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=300")
	respond.Bytes(x.w, x.r, http.StatusOK, set, "application/jwk-set+json")
	return nil
}
