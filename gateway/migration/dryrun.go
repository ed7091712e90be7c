package migration

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// What the dry run says of a request that would not be refused. The words are metric labels; package respond has those of
// refusals.
const (
	drySame    = "same"    // passed by both, or refused by both
	dryAdmit   = "admit"   // the shop refused a token that would be valid
	dryAddress = "address" // same, but the Address is not what the shop's tokens are bound to
)

// DryRun observes and reports what would become of requests, and enforces nothing.
type DryRun struct {
	total *prometheus.CounterVec
	log   *slog.Logger
}

// NewDryRun returns nil where everything is enforced.
func NewDryRun(on bool, reg prometheus.Registerer, log *slog.Logger) (*DryRun, error) {
	d := &DryRun{log: log, total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cocart_gateway_dry_run_total",
		Help: "Requests in the dry run (compat.dry_run), by route class and verdict: same (the gateway and the shop agree), admit (the shop refused a token that the gateway would accept), address (same, but compat.plugin_address is not the address to which the shop binds its tokens), or why the gateway would refuse what the shop answered (token, guest, host, limit, body, parameters, method, cart_key, batch, ambiguous, request, other).",
	}, []string{"route", "verdict"})}
	if err := reg.Register(d.total); err != nil || !on {
		return nil, err
	}
	for _, c := range wprequest.Classes {
		d.total.WithLabelValues(string(c), drySame)
		d.total.WithLabelValues(string(c), dryAddress)
		for _, word := range respond.DryRunWords() {
			d.total.WithLabelValues(string(c), word)
		}
	}
	return d, nil
}

// Observation is what the dry run saw of one request.
type Observation struct {
	RequestID, Client, Method string
	Class                     wprequest.Class
	Status                    int              // that WordPress answered
	Refusal                   *respond.Failure // what the gateway would have answered; nil: it would have forwarded the request
	ValidToken                bool
	Elsewhere                 bool // the token is bound to another address on the way than it should be
}

// word is the metric label of an observation.
func (o *Observation) word() string {
	refusedToken := o.Status == http.StatusUnauthorized || o.Status == http.StatusForbidden
	switch {
	case o.Refusal == nil && o.ValidToken && refusedToken && o.Class != wprequest.ClassLogin:
		return dryAdmit
	case o.Refusal == nil && o.Elsewhere && o.Status < http.StatusBadRequest:
		return dryAddress
	case o.Refusal == nil, o.Status >= http.StatusBadRequest:
		return drySame
	}
	return o.Refusal.Code.DryRun()
}

// admitted is what the log says of requests that would not be refused.
var admitted = map[string]string{
	dryAdmit:   "dry run: would be admitted",
	dryAddress: "dry run: the token is bound to another address than compat.plugin_address says",
}

// Report counts an observation, logs it if the gateway and the shop differ, and returns its word.
func (d *DryRun) Report(ctx context.Context, o *Observation) string {
	word := o.word()
	d.total.WithLabelValues(string(o.Class), word).Inc()
	if word == drySame {
		return word
	}
	attrs := []slog.Attr{
		slog.String("request_id", o.RequestID), slog.String("route", string(o.Class)), slog.String("method", accesslog.MethodLabel(o.Method)),
		slog.String("verdict", word), slog.Int("shop_status", o.Status), slog.String("client", o.Client),
	}
	if o.Refusal == nil {
		d.log.LogAttrs(ctx, slog.LevelInfo, admitted[word], attrs...)
		return word
	}
	attrs = append(attrs, slog.Int("status", o.Refusal.Status), slog.String("code", string(o.Refusal.Code)))
	d.log.LogAttrs(ctx, slog.LevelInfo, "dry run: would be refused", append(attrs, accesslog.CauseAttrs(o.Refusal.Cause)...)...)
	return word
}

// MeasuredBody measures a body while it passes.
type MeasuredBody struct {
	io.ReadCloser
	counter *wprequest.FieldCounter // nil: not a form

	mu     sync.Mutex // guards what follows: the transport may read on after the answer
	n      int64
	fields int
}

// NewMeasuredBody measures a body of a Content-Type.
func NewMeasuredBody(body io.ReadCloser, contentType string) *MeasuredBody {
	return &MeasuredBody{ReadCloser: body, counter: wprequest.NewFieldCounter(contentType)}
}

// Read reads on.
func (b *MeasuredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n += int64(n)
	if b.counter != nil {
		b.fields = b.counter.Count(p[:n])
	}
	return n, err
}

// Exceeds returns the refusal that the body would have got, for its bytes or the fields of its form.
func (b *MeasuredBody) Exceeds(bytes int64, fields int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.n > bytes:
		return wprequest.TooLarge(bytes, "limits.body")
	case b.fields >= fields:
		return wprequest.TooManyParameters(fields)
	}
	return nil
}
