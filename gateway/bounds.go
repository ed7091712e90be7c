package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

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
		return methodNotAllowed(wprequest.Methods...)
	}
	if !x.record.class.IsCoCart() {
		return nil
	}
	encoding := strings.TrimSpace(strings.Join(x.r.Header["Content-Encoding"], ","))
	_, query, _ := strings.Cut(x.target, "?")
	switch {
	case !slices.Contains(wprequest.Methods, x.r.Method), x.classification.Method != "" && !slices.Contains(wprequest.Methods, x.classification.Method):
		return methodNotAllowed(wprequest.Methods...)
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		// PHP does not decode a body, but modules in front of it do: two readings.
		return respond.Fail(respond.EncodedBody)
	case strings.Count(query, "&") >= g.cfg.Bounds.Parameters:
		return wprequest.TooManyParameters(g.cfg.Bounds.Parameters)
	case x.r.ContentLength > g.cfg.Bounds.Body:
		return wprequest.TooLarge(g.cfg.Bounds.Body, "limits.body")
	case x.arriving != nil:
		if err := wprequest.CheckContentType(x.r.Header); err != nil {
			return err
		}
	}
	if x.body == nil {
		g.limitBody(x)
	}
	return nil
}

func methodNotAllowed(allowed ...string) *respond.Failure {
	f := respond.Fail(respond.MethodNotAllowed)
	f.Allow = strings.Join(allowed, ", ")
	return f
}

// limitedBody is a request body that ends with an error when it grows too long or
// holds too many form fields. The error is the answer to the request; where the
// transport reads the body, it returns the error wrapped.
type limitedBody struct {
	io.ReadCloser
	separator *wprequest.FieldCounter // nil: not a form
	limit     int

	mu      sync.Mutex       // held while reading, often by the transport
	refused *respond.Failure // what the last Read found wrong
}

// limitBody puts the guard on. A body that never comes costs a goroutine and, once
// forwarded, a connection to PHP. The deadline ends with the body: net/http takes
// it off when it begins to watch for the client leaving.
func (g *Gateway) limitBody(x *exchange) {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	b := g.cfg.Bounds
	x.arriving.Within(pace.Pace{Stall: b.BodyTime, Allowance: b.BodyTime, Rate: max(0, b.UploadRate)})
	x.body = &limitedBody{
		ReadCloser: http.MaxBytesReader(x.w.ResponseWriter, x.r.Body, g.cfg.Bounds.Body),
		separator:  wprequest.NewFieldCounter(x.r.Header.Get("Content-Type")), limit: g.cfg.Bounds.Parameters,
	}
	x.r.Body = x.body
}

func (b *limitedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.read(p)
	errors.As(err, &b.refused)
	return n, err
}

func (b *limitedBody) read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.separator != nil && b.separator.Count(p[:n]) >= b.limit {
		return 0, unreadableRequest(wprequest.TooManyParameters(b.limit))
	}
	if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
		return n, unreadableRequest(wprequest.TooLarge(tooLong.Limit, "limits.body"))
	}
	return n, err
}

// orBody prefers what was wrong with a request's body to its context having ended:
// net/http ends that too when a read runs into its deadline, and the transport may
// see either first.
func (x *exchange) orBody(err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	if x.body != nil {
		x.body.mu.Lock() // a read under way ends with the body's deadline at the latest
		defer x.body.mu.Unlock()
		if x.body.refused != nil {
			return x.body.refused
		}
	}
	if refused := x.arriving.Err(); refused != nil {
		return refused
	}
	return err
}

// pace returns the pace of a body that the storefront reads or writes. It may stand still
// for Stall, and for an eighth more at most.
func (b BoundsConfig) pace(rate int64) pace.Pace {
	p := pace.Pace{Stall: b.Stall, Slack: max(0, b.Stall) / 8}
	if rate <= 0 {
		return p
	}
	if p.Allowance, p.Rate = b.Stall, rate; b.Stall <= 0 {
		p.Allowance, p.Slack = defaultStall, defaultStall/8
	}
	return p
}

// followBody follows the body of a request from its first byte on. net/http discards what a
// handler left unread before the header of an answer leaves, so the time which that may
// take does not count as time of the answer.
func (g *Gateway) followBody(x *exchange) {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	x.arriving = pace.NewBody(x.w.ResponseWriter, x.r, g.cfg.Bounds.pace(g.cfg.Bounds.UploadRate))
	x.w.Pace.First = max(0, g.cfg.Bounds.Stall) + g.cfg.Bounds.BodyTime
	x.r.Body = x.arriving
}
