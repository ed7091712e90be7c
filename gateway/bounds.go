package gateway

import (
	"context"
	"errors"
	"net/http"

	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// bound refuses what no client of CoCart sends, before anything of the body is
// read, and watches over what is read of it later. The storefront is WordPress's
// to bound, but for two methods: TRACE would show an attacker's page our own
// headers, and CONNECT asks for a tunnel.
func (g *Gateway) bound(x *exchange) error {
	if m := x.r.Method; m == http.MethodTrace || m == http.MethodConnect {
		return respond.OnlyMethods(wprequest.Methods...)
	}
	if !x.record.class.IsCoCart() {
		return nil
	}
	if err := g.cfg.Bounds.Check(x.r, x.target, x.classification.Method, x.w.arriving != nil); err != nil {
		return err
	}
	if x.body == nil {
		g.limitBody(x)
	}
	return nil
}

// limitBody puts the guard on. A body that never comes costs a goroutine and, once
// forwarded, a connection to PHP. The deadline ends with the body: net/http takes
// it off when it begins to watch for the client leaving.
func (g *Gateway) limitBody(x *exchange) {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	b := g.cfg.Bounds
	x.w.arriving.Within(pace.Pace{Stall: b.BodyTime, Allowance: b.BodyTime, Rate: max(0, b.UploadRate)})
	x.body = bounds.NewBody(x.w.ResponseWriter, x.r, b)
	x.r.Body = x.body
}

// orBody prefers what was wrong with a request's body to its context having ended:
// net/http ends that too when a read runs into its deadline, and the transport may
// see either first.
func (x *exchange) orBody(err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	if refused := x.body.Refused(); refused != nil {
		return refused
	}
	if refused := x.w.arriving.Err(); refused != nil {
		return refused
	}
	return err
}

// followBody follows the body of a request from its first byte on. net/http discards what a
// handler left unread before the header of an answer leaves, so the time which that may
// take does not count as time of the answer.
//
// It does so in a copy of the request. By the type of the body in its own, net/http knows that a client waits for 100
// Continue, and that there is too much left to discard: with another body, a refusal would wait for bytes that the client
// does not send before it is asked for them.
func (g *Gateway) followBody(x *exchange) {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	x.w.arriving = pace.NewBody(x.w.ResponseWriter, x.r, g.cfg.Bounds.Pace(g.cfg.Bounds.UploadRate))
	x.w.Pace.First = max(0, g.cfg.Bounds.Stall) + g.cfg.Bounds.BodyTime
	followed := *x.r
	followed.Body = x.w.arriving
	x.r = &followed
}
