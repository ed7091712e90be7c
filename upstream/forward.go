package upstream

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"cocart-gateway/upstream/pool"
)

// Answer is what WordPress said, before the client sees any of it.
type Answer struct {
	Status int
	// Header may be changed; our own headers are already gone from it.
	Header http.Header
	// Ended lists the accounts whose older sessions are over, as the plugin says.
	Ended []Ended
	// Report lists the passwords that WordPress checked; nil when the plugin does
	// not say.
	Report *Report
	// Plugin: the must-use plugin has verified the assertion.
	Plugin bool
	// Refused is why the plugin let no password be checked: the code of its answer,
	// such as cocart_gateway_bad_assertion. It is not signed.
	Refused string
}

// Forwarding is one request on its way to WordPress.
type Forwarding struct {
	Assertion Assertion
	Origin    Origin
	// Told, if it is valid, is the address that WordPress takes for the client's
	// instead of Origin.Client: in requests of which the old JWT plugin thinks.
	Told netip.Addr
	// KeepCredentials lets Authorization through: for Site, Credentials, Login and Observed.
	KeepCredentials bool
	// Before sees the answer first. An error drops the answer and is returned by
	// Forward, with nothing written to the client.
	Before func(context.Context, *Answer) error
	// Acts: the request changes something. It is sent also if its client leaves,
	// once all of it has arrived and if its body is short.
	Acts bool
	// Own: the shop sent it to itself. It waits behind no page of the storefront.
	Own bool
	// Repeatable: WordPress changes nothing, so that the request may be put to
	// another node when one broke off before it answered. A body overrules this.
	Repeatable bool

	sent  sent
	err   error
	start time.Time
	call  string
	place *pool.Place
}

// readAhead is how much of a request's body is in memory before it takes a place:
// places must not be had for sending one byte a second. Bodies of shoppers are
// smaller; what is larger goes on as a stream.
const readAhead = 64 << 10

// signedAhead is the same for a request with an identity: what tells WordPress whose it is is good for half a minute from
// when it was signed, and a body that is slow but keeps its rate may take longer.
const signedAhead = 1 << 20

func aheadOf(k Kind) int64 {
	if k == Site || k == Observed {
		return readAhead
	}
	return signedAhead
}

// buffered reports also whether that is the whole body.
func buffered(r *http.Request, ahead int64) (_ *http.Request, whole bool, err error) {
	if !hasBody(r) {
		return r, true, nil
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, ahead))
	if err != nil {
		return nil, false, err
	}
	whole = int64(len(head)) < ahead || int64(len(head)) == r.ContentLength
	out := *r
	out.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	return &out, whole, nil
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

type forwardingKey struct{}

// Forward passes a request to WordPress and its answer to the client: bodies as
// streams, WebSockets and the answer's trailers included, the target byte for byte
// as [Target] returns it. An error means that nothing was written to rw: [ErrBusy],
// [ErrUnavailable], [ErrTimeout], the client's own cancellation, or what f.Before
// returned. An answer that breaks off half way aborts the client's connection
// (http.ErrAbortHandler), so that it is never mistaken for a whole one.
//
// The request holds a place at a node until the body of its answer ended, or the
// connection was upgraded.
func (w *WordPress) Forward(rw http.ResponseWriter, r *http.Request, f *Forwarding) (err error) {
	if !mayUpgrade(r, f.Assertion.Kind) {
		delete(r.Header, "Upgrade")
	}
	whole := !hasBody(r)
	if ahead := aheadOf(f.Assertion.Kind); w.pool.Bounded() || f.Acts && r.ContentLength <= ahead {
		if r, whole, err = buffered(r, ahead); err != nil {
			return err
		}
	}
	c := pool.Claim{Group: groupOf(f)}
	if f.Acts && whole {
		ctx, departure, end := w.pool.Outlive(r.Context(), c.Group)
		defer end()
		r, c.Departure = r.WithContext(ctx), departure
	}
	if f.place, err = w.pool.Take(r.Context(), c); err != nil {
		return err
	}
	defer f.place.Leave() // also when ReverseProxy aborts a broken answer by panicking
	f.start, f.call = time.Now(), "forward"
	w.proxy.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), forwardingKey{}, f)))
	if f.err != nil && f.call == "forward" {
		w.metrics.observe(f.call, outcome(0, f.err), f.start)
	}
	return f.err
}

// groupOf is the queue of a request.
func groupOf(f *Forwarding) pool.Group {
	switch {
	case f.Own:
		return pool.Own
	case f.Assertion.Kind == Site:
		return pool.Site
	}
	return pool.CoCart
}

// forwarder is the transport of the reverse proxy.
type forwarder struct{ w *WordPress }

