package pool

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/http/httpguts"

	"cocart-gateway/upstream/headfilter"
	"cocart-gateway/upstream/http1"
)

// Node is one of the servers that WordPress runs on, with connections of its own.
type Node struct {
	name         string                   // host:port, or the path of a socket
	scheme, host string                   // where requests are addressed to
	plain        *http1.Transport         // to an http origin
	transports   map[Call]*http.Transport // to an https origin
	timeouts     map[Call]time.Duration
	bodyTimeout  time.Duration // of a piece of an upload; not above zero: no limit
	http1        atomic.Bool   // https: what is spoken to it, as far as is known
	inFlight     prometheus.Gauge
	addresses    addresses // that it was connected to at

	// Guarded by pool.mu.
	active, site int       // places taken, and those of them that are the storefront's
	down         bool      // by checks or by what became of requests
	failed       int       // requests in a row, from any to any answer
	refused      int       // checks in a row
	passed       int       // the same, good ones
	silent       bool      // the last dialling ran into its timeout
	unreachable  time.Time // no request dials it before, if all nodes are down
}

// Call is what a request is to WordPress; the label of metrics, and what
// [Timeouts] distinguishes.
type Call string

const (
	LoginCall  Call = "login"
	CoCartCall Call = "cocart"
	SiteCall   Call = "site"
)

func newNodes(cfg Config, m *nodeMetrics, log *slog.Logger) []*Node {
	nodes := make([]*Node, 0, len(cfg.Origins))
	for _, origin := range cfg.Origins {
		n := &Node{name: origin.Host, scheme: origin.Scheme, host: origin.Host}
		if origin.Scheme == "unix" {
			// The name is in no header: Host is the client's, or what Config.Host says.
			n.name, n.scheme, n.host = origin.Path, "http", "localhost"
		}
		n.inFlight = m.inFlight.WithLabelValues(n.name)
		n.timeouts, n.bodyTimeout = cfg.Timeouts, cfg.BodyTimeout
		dropped := func(lines int) { m.malformed.Add(float64(lines)) }
		if n.scheme == "http" {
			n.plain = newPlain(cfg, origin, dialTo(cfg, origin, n.addresses.connected), dropped, func() {
				log.Warn("WordPress sent something after the end of an answer; a plugin may state a wrong length", "node", n.name)
			})
		} else {
			n.transports = newTransports(cfg, dialTo(cfg, origin, n.addresses.connected), func(c tls.ConnectionState) error {
				n.http1.Store(c.NegotiatedProtocol != "h2")
				return nil
			}, dropped)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// dialTo opens connections to an origin and notes where they led.
func dialTo(cfg Config, origin *url.URL, dialled func(net.Addr)) dialing {
	dialer := &net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if origin.Scheme == "unix" {
			return dialer.DialContext(ctx, "unix", origin.Path)
		}
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			dialled(conn.RemoteAddr())
		}
		return conn, err
	}
}

// newPlain is for an http origin. It knows no proxy: HTTP_PROXY in the environment must not reroute customers.
func newPlain(cfg Config, origin *url.URL, dial dialing, dropped func(int), excess func()) *http1.Transport {
	host := origin.Hostname()
	if ascii, err := httpguts.PunycodeHostPort(host); err == nil { // else dialling it says what is wrong
		host = ascii
	}
	address := net.JoinHostPort(host, cmp.Or(origin.Port(), "80"))
	return http1.New(http1.Config{
		Dial:    func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", address) },
		MaxIdle: cfg.IdleConnections, IdleTimeout: cfg.IdleTimeout, MaxHeader: cfg.ResponseHeader, Dropped: dropped, Excess: excess,
		WriteTimeout: cfg.BodyTimeout,
	})
}

// newTransports shares one between calls with the same timeout. net/http has no
// such timeout for a single request, and a context's would count the upload.
func newTransports(cfg Config, dial dialing, connected func(tls.ConnectionState) error, dropped func(int)) map[Call]*http.Transport {
	byTimeout := map[time.Duration]*http.Transport{}
	transports := map[Call]*http.Transport{}
	for c, timeout := range cfg.Timeouts {
		if byTimeout[timeout] == nil {
			byTimeout[timeout] = newTransport(cfg, dial, timeout, dropped)
			byTimeout[timeout].TLSClientConfig.VerifyConnection = connected
		}
		transports[c] = byTimeout[timeout]
	}
	return transports
}

func newTransport(cfg Config, dial dialing, timeout time.Duration, dropped func(int)) *http.Transport {
	t := &http.Transport{
		// No Proxy: HTTP_PROXY in the environment must not reroute customers.
		MaxIdleConns:           cfg.IdleConnections,
		MaxIdleConnsPerHost:    cfg.IdleConnections,
		IdleConnTimeout:        cfg.IdleTimeout,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: cfg.ResponseHeader,
		TLSHandshakeTimeout:    5 * time.Second,
		TLSClientConfig:        cfg.TLS.Clone(),
		ForceAttemptHTTP2:      true, // over TLS, where the server offers it
		// One connection carries many requests there: find out when it died.
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // bodies pass as they are
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,
	}
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.DialTLSContext = secured(t, dial, dropped)
	return t
}

func (n *Node) count(g Group, change int) {
	n.active += change
	if g == Site {
		n.site += change
	}
	n.inFlight.Add(float64(change))
}

// Name is the name of the node in metrics and logs: host:port, or the path of a socket.
func (n *Node) Name() string { return n.name }

// Ask sends a request to the node, whatever its state and without a place. The error is [ErrUnavailable], [ErrTimeout] or
// the context's.
func (n *Node) Ask(req *http.Request, c Call) (*http.Response, error) {
	resp, _, err := n.do(n.addressed(req), c, true, false)
	if err != nil {
		return nil, Classify(err)
	}
	return resp, nil
}

// addressed is the request as it goes to this node.
func (n *Node) addressed(req *http.Request) *http.Request {
	out, to := *req, *req.URL
	to.Scheme, to.Host = n.scheme, n.host
	out.URL = &to
	return &out
}

// once keeps net/http from sending a request a second time by itself where a connection that was used before broke off:
// any GET, though pages do things for parameters, and whatever has an Idempotency-Key, of which WordPress knows nothing.
// It does not do so where there is a body, and HTTP/1 sends nothing of one of no bytes. HTTP/2 would, and needs none: there
// only what the server has not looked at is sent again.
func (n *Node) once(req *http.Request) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, sent := req.Header[name]; sent {
			delete(req.Header, name)
			req.Header[strings.ToLower(name)] = values // the same to a server
		}
	}
	if readsOnly(req.Method) && noBody(req) && n.http1.Load() {
		req.Body, req.TransferEncoding = empty{}, []string{"identity"} // or it would be looked at first, in a goroutine
	}
}

