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

	"cocart-gateway/upstream/http1"
	"cocart-gateway/upstream/pool"
)

// Answer is an answer of WordPress before any of it is sent to the client.
type Answer struct {
	Status int
	// Header may be changed; our own headers are already gone from it.
	Header http.Header
	// Ended lists the accounts whose older sessions are over, as the plugin says.
	Ended []Ended
	// Session is one that WordPress begins or keeps with this answer; nil for none.
	Session *Session
	// SessionError says why a header about a session was not believed, where the request goes on without it (kind Site).
	SessionError error
	// Report lists the passwords that WordPress checked; nil when the plugin does
	// not say.
	Report *Report
	// Plugin reports whether the must-use plugin has verified the assertion.
	Plugin bool
	// Refused is why the plugin let no password be checked: the code of its answer,
	// such as cocart_gateway_bad_assertion. It is not signed.
	Refused string

	resp     *http.Response
	readTime time.Duration // for the whole body
}

// Forwarding is one request on its way to WordPress.
type Forwarding struct {
	Assertion Assertion
	Origin    Origin
	// ClientForPlugin, if it is valid, is sent to WordPress as the client's address
	// instead of Origin.Client: the old JWT plugin binds its tokens to it.
	ClientForPlugin netip.Addr
	// KeepCredentials lets Authorization through: for Site, Credentials, Login and Observed.
	KeepCredentials bool
	// Before sees the answer first. An error drops the answer and is returned by
	// Forward, with nothing written to the client.
	Before func(context.Context, *Answer) error
	// Acts reports that the request changes something. It is sent even if its client
	// leaves, provided that all of it has arrived and its body is short.
	Acts bool
	// Own reports that the shop sent the request to itself. It does not wait for pages of
	// the storefront.
	Own bool
	// Repeatable reports that WordPress changes nothing, so that the request may be sent
	// to another node if the first broke off before it answered. A request with a body
	// is never repeated.
	Repeatable bool
	// Readable reports that the answer may begin a session, so its body must be one that [Answer.Body] can decode.
	Readable bool

	rw    http.ResponseWriter
	sent  sent
	resp  *http.Response // its trailers are known at the end of its body
	err   error
	start time.Time
	call  string
	place *pool.Place
}

// readAhead is how many bytes of a request's body are read before it takes a place: a
// client that sends one byte a second must not occupy one. Bodies of customers are
// smaller; a larger body is forwarded as a stream.
const readAhead = 64 << 10

// signedAhead is the same for a request with an identity: its assertion is valid for half a minute after it was signed, and
// a slow body may take longer.
const signedAhead = 1 << 20

func aheadOf(k Kind) int64 {
	if k == Site || k == Observed {
		return readAhead
	}
	return signedAhead
}

// buffered reads the beginning of a body and reports whether that is the whole body.
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
	if out.Body = http1.NewBytes(head); !whole {
		out.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	}
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
//
// A body of HTTP/1 that is forwarded as a stream makes rw full duplex. If it has not ended when its answer begins, the caller
// must end the connection after the answer, with a deadline for what net/http then reads of the body.
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
	if !whole && r.ProtoMajor == 1 {
		// Otherwise net/http reads up to 256 KiB of the body itself before the header of an early answer leaves. WordPress would
		// not get these bytes, the upload would fail for that, and the answer break off.
		_ = http.NewResponseController(rw).EnableFullDuplex() // only a test's writer has none
	}
	f.start, f.call, f.rw = time.Now(), "forward", rw
	w.proxy.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), forwardingKey{}, f)))
	if f.resp != nil && len(f.resp.Trailer) > 0 {
		dropReservedTrailers(rw.Header())
	}
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
	resp, err := t.w.pool.Send(req, c, f.place, f.Repeatable)
	f.sent.clock = t.w.clockOf(f.place.Node())
	return resp, err
}

// mayUpgrade reports whether a request may upgrade its connection: pages of the
// storefront may use WebSockets. Through another protocol,
// HTTP/2 above all, requests would reach the origin that the gateway has not read.
func mayUpgrade(r *http.Request, kind Kind) bool {
	return (kind == Site || kind == Observed) && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Target is the request target as WordPress will receive it. The gateway classifies
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
	if body, whole := pr.In.Body.(*http1.Bytes); whole && out.Body != nil {
		out.Body = body // without the wrapper of ReverseProxy, so that it is sent with the header
	}
	out.Trailer = nil // PHP has none; net/http's client refuses some that its server took, and ours are among the names
	w.setHeaders(out, pr.In, f)
}

