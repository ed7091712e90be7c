package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// site says how this gateway reads requests.
func (c Config) site() wprequest.Site {
	b := c.Bounds.WithDefaults()
	return wprequest.NewSite(wprequest.SiteConfig{URL: c.SiteURL, RestPrefix: c.RestPrefix, Paths: c.Paths, Namespaces: c.Namespaces, Protect: c.Protect,
		Parameters: b.Parameters, JSON: b.JSON, FormHead: c.MaxLoginBody})
}

// classifyTarget classifies a request by its target and headers alone.
func (g *Gateway) classifyTarget(x *exchange) (wprequest.Classification, error) {
	return g.routes.Classify(x.wire())
}

func (x *exchange) wire() wprequest.Request {
	return wprequest.Request{Method: x.r.Method, Target: x.target, Header: x.r.Header}
}

// input is what PHP code reads of the request; b is nil where no body was read.
func (x *exchange) input(b *wprequest.Body) wprequest.Input {
	if b == nil {
		b = &wprequest.Body{}
	}
	return wprequest.Input{Method: x.r.Method, Header: x.r.Header, Query: x.classification.Query, Body: b}
}

// classifyBody classifies a request with its body, as far as the class depends on that.
func (g *Gateway) classifyBody(x *exchange) (wprequest.Classification, error) {
	v, err := g.routes.ReadBody(x.wire(), x.classification, x.peek())
	if err != nil || v.Class == wprequest.ClassSite || v.Class == wprequest.ClassJWKS || v.Class == wprequest.ClassBrowser {
		return v, err
	}
	if err := wprequest.GatherAuthorization(x.r.Header, g.cfg.AuthHeaders); err != nil {
		return v, err
	}
	if wprequest.IsServerPassword(x.r.Header.Get("Authorization"), g.cfg.OriginAuthorization) {
		delete(x.r.Header, "Authorization")
	}
	return v, nil
}

// classifyProtected makes a request with a bearer on a route of site.protect one of a class of its own. Without a bearer it is
// what it is without site.protect: a guest's, or that of a login cookie.
func (g *Gateway) classifyProtected(x *exchange) error {
	if x.classification.Protect == "" || x.classification.Class != wprequest.ClassSite {
		return nil
	}
	h := x.r.Header.Clone()
	if wprequest.GatherAuthorization(h, g.cfg.AuthHeaders) != nil {
		return nil // two of them: WordPress decides, as elsewhere, and knows no customer of ours
	}
	bearer, err := wprequest.BearerToken(h)
	if err != nil || bearer == "" {
		return nil
	}
	x.r.Header, x.classification.Class, x.record.class = h, wprequest.ClassProtected, wprequest.ClassProtected
	return g.bound(x)
}

// peek reads the beginning of the body and puts it back; nil for a request without a body.
func (x *exchange) peek() wprequest.Peek {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return nil
	}
	return func(limit int64) ([]byte, error) {
		raw, err := io.ReadAll(io.LimitReader(x.r.Body, limit))
		if err != nil {
			return nil, bodyError(err)
		}
		x.r.Body = putBack(raw, x.r.Body)
		return raw, nil
	}
}

// resolveAlias makes a request for an alias one for the route behind it, so that what
// is checked, asserted and dispatched is one thing.
func (g *Gateway) resolveAlias(x *exchange) error {
	real := g.routes.RouteBehindAlias(x.classification)
	if real == "" {
		return nil
	}
	if x.peek() != nil && x.wire().HasForm() { // which may hold a rest_route
		if err := g.dropFormRoute(x); err != nil {
			return err
		}
	}
	target := g.routes.TargetFor(x.target, real)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return wprequest.Ambiguous("the path cannot be read")
	}
	x.r.URL, x.target = u, target
	x.classification.Query, x.classification.Alias = wprequest.ParseParams(u.RawQuery), true
	return nil
}

func (g *Gateway) dropFormRoute(x *exchange) error {
	b, err := readBody(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	text := []byte(b.Form.Without(wprequest.IsRouteName))
	x.r.Body, x.r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	x.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return nil
}

// readBody takes the whole body off a request. More than limit bytes are a 413;
// a form that cannot be read a 400. JSON that cannot be read is left to the
// caller: object stays nil.
func readBody(r *http.Request, limit int64) (*wprequest.Body, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, wprequest.TooLarge(limit, "limits.login_body")
	}
	if err != nil {
		return nil, bodyError(err)
	}
	return wprequest.ParseBody(raw, r.Header.Get("Content-Type"))
}

// peekBody reads a form or a JSON body and puts it back, so that the request can
// still be forwarded. One that is too long to be read whole is a 413, and a form
// that cannot be read a 400. Neither is taken for empty: PHP would find the
// password or the cart key that an attacker put behind the limit, and nothing
// would count the one or check the other.
func peekBody(r *http.Request, bounds BoundsConfig) (*wprequest.Body, error) {
	var limit int64
	var key string
	contentType := r.Header.Get("Content-Type")
	switch kind := wprequest.MediaType(contentType); {
	case kind == wprequest.MediaForm, kind == wprequest.MediaMultipart, contentType == "":
		limit, key = bounds.Form, "limits.form"
	case kind == wprequest.MediaJSON:
		limit, key = bounds.JSON, "limits.json"
	default:
		return &wprequest.Body{}, nil
	}
	if r.Body == nil || r.Body == http.NoBody { // reading it would make a stream of it
		return wprequest.ParseBody(nil, contentType)
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, bodyError(err)
	}
	r.Body = putBack(raw, r.Body)
	if int64(len(raw)) > limit {
		return nil, wprequest.TooLarge(limit, key)
	}
	b, err := wprequest.ParseBody(raw, contentType)
	if err == nil && b.Malformed {
		return nil, wprequest.InvalidJSON()
	}
	return b, err
}

func bodyError(err error) error {
	var f *respond.Failure // from the guard in bounds.go
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled), errors.Is(err, pace.ErrSlow): // the client left, or waits
		return err
	}
	return fmt.Errorf("%w: %w", pace.ErrUnreadable, err)
}

type rejoined struct {
	io.Reader
	io.Closer
}

func putBack(head []byte, rest io.ReadCloser) io.ReadCloser {
	return rejoined{io.MultiReader(bytes.NewReader(head), rest), rest}
}