// readsOnly reports whether net/http takes requests with a method for repeatable.
func readsOnly(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// empty is a body of no bytes. WriteTo saves net/http a buffer.
type empty struct{}

func (empty) Read([]byte) (int, error)         { return 0, io.EOF }
func (empty) WriteTo(io.Writer) (int64, error) { return 0, nil }
func (empty) Close() error                     { return nil }

// do sends a request that is addressed to the node. It reports whether there was a
// connection for it: if not, nothing of the request has left. repeatable says that it may be sent again where a connection
// that was used before broke off.
func (n *Node) do(req *http.Request, c Call, repeatable, watch bool) (resp *http.Response, connected bool, err error) {
	if n.plain != nil {
		resp, connected, err = n.plain.Do(req, http1.Call{HeaderTimeout: n.timeouts[c], Replay: repeatable && readsOnly(req.Method)})
		return resp, connected, withoutQuotes(err)
	}
	if !repeatable {
		n.once(req)
	}
	if !watch { // saves an allocation or two where there is no other node to go to
		sent, body := watchUpload(req, n.bodyTimeout)
		// WithClientTrace writes the hooks of the context into the trace, so each request needs one of its own.
		trace := &httptrace.ClientTrace{GotConn: expect, WroteRequest: func(httptrace.WroteRequestInfo) { body.written() }}
		resp, err = n.transports[c].RoundTrip(sent.WithContext(httptrace.WithClientTrace(dialContext(sent), trace)))
		return resp, true, withoutQuotes(body.answered(err))
	}
	held := hold(req)
	sent, body := watchUpload(req, n.bodyTimeout)
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		expect(info)
		connected = true
		held.letGo()
	}, WroteRequest: func(httptrace.WroteRequestInfo) { body.written() }}
	resp, err = n.transports[c].RoundTrip(sent.WithContext(httptrace.WithClientTrace(dialContext(sent), trace)))
	return resp, connected, withoutQuotes(body.answered(err))
}

// expect lets the filter of a connection know that an answer begins.
func expect(info httptrace.GotConnInfo) {
	if filtered, ok := info.Conn.(*headfilter.Conn); ok {
		filtered.Expect()
	}
}

func (n *Node) closeIdle() {
	if n.plain != nil {
		n.plain.CloseIdle()
	}
	for _, t := range n.transports {
		t.CloseIdleConnections()
	}
}
