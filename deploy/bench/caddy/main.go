// Program caddy is Caddy with its standard modules and a handler that verifies JWTs, for make bench. The handler does
// what the plugins for Caddy do: it verifies signature, exp and iss of the bearer on every request with jwx, the library
// that they use, and sets a header with the user. It is not for use.
package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

func main() { caddycmd.Main() }

func init() {
	caddy.RegisterModule(verifier{})
	httpcaddyfile.RegisterHandlerDirective("verify_jwt", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		v := new(verifier)
		return v, v.UnmarshalCaddyfile(h.Dispenser)
	})
	httpcaddyfile.RegisterDirectiveOrder("verify_jwt", httpcaddyfile.Before, "reverse_proxy")
}

// verifier lets only requests pass that have a valid HS256 bearer of the issuer.
type verifier struct {
	Secret string `json:"secret"`
	Issuer string `json:"issuer"`
}

// CaddyModule names it.
func (verifier) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.verify_jwt", New: func() caddy.Module { return new(verifier) }}
}

// UnmarshalCaddyfile reads: verify_jwt SECRET ISSUER
func (v *verifier) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.Args(&v.Secret, &v.Issuer) {
		return d.ArgErr()
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	bearer, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		return caddyhttp.Error(http.StatusUnauthorized, errors.New("no bearer"))
	}
	token, err := jwt.Parse([]byte(bearer), jwt.WithKey(jwa.HS256(), []byte(v.Secret)), jwt.WithIssuer(v.Issuer), jwt.WithValidate(true))
	if err != nil {
		return caddyhttp.Error(http.StatusUnauthorized, err)
	}
	subject, _ := token.Subject()
	r.Header.Set("X-User", subject)
	return next.ServeHTTP(w, r)
}
