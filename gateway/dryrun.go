package gateway

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/upstream"
)

// In the dry run the gateway looks on: each request goes to WordPress as it came
// and each answer back, with WordPress and its own plugins deciding everything.
// What would have become of the request is judged on a copy of its header
// (dryrun_judge.go), told in the log and counted.

// What the dry run says of a request that would not be refused. The words are metric
// labels; package respond has those of refusals.
const (
	drySame    = "same"    // let through by both, or refused by both
	dryAdmit   = "admit"   // the shop refused a token that would have been good
	dryAddress = "address" // same, but Config.PluginAddress is not what the shop's tokens are bound to
)

type dryRun struct{ total *prometheus.CounterVec }

// newDryRun is nil where everything is enforced.
func newDryRun(on bool, reg prometheus.Registerer) (*dryRun, error) {
	d := &dryRun{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cocart_gateway_dry_run_total",
		Help: "Requests in the dry run (compat.dry_run), by route class and verdict: same (let through or refused as by the shop), admit (the shop refused a token that would be good), address (same, but compat.plugin_address is not the address to which the shop binds its tokens), or why it would be refused that the shop answered (token, guest, host, limit, body, parameters, method, cart_key, batch, ambiguous, request, other).",
	}, []string{"route", "verdict"})}
	if err := reg.Register(d.total); err != nil || !on {
		return nil, err
	}
	for _, c := range wprequest.Classes {
		d.total.WithLabelValues(string(c), drySame)
		d.total.WithLabelValues(string(c), dryAddress)
		for _, verdict := range respond.DryRunWords() {
			d.total.WithLabelValues(string(c), verdict)
		}
	}
	return d, nil
}

// lookOn forwards a request as it is, and tells what would have become of it.
// Only when WordPress does not answer does the client read something of ours.
func (g *Gateway) lookOn(x *exchange) error {
	x.w.setHeaders = func(int) { keepUntyped(x.w.Header()) }
	would := g.newJudgement(x)
	x.record.class, x.record.user = would.record.class, would.record.user
	told := g.told(x, would)
	answered := x.awaiting()
	defer answered()
	err := g.wordpress.Forward(x.w, x.r, &upstream.Forwarding{
		Assertion: upstream.Assertion{Kind: upstream.Observed}, Origin: x.origin, Told: told, KeepCredentials: true,
		Acts: x.verdict.Acts(x.wire()), Own: g.own(x),
		Before: func(ctx context.Context, answer *upstream.Answer) error {
			answered()
			x.relayed = true
			would.shop = answer.Status
			g.settleObserved(ctx, would)
			return nil
		},
	})
	g.tell(x, would)
	return err
}

// settleObserved counts what became of a password, so that the limits are seen
// at work before they are in force.
func (g *Gateway) settleObserved(ctx context.Context, would *judgement) {
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

// tell says what the dry run saw. A shop that did not answer is nobody's verdict.
func (g *Gateway) tell(x *exchange, would *judgement) {
	if would.shop == 0 {
		if would.attempt.counted != nil {
			g.abandon(&would.exchange, nil)
		}
		return
	}
	var f *respond.Failure
	if err := would.refusal(g.cfg.Bounds); err != nil {
		f = g.failureOf(err)
	}
	verdict := would.verdictOn(f)
	x.record.verdict = verdict
	g.dryRun.total.WithLabelValues(string(would.record.class), verdict).Inc()
	if verdict == drySame {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("route", string(would.record.class)), slog.String("method", accesslog.MethodLabel(x.r.Method)),
		slog.String("verdict", verdict), slog.Int("shop_status", would.shop), slog.String("client", x.origin.Client.String()),
	}
	if f == nil {
		g.log.LogAttrs(x.r.Context(), slog.LevelInfo, admitted[verdict], attrs...)
		return
	}
	attrs = append(attrs, slog.Int("status", f.Status), slog.String("code", string(f.Code)))
	attrs = append(attrs, accesslog.CauseAttrs(f.Cause)...)
	g.log.LogAttrs(x.r.Context(), slog.LevelInfo, "dry run: would be refused", attrs...)
}

// admitted is what the log says of requests that would not be refused.
var admitted = map[string]string{
	dryAdmit:   "dry run: would be admitted",
	dryAddress: "dry run: the token is bound to another address than compat.plugin_address says",
}

// verdictOn is one word for what both said.
func (j *judgement) verdictOn(f *respond.Failure) string {
	refusedToken := j.shop == http.StatusUnauthorized || j.shop == http.StatusForbidden
	switch {
	case f == nil && j.goodToken && refusedToken && j.record.class != wprequest.ClassLogin:
		return dryAdmit
	case f == nil && j.elsewhere && j.shop < 400:
		return dryAddress
	case f == nil, j.shop >= 400:
		return drySame
	}
	return f.Code.DryRun()
}