// RoundTrip implements [http.RoundTripper].
func (t forwarder) RoundTrip(req *http.Request) (*http.Response, error) {
	f := forwardingOf(req.Context())
	c := pool.CoCartCall
	if f.Assertion.Kind == Site {
		c = pool.SiteCall
	}
	return t.w.pool.Send(req, c, f.place, f.Repeatable)
}

// mayUpgrade: the storefront's pages may have WebSockets. Through another protocol,
// HTTP/2 above all, requests would reach the origin that nobody here has read.
func mayUpgrade(r *http.Request, kind Kind) bool {
	return (kind == Site || kind == Observed) && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
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
	f.place.Address(out.URL)
	out.URL.RawQuery = pr.In.URL.RawQuery // verbatim: PHP reads more than Go can parse
	out.Host = w.hostFor(pr.In)
	out.Trailer = nil // PHP has none; net/http's client refuses some that its server took, and ours are among the names
	w.dress(out, pr.In, f)
}

// hostFor is the Host that WordPress gets. HTTP/1.0 may name none.
func (w *WordPress) hostFor(in *http.Request) string {
	return cmp.Or(w.fixedHost, in.Host, w.host)
}

// dress gives an outgoing request its headers: strip first, then add.
func (w *WordPress) dress(out, in *http.Request, f *Forwarding) {
	w.metrics.dropped.Add(float64(dropUnsafe(out.Header, f.Assertion.Kind)))
	if !f.KeepCredentials {
		delete(out.Header, "Authorization")
	}
	setForwarded(out, in, f.Origin, cmp.Or(in.Host, w.host))
	f.Assertion.Client, f.Assertion.Proto = cmp.Or(f.Told, f.Origin.Client), f.Origin.Proto
	f.Assertion.Port = f.Origin.Port
	// Where PHP is reached by TLS its own HTTPS says nothing about the client.
	f.Assertion.Assumed = f.Origin.Assumed && out.URL.Scheme != "https"
	f.Assertion.carried = w.headers.addTo(out.Header)
	f.sent = w.seal(f.Assertion, out)
	name := assertionHeader
	if f.Assertion.Kind == Observed {
		name = observedHeader
	}
	out.Header.Set(name, f.sent.assertion)
}

// inspect is ReverseProxy's ModifyResponse.
func (w *WordPress) inspect(resp *http.Response) error {
	f := forwardingOf(resp.Request.Context())
	w.metrics.observe(f.call, outcome(resp.StatusCode, nil), f.start)
	f.call = "answered"
	if resp.StatusCode == http.StatusSwitchingProtocols {
		f.place.Leave() // who talks for hours is no load on PHP
		if !strings.EqualFold(upgradeOf(resp.Header), upgradeOf(resp.Request.Header)) {
			return fmt.Errorf("%w: it switched to a protocol that nobody asked for", ErrUnavailable)
		}
	}
	answer, err := w.answer(resp, f)
	if err != nil {
		return err
	}
	if f.Before != nil {
		return f.Before(resp.Request.Context(), answer)
	}
	return nil
}

// upgradeOf is the protocol that a request asks for, or that an answer switches to.
func upgradeOf(h http.Header) string {
	if !httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade") {
		return ""
	}
	return h.Get("Upgrade")
}

// answer takes our own headers off a response.
func (w *WordPress) answer(resp *http.Response, f *Forwarding) (*Answer, error) {
	ended, err := w.parseEnded(resp.Header, f.sent)
	if err != nil {
		return nil, err
	}
	report, err := w.parseReport(resp.Header, f.sent)
	if err != nil && f.Assertion.Kind != Site { // a page cache in PHP may answer with the headers of another request
		return nil, err
	}
	a := &Answer{
		Status: resp.StatusCode, Header: resp.Header, Ended: ended, Report: report,
		Plugin: resp.Header.Get(pluginHeader) != "", Refused: resp.Header.Get(refusedHeader),
	}
	dropReserved(resp.Header)
	return a, nil
}

// keepError is ReverseProxy's ErrorHandler: only package gateway writes errors.
func keepError(_ http.ResponseWriter, r *http.Request, err error) {
	f := forwardingOf(r.Context())
	if f.call == "answered" { // from inspect: already one of ours
		f.err = err
		return
	}
	f.err = err
	if !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrBusy) {
		f.err = pool.Classify(err) // of ReverseProxy's own
	}
}

const copyBuffer = 32 << 10

type bufferPool struct{ pool sync.Pool }

// newBufferPool saves a 32 KiB allocation for each body that is copied.
func newBufferPool() httputil.BufferPool {
	return &bufferPool{sync.Pool{New: func() any { return new([copyBuffer]byte) }}}
}

func (p *bufferPool) Get() []byte  { return p.pool.Get().(*[copyBuffer]byte)[:] }
func (p *bufferPool) Put(b []byte) { p.pool.Put((*[copyBuffer]byte)(b)) }
