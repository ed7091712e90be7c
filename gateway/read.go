package gateway

import (
	"net/http"
	"strings"
)

// readTarget makes out what a request is by its target and headers alone.
func (g *Gateway) readTarget(x *exchange) (verdict, error) { return g.routes.classify(x.wire()) }

func (x *exchange) wire() wire {
	return wire{method: x.r.Method, target: x.target, header: x.r.Header}
}

// readOn makes out what WordPress will take a request for once it has seen the
// body. It looks at as much of that as it depends on, and puts it back.
func (g *Gateway) readOn(x *exchange) (verdict, error) {
	v, err := g.routes.readBody(x.r, x.wire(), x.verdict, g.cfg.MaxLoginBody)
	if err != nil || v.class == classSite || v.class == classJWKS {
		return v, err
	}
	return v, g.gatherAuthorization(x.r.Header)
}

func (rs routes) readBody(r *http.Request, w wire, v verdict, limit int64) (verdict, error) {
	if hasForm(r) {
		var err error
		if v, err = rs.readForm(r, w, v, limit); err != nil {
			return v, err
		}
	}
	if v.class != classBatch {
		return v, nil
	}
	return rs.readBatch(r, v)
}

// readForm reads a request once more with its form, which may name another route.
func (rs routes) readForm(r *http.Request, w wire, v verdict, limit int64) (_ verdict, err error) {
	path, _, _ := strings.Cut(w.target, "?")
	if v.class == classJWKS || rs.entrance(path, rs.cleaned(path)) == otherScript {
		return v, nil
	}
	if w.form, err = peekForm(r, limit); err != nil && v.class == classSite {
		return v, nil // a broken upload to the storefront breaks there
	} else if err != nil {
		return v, err
	}
	return rs.classify(w)
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
	rs := cfg.routes()
	w := wire{method: r.Method, target: r.URL.RequestURI(), header: r.Header}
	v, err := rs.classify(w)
	if err == nil {
		v, err = rs.readBody(r, w, v, limit)
	}
	return Reading{Class: string(v.class), Route: v.route, Method: v.method}, err
}
