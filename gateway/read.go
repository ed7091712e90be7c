package gateway

import (
	"net/http"
	"strings"
)

// readTarget makes out what a request is by its target and headers alone.
func (g *Gateway) readTarget(r *http.Request, target string) (verdict, error) {
	return g.routes.classify(wire{method: r.Method, target: target, header: r.Header})
}

// read makes out what WordPress will take a request for. It looks at as much of
// the body as that depends on, and puts it back.
func (g *Gateway) read(r *http.Request, target string) (verdict, error) {
	v, err := g.routes.read(r, target, g.cfg.MaxLoginBody)
	if err != nil || v.class == classSite || v.class == classJWKS {
		return v, err
	}
	return v, g.gatherAuthorization(r.Header)
}

func (rs routes) read(r *http.Request, target string, limit int64) (verdict, error) {
	w := wire{method: r.Method, target: target, header: r.Header}
	v, err := rs.classify(w)
	if path, _, _ := strings.Cut(target, "?"); err != nil || v.class == classJWKS || rs.entrance(path) == otherScript {
		return v, err
	}
	if w.form, err = peekForm(r, limit); err != nil && v.class == classSite {
		return v, nil // a broken upload to the storefront breaks there
	} else if err != nil {
		return v, err
	}
	if v, err = rs.classify(w); err != nil || v.class != classBatch {
		return v, err
	}
	return rs.readBatch(r, v)
}

// Reading is what WordPress will make of a request.
type Reading struct {
	// Class is login, refresh, validate, logout, cocart, batch, jwks or site.
	Class string
	// Route is the REST route without a trailing slash, and Method the one
	// WordPress dispatches it with. Both mean something only for CoCart's.
	Route, Method string
}

// Read tells how a gateway of this configuration reads a request. It may look at
// the body, which can be read again afterwards. An error is a [Failure]: the
// gateway refuses the request.
func Read(cfg Config, r *http.Request) (Reading, error) {
	limit := cfg.MaxLoginBody
	if limit == 0 {
		limit = defaultLoginBody
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rs := newRoutes(cfg.SiteURL, cfg.RestPrefix, cfg.Namespaces)
	rs.parameters = cfg.Bounds.orDefaults().Parameters
	v, err := rs.read(r, r.URL.RequestURI(), limit)
	return Reading{Class: string(v.class), Route: v.route, Method: v.method}, err
}
