package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"cocart-gateway/gateway/appserver"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/migration"
	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// In the dry run each request goes to WordPress as it came and each answer back, with WordPress and its own plugins
// deciding everything. What would have become of the request is decided on a copy of its header, with the functions that
// decide otherwise; package migration logs and counts it.

// prediction is what would have become of a request: an exchange of its own with a copy of the header, whose answer is
// not sent.
type prediction struct {
	exchange
	err       error // why it would have been refused
	goodToken bool
	elsewhere bool // the token is bound to another address on the way than it should be
	shop      int  // the status that WordPress answered; 0: none
	passing   *migration.MeasuredBody
}

// observe forwards a request as it is, and reports what would have become of it. Only when WordPress does not answer does
// the client read an answer of the gateway.
func (g *Gateway) observe(x *exchange) error {
	x.w.setHeaders = func(int) { preventTypeGuess(x.w.Header()) }
	would := g.predict(x)
	x.record.class, x.record.user = would.record.class, would.record.user
	var address netip.Addr
	bearer, _ := wprequest.BearerToken(would.r.Header) // two headers: none
	address, would.elsewhere = g.cfg.Migration.Address.ObservedAddress(x.origin, bearer, func(by netip.Addr) bool { return g.cameBy(x, by) })
	answered := x.measureWait()
	defer answered()
	err := g.wordpress.Forward(x.w, x.r, &upstream.Forwarding{
		Assertion: upstream.Assertion{Kind: upstream.Observed}, Origin: x.origin, ClientForPlugin: address, KeepCredentials: true,
		Acts: x.classification.Acts(x.wire()), Own: g.isShopsOwn(x),
		Before: func(ctx context.Context, answer *upstream.Answer) error {
			answered()
			x.relayed = true
			would.shop = answer.Status
			g.settleObserved(ctx, would)
			return nil
		},
	})
	g.reportObserved(x, would)
	return err
}

// cameBy reports whether a request came by an address.
func (g *Gateway) cameBy(x *exchange, by netip.Addr) bool {
	if !x.origin.Trusted {
		return by == x.origin.Peer
	}
	for hop := range g.proxies.Hops(x.origin.Peer, x.r.Header["X-Forwarded-For"]) {
		if hop == by {
			return true
		}
	}
	return false
}

// settleObserved counts what became of a password, so that the limits are seen at work before they are in force.
func (g *Gateway) settleObserved(ctx context.Context, would *prediction) {
	if would.attempt.counted == nil {
		return
	}
	said := upstream.Check{Result: upstream.AttemptAccepted, Times: 1}
	switch {
	case would.shop == http.StatusUnauthorized, would.shop == http.StatusForbidden:
		said.Result = upstream.AttemptRefused
	case would.shop != http.StatusOK:
		g.abandon(&would.exchange, nil)
		return
	}
	if err := g.settle(ctx, &would.exchange, []upstream.Check{said}); err != nil && would.err == nil {
		would.err = err
	}
}

// reportObserved says what the dry run saw; nothing where the shop did not answer.
func (g *Gateway) reportObserved(x *exchange, would *prediction) {
	if would.shop == 0 {
		if would.attempt.counted != nil {
			g.abandon(&would.exchange, nil)
		}
		return
	}
	seen := &migration.Observation{RequestID: x.id, Client: x.origin.Client.String(), Method: x.r.Method, Class: would.record.class,
		Status: would.shop, ValidToken: would.goodToken, Elsewhere: would.elsewhere}
	if err := would.refusal(g.cfg.Bounds); err != nil {
		seen.Refusal = g.failureOf(err)
	}
	x.record.outcome = g.dryRun.Report(x.r.Context(), seen)
}

