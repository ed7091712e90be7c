package gateway

import (
	"bytes"
	"io"
	"net/url"

	"cocart-gateway/gateway/bounds"
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
	v, err := g.routes.ReadBody(x.wire(), x.classification, bounds.Head(x.r))
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

// classifyProtected makes a request with a bearer on a route of site.protect one of a class of its own, and so one with the
// session cookie whose client asks for that by CoCart-Session: cookie, and the preflight of that header. Any other is what it is
// without site.protect: a guest's, or that of a login cookie.
func (g *Gateway) classifyProtected(x *exchange) error {
	if x.classification.Protect == "" || x.classification.Class != wprequest.ClassSite {
		return nil
	}
	h := x.r.Header.Clone()
	if wprequest.GatherAuthorization(h, g.cfg.AuthHeaders) != nil {
		return nil // two of them: WordPress decides, as elsewhere, and knows no customer of ours
	}
	bearer, err := wprequest.BearerToken(h)
	if err != nil || bearer == "" && !g.asksForCookie(x, h) {
		return nil
	}
	x.r.Header, x.classification.Class, x.record.class = h, wprequest.ClassProtected, wprequest.ClassProtected
	return g.bound(x)
}

// resolveAlias makes a request for an alias one for the route behind it, so that what
// is checked, asserted and dispatched is one thing.
func (g *Gateway) resolveAlias(x *exchange) error {
	real := g.routes.RouteBehindAlias(x.classification)
	if real == "" {
		return nil
	}
	if bounds.Head(x.r) != nil && x.wire().HasForm() { // which may hold a rest_route
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
	b, err := bounds.Read(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	text := []byte(b.Form.Without(wprequest.IsRouteName))
	x.r.Body, x.r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	x.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return nil
}
