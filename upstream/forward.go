package upstream

import (
	"context"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// Answer is what WordPress said, before the client sees any of it.
type Answer struct {
	Status int
	// Header may be changed; our own headers are already gone from it.
	Header http.Header
	// Ended lists the accounts whose older sessions are over, as the plugin says.
	Ended []Ended
	// Attempt is what became of the password in the request; nil when the plugin
	// does not say.
	Attempt *Attempt
}

// Forwarding is one request on its way to WordPress.
type Forwarding struct {
	Assertion Assertion
	Origin    Origin
	// KeepCredentials lets Authorization through: for Site, Credentials and Login.
	KeepCredentials bool
	// Before sees the answer first. An error drops the answer and is returned by
	// Forward, with nothing written to the client.
	Before func(context.Context, *Answer) error

	sent  sent
	err   error
	start time.Time
	call  string
}

type forwardingKey struct{}

// Forward passes a request to WordPress and its answer to the client: bodies as
// streams, upgrades and trailers included, the target byte for byte as [Target]
// returns it. An error means that nothing was written to rw: [ErrUnavailable],
// [ErrTimeout], the client's own cancellation, or what f.Before returned. An
// answer that breaks off half way aborts the client's connection
// (http.ErrAbortHandler), so that it is never mistaken for a whole one.
func (w *WordPress) Forward(rw http.ResponseWriter, r *http.Request, f *Forwarding) error {
	f.start, f.call = time.Now(), "forward"
	w.proxy.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), forwardingKey{}, f)))
	if f.err != nil && f.call == "forward" {
		w.metrics.observe(f.call, outcome(0, f.err), f.start)
	}
	return f.err
}

// Target is the request target as WordPress will receive it. The gateway judges
// this string and no other.
func Target(r *http.Request) string { return r.URL.RequestURI() }

func forwardingOf(ctx context.Context) *Forwarding {
	return ctx.Value(forwardingKey{}).(*Forwarding)
}

// rewrite runs after ReverseProxy removed the hop-by-hop headers, so nothing a
// client lists in Connection can take away what is added here.
func (w *WordPress) rewrite(pr *httputil.ProxyRequest) {
	f := forwardingOf(pr.In.Context())
	out := pr.Out
	out.URL.Scheme, out.URL.Host = w.origin.Scheme, w.origin.Host
	out.URL.RawQuery = pr.In.URL.RawQuery    // verbatim: PHP reads more than Go can parse
	out.Host = orDefault(pr.In.Host, w.host) // HTTP/1.0 may name none
	w.dress(out, pr.In, f)
}

// dress gives an outgoing request its headers: strip first, then add.
func (w *WordPress) dress(out, in *http.Request, f *Forwarding) {
	dropUnsafe(out.Header)
	if !f.KeepCredentials {
		delete(out.Header, "Authorization")
	}
	setForwarded(out, in, f.Origin)
	f.Assertion.Client, f.Assertion.Proto = f.Origin.Client, f.Origin.Proto
	f.sent = w.send(f.Assertion, out)
	out.Header.Set(assertionHeader, f.sent.assertion)
}

// inspect is ReverseProxy's ModifyResponse.
func (w *WordPress) inspect(resp *http.Response) error {
	f := forwardingOf(resp.Request.Context())
	w.metrics.observe(f.call, outcome(resp.StatusCode, nil), f.start)
	f.call = "answered"
	answer, err := w.answer(resp, f)
	if err != nil {
		return err
	}
	if f.Before != nil {
		return f.Before(resp.Request.Context(), answer)
	}
	return nil
}

// answer takes our own headers off a response.
func (w *WordPress) answer(resp *http.Response, f *Forwarding) (*Answer, error) {
	ended, err := w.parseEnded(resp.Header, f.sent)
	if err != nil {
		return nil, err
	}
	attempt, err := w.parseAttempt(resp.Header, f.sent)
	if err != nil {
		return nil, err
	}
	dropReserved(resp.Header)
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Ended: ended, Attempt: attempt}, nil
}

// keepError is ReverseProxy's ErrorHandler: only package gateway writes errors.
func keepError(_ http.ResponseWriter, r *http.Request, err error) {
	f := forwardingOf(r.Context())
	if f.call == "answered" { // from inspect: already one of ours
		f.err = err
		return
	}
	f.err = classifyError(err)
}

const copyBuffer = 32 << 10

type bufferPool struct{ pool sync.Pool }

// newBufferPool saves a 32 KiB allocation for each body that is copied.
func newBufferPool() httputil.BufferPool {
	return &bufferPool{sync.Pool{New: func() any { return new([copyBuffer]byte) }}}
}

func (p *bufferPool) Get() []byte  { return p.pool.Get().(*[copyBuffer]byte)[:] }
func (p *bufferPool) Put(b []byte) { p.pool.Put((*[copyBuffer]byte)(b)) }
