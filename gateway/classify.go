package gateway

import (
	"bytes"
	"cocart-gateway/gateway/respond"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// site says how this gateway reads requests.
func (c Config) site() routes {
	b := c.Bounds.orDefaults()
	return newRoutes(siteConfig{url: c.SiteURL, restPrefix: c.RestPrefix, paths: c.Paths, namespaces: c.Namespaces,
		parameters: b.Parameters, json: b.JSON, formHead: c.MaxLoginBody})
}

// readTarget classifies a request by its target and headers alone.
func (g *Gateway) readTarget(x *exchange) (verdict, error) { return g.routes.classify(x.wire()) }

func (x *exchange) wire() wire {
	return wire{method: x.r.Method, target: x.target, header: x.r.Header}
}

// input is what PHP code reads of the request; b is nil where no body was read.
func (x *exchange) input(b *body) input {
	if b == nil {
		b = &body{}
	}
	return input{method: x.r.Method, header: x.r.Header, query: x.verdict.query, body: b}
}

// readOn classifies a request with its body, as far as the class depends on that.
func (g *Gateway) readOn(x *exchange) (verdict, error) {
	v, err := g.routes.readBody(x.wire(), x.verdict, x.peek())
	if err != nil || v.class == classSite || v.class == classJWKS {
		return v, err
	}
	if err := gatherAuthorization(x.r.Header, g.cfg.AuthHeaders); err != nil {
		return v, err
	}
	if isServerPassword(x.r.Header.Get("Authorization"), g.cfg.OriginAuthorization) {
		delete(x.r.Header, "Authorization")
	}
	return v, nil
}

// peek reads the beginning of the body and puts it back; nil for a request without a body.
func (x *exchange) peek() peek {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return nil
	}
	return func(limit int64) ([]byte, error) {
		raw, err := io.ReadAll(io.LimitReader(x.r.Body, limit))
		if err != nil {
			return nil, readingBody(err)
		}
		x.r.Body = rejoin(raw, x.r.Body)
		return raw, nil
	}
}

// rename makes a request for an alias one for the route behind it, so that what
// is judged, asserted and dispatched is one thing.
func (g *Gateway) rename(x *exchange) error {
	real := g.routes.realRoute(x.verdict)
	if real == "" {
		return nil
	}
	if x.peek() != nil && x.wire().hasForm() { // which may hold a rest_route
		if err := g.dropFormRoute(x); err != nil {
			return err
		}
	}
	target := g.routes.renamed(x.target, real)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return ambiguous("the path cannot be read")
	}
	x.r.URL, x.target = u, target
	x.verdict.query, x.verdict.alias = parseParams(u.RawQuery), true
	return nil
}

func (g *Gateway) dropFormRoute(x *exchange) error {
	b, err := readBody(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	text := []byte(b.form.without(isRouteName))
	x.r.Body, x.r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	x.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return nil
}

// readBody takes the whole body off a request. More than limit bytes are a 413;
// a form that cannot be read a 400. JSON that cannot be read is left to the
// caller: object stays nil.
func readBody(r *http.Request, limit int64) (*body, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, tooLarge(limit, "limits.login_body")
	}
	if err != nil {
		return nil, readingBody(err)
	}
	return parseBody(raw, r.Header.Get("Content-Type"))
}

// peekBody reads a form or a JSON body and puts it back, so that the request can
// still be forwarded. One that is too long to be read whole is a 413, and a form
// that cannot be read a 400. Neither is taken for empty: PHP would find the
// password or the cart key that an attacker put behind the limit, and nothing
// would count the one or check the other.
func peekBody(r *http.Request, bounds BoundsConfig) (*body, error) {
	var limit int64
	var key string
	contentType := r.Header.Get("Content-Type")
	switch kind := mediaType(contentType); {
	case kind == mediaForm, kind == mediaMultipart, contentType == "":
		limit, key = bounds.Form, "limits.form"
	case kind == mediaJSON:
		limit, key = bounds.JSON, "limits.json"
	default:
		return &body{}, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, readingBody(err)
	}
	r.Body = rejoin(raw, r.Body)
	if int64(len(raw)) > limit {
		return nil, tooLarge(limit, key)
	}
	b, err := parseBody(raw, contentType)
	if err == nil && b.malformed {
		return nil, invalidJSON()
	}
	return b, err
}

func readingBody(err error) error {
	var f *Failure // from the guard in bounds.go
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled): // the client left
		return err
	}
	return unreadable(err)
}

func unreadable(err error) *Failure {
	return respond.Fail(respond.BadBody).Because(err)
}

type rejoined struct {
	io.Reader
	io.Closer
}

func rejoin(head []byte, rest io.ReadCloser) io.ReadCloser {
	return rejoined{io.MultiReader(bytes.NewReader(head), rest), rest}
}

// Reading is what WordPress will make of a request.
type Reading struct {
	// Class is login, refresh, validate, logout, cocart, batch, jwks or site.
	Class string
	// Route is the REST route without a trailing slash, and Method the one
	// WordPress dispatches it with. Both mean something only for CoCart's.
	Route, Method string
}

// Read classifies a request as a gateway of this configuration does. An error is a
// refusal.
func Read(cfg Config, r *http.Request) (Reading, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return Reading{}, err
		}
	}
	v, err := cfg.site().read(wire{method: r.Method, target: r.URL.RequestURI(), header: r.Header}, body)
	return Reading{Class: string(v.class), Route: v.route, Method: v.method}, err
}