// hostFor is the Host that WordPress gets. HTTP/1.0 may name none.
func (w *WordPress) hostFor(in *http.Request) string {
	return cmp.Or(w.fixedHost, in.Host, w.host)
}

// setHeaders removes what the client must not send and then adds the gateway's headers.
func (w *WordPress) setHeaders(out, in *http.Request, f *Forwarding) {
	w.metrics.dropped.Add(float64(dropUnsafe(out.Header, f.Assertion.Kind)))
	if !f.KeepCredentials {
		delete(out.Header, "Authorization")
	}
	if f.Readable {
		limitEncodings(out.Header)
	}
	setForwarded(out, in, f.Origin, cmp.Or(in.Host, w.host))
	f.Assertion.Client, f.Assertion.Proto = cmp.Or(f.ClientForPlugin, f.Origin.Client), f.Origin.Proto
	f.Assertion.Port = f.Origin.Port
	// Where PHP is reached by TLS its own HTTPS says nothing about the client.
	f.Assertion.Assumed = f.Origin.Assumed && out.URL.Scheme != "https"
	f.Assertion.carried = w.headers.addTo(out.Header)
	f.sent = w.seal(f.Assertion, out, w.clockOf(f.place.Node()))
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
		f.place.Leave() // a connection that lasts for hours does not occupy PHP
		if asked := upgradeOf(resp.Request.Header); asked == "" || !strings.EqualFold(upgradeOf(resp.Header), asked) {
			return fmt.Errorf("%w: it switched to a protocol that the request did not ask for", ErrUnavailable)
		}
	}
	answer, err := w.answer(resp, f)
	if err == nil {
		err = readShort(resp)
	}
	if err != nil {
		return err
	}
	if f.Before != nil {
		if err := f.Before(resp.Request.Context(), answer); err != nil {
			return err
		}
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		moveHeader(f.rw.Header(), resp)
	}
	return nil
}

// moveHeader gives the client the header of an answer, without the copies that ReverseProxy would make of it. Only the type of an
// event stream stays: by that ReverseProxy knows to flush each piece of it.
func moveHeader(to http.Header, resp *http.Response) {
	const name = "Content-Type"
	var stays http.Header
	for from, values := range resp.Header {
		switch before, twice := to[from]; {
		case from == name && isEventStream(values):
			stays = http.Header{name: values}
		case twice:
			to[from] = append(before, values...)
		default:
			to[from] = values
		}
	}
	resp.Header = stays
}

func isEventStream(types []string) bool {
	return len(types) > 0 && strings.HasPrefix(strings.ToLower(strings.TrimSpace(types[0])), "text/event-stream")
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
	if resp.StatusCode < 100 { // net/http's client takes it, and its server panics
		return nil, fmt.Errorf("%w: it answered with the status %d", ErrUnavailable, resp.StatusCode)
	}
	ended, err := w.parseEnded(resp.Header, f.sent)
	if err != nil {
		return nil, err
	}
	report, err := w.parseReport(resp.Header, f.sent)
	if err != nil && f.Assertion.Kind != Site { // a page cache in PHP may answer with the headers of another request
		return nil, err
	}
	session, sessionErr := w.parseSession(resp.Header, f.Assertion, f.sent)
	if sessionErr != nil && f.Assertion.Kind != Site {
		return nil, sessionErr
	}
	a := &Answer{
		Status: resp.StatusCode, Header: resp.Header, Ended: ended, Report: report, Session: session, SessionError: sessionErr,
		resp: resp, readTime: w.loginTime,
		Plugin: resp.Header.Get(pluginHeader) != "", Refused: resp.Header.Get(refusedHeader),
	}
	if a.Refused == codeRefusedUs {
		f.sent.clock.refused.Store(true)
	}
	dropReserved(resp.Header)
	dropReserved(resp.Trailer) // the names that were announced
	f.resp = resp
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