// predict decides what would have become of a request, and leaves it as it was: what was read of its body is put back.
func (g *Gateway) predict(x *exchange) *prediction {
	j := &prediction{exchange: exchange{
		w: &recorder{Writer: pace.Writer{ResponseWriter: x.w.ResponseWriter}, setHeaders: func(int) {}}, r: x.r.Clone(x.r.Context()),
		target: x.target, origin: x.origin, id: x.id, record: &record{class: wprequest.ClassSite},
		body: &bounds.Body{}, // so that bound puts no guard on the body
	}}
	if j.err = g.identifyAppServer(&j.exchange); j.err == nil {
		j.err = g.decide(j)
	}
	x.appServer = j.appServer
	delete(x.r.Header, appserver.KeyHeader)
	delete(x.r.Header, appserver.AddressHeader)
	x.r.Body = j.r.Body
	if j.record.class.IsCoCart() && x.r.Body != nil && x.r.Body != http.NoBody {
		j.passing = migration.NewMeasuredBody(x.r.Body, x.r.Header.Get("Content-Type"))
		x.r.Body = j.passing
	}
	return j
}

func (g *Gateway) decide(j *prediction) error {
	if err := g.hosts().Check(j.r, j.origin.Trusted); err != nil {
		return err
	}
	if err := g.classify(&j.exchange); err != nil {
		return err
	}
	switch j.classification.Class {
	case wprequest.ClassSite, wprequest.ClassJWKS, wprequest.ClassBrowser:
		return nil
	case wprequest.ClassLogin:
		return g.predictLogin(j)
	case wprequest.ClassRefresh:
		return g.predictRefresh(j)
	case wprequest.ClassValidate:
		return g.predictValidate(j)
	}
	if g.cors != nil && crossorigin.IsPreflight(j.r) {
		return nil
	}
	return g.predictProtected(j)
}

func (g *Gateway) predictLogin(j *prediction) error {
	b, err := g.peekToken(j)
	if err != nil {
		return err
	}
	bearer, err := wprequest.BearerToken(j.r.Header)
	if err != nil {
		return err
	}
	found := j.input(b).Credentials()
	if bearer != "" && !found.Complete() {
		return g.predictToken(j, bearer)
	}
	return g.beginAttempt(&j.exchange, b, found)
}

func (g *Gateway) predictRefresh(j *prediction) error {
	if err := g.countRequest(&j.exchange, attempts.Refresh); err != nil {
		return err
	}
	b, err := g.peekToken(j)
	if err != nil {
		return err
	}
	token, err := j.input(b).RefreshToken()
	if err != nil || g.plugin.Exchanges(token) {
		return err
	}
	var rejection tokens.Rejection
	if errors.As(g.authority.Recognise(token), &rejection) {
		return g.refusedRefresh(rejection)
	}
	return nil
}

func (g *Gateway) predictValidate(j *prediction) error {
	if err := wprequest.RefuseWrapping(j.classification.Query); err != nil {
		return err
	}
	if err := g.countRequest(&j.exchange, attempts.Validate); err != nil {
		return err
	}
	bearer, err := wprequest.BearerToken(j.r.Header)
	if err != nil || bearer == "" {
		return err // without a token both say 401
	}
	return g.predictToken(j, bearer)
}

func (g *Gateway) predictProtected(j *prediction) error {
	a, b, err := g.forwardAs(&j.exchange)
	j.goodToken = a.Kind == upstream.Customer
	if err != nil {
		return err
	}
	if b != nil {
		if err := g.beginCredentials(&j.exchange, b); err != nil {
			return err
		}
	}
	return g.checkForwarding(&j.exchange, a)
}

func (g *Gateway) predictToken(j *prediction, bearer string) error {
	_, err := g.verify(&j.exchange, bearer)
	j.goodToken = err == nil
	return err
}

// peekToken looks at the body of a login or refresh, which may not be long.
func (g *Gateway) peekToken(j *prediction) (*wprequest.Body, error) {
	if err := wprequest.RefuseWrapping(j.classification.Query); err != nil {
		return nil, err
	}
	tooLong := wprequest.TooLarge(g.cfg.MaxLoginBody, "limits.login_body")
	if j.r.ContentLength > g.cfg.MaxLoginBody {
		return nil, tooLong
	}
	b, err := g.cfg.Bounds.Peek(j.r)
	if err == nil && int64(len(b.Raw)) > g.cfg.MaxLoginBody {
		return nil, tooLong
	}
	return b, err
}

// refusal is why the request would have been refused, once all of its body that WordPress read has passed.
func (j *prediction) refusal(b bounds.Config) error {
	if j.err != nil || j.passing == nil {
		return j.err
	}
	return j.passing.Exceeds(b.Body, b.Parameters)
}
