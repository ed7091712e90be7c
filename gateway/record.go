package gateway

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/repeats"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// record holds what is known of a request when it is over, for one log line and one set
// of metrics. It never holds a query, a token, a password or a cookie.
// deploy/docs/logs.md lists the fields of the line.
type record struct {
	start   time.Time
	waited  time.Duration // for WordPress, until the header of its answer
	waiting time.Time     // since when WordPress is waited for; zero: it is not
	class   wprequest.Class
	user    int64
	session string
	outcome string // of a token or login, from a closed list
	failure *respond.Failure
	err     error
	bug     bool // see panic.go
}

// recorder notes what is sent.
type recorder struct {
	pace.Writer // at which the client takes the answer
	status      int
	bytes       int64
	began       time.Time        // when the header of the answer left
	noHints     bool             // the client takes an informational answer for the answer
	arriving    *pace.Body       // of the request; nil: none
	duplex      bool             // the answer may leave before that body has ended
	limit       *attempts.State  // for the rate limit headers of the answer
	setHeaders  func(status int) // called once, before the header of the answer leaves
	copied      *repeats.Copy    // nil: the answer is not one to a password
}

func (w *recorder) WriteHeader(status int) {
	switch {
	case status >= 200, status == http.StatusSwitchingProtocols:
		w.begin(status)
	case w.noHints:
		return
	default: // an informational answer: hints of WordPress before its answer
		upstream.RemoveReserved(w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) begin(status int) {
	if w.status == 0 && status != http.StatusSwitchingProtocols {
		w.copied.Begin(status, w.Header())
		w.setHeaders(status)
		if w.duplex && w.arriving.Unread() {
			w.Header().Set("Connection", "close") // what is left of the body must not be taken for the next request
		}
		w.began = time.Now()
		w.SetDeadline() // an upgraded connection may be silent
	}
	w.status = status
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.begin(http.StatusOK)
	}
	w.copied.Write(b)
	n, err := w.Writer.Write(b)
	w.bytes += int64(n)
	return n, err
}

// FlushError is what http.ResponseController calls to flush.
func (w *recorder) FlushError() error {
	if w.status == 0 {
		w.begin(http.StatusOK)
	}
	return w.Writer.FlushError()
}

// EnableFullDuplex is what http.ResponseController calls.
func (w *recorder) EnableFullDuplex() error {
	w.duplex = true
	return http.NewResponseController(w.ResponseWriter).EnableFullDuplex()
}

// Hijack hands the connection of an upgrade over. httputil.ReverseProxy writes the 101 on it, past WriteHeader.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}

// measureWait measures a wait for WordPress, until the returned function is first
// called.
func (x *exchange) measureWait() (answered func()) {
	x.record.waiting = time.Now()
	return x.endWait
}

func (x *exchange) endWait() {
	if began := x.record.waiting; !began.IsZero() {
		x.record.waited += time.Since(began)
		x.record.waiting = time.Time{}
	}
}

// recordRequest writes the log line and the metrics of a request. The status is 499 for
// a client that left before its answer, as in nginx, and 500 also for an answer that a
// bug cut short. An upgraded connection (101) is recorded when it ends.
func (g *Gateway) recordRequest(x *exchange) {
	g.metrics.InFlight.Dec()
	x.leaveBody()
	if !x.w.began.IsZero() {
		x.w.SetDeadline() // net/http writes the end of the answer after this; the last deadline may be over if WordPress was slow
	}
	over := time.Now()
	status := x.w.status
	if status == 0 {
		status, x.w.began = accesslog.StatusClientLeft, over
	}
	if x.record.bug {
		status = http.StatusInternalServerError
	}
	line := x.line(status, over)
	g.metrics.Observe(line.Route, x.r.Method, status, line.Took, line.Trace)
	line.Describe(x.r.Context())
	if h := g.log.Handler(); h.Enabled(context.Background(), line.Level()) {
		_ = h.Handle(context.Background(), line.Record(over)) // a line that cannot be written is counted by its sink
	}
}

// lingering is how long a client that has its answer may go on sending before its connection is closed.
const lingering = 5 * time.Second

// leaveBody ends the use of the request's body. After a full duplex answer net/http has no other deadline for discarding it.
func (x *exchange) leaveBody() {
	if x.w.duplex {
		x.w.arriving.Abandon(lingering)
		return
	}
	x.w.arriving.Stop()
}

func (x *exchange) line(status int, over time.Time) *accesslog.Line {
	line := &accesslog.Line{
		Request: x.r, Target: x.target, ID: x.id, Trace: accesslog.TraceOf(x.r.Context()), Route: string(x.record.class), Client: x.origin.Client, AppServer: x.appServer,
		Storefront: x.record.class == wprequest.ClassSite && x.record.failure == nil,
		Status:     status, Received: x.w.arriving.Received(), Sent: x.w.bytes,
		Took: over.Sub(x.record.start), Upstream: x.record.waited, Gateway: x.gatewayTime(),
		User: x.record.user, Session: x.record.session, Outcome: x.record.outcome, Cause: x.record.err,
	}
	if x.record.failure != nil {
		line.Code = string(x.record.failure.Code)
	}
	return line
}

// gatewayTime returns the time until the header of the answer left, without the wait for
// WordPress. It includes Redis, and a client that sends its login slowly. It is 0 for an
// upgraded connection.
func (x *exchange) gatewayTime() time.Duration {
	if x.w.began.IsZero() {
		return 0
	}
	return max(0, x.w.began.Sub(x.record.start)-x.record.waited)
}

// metrics counts requests, logins and refusals by limits.
type metrics struct {
	*accesslog.Metrics
	logins *prometheus.CounterVec
	guardMetrics
}

// The outcomes of a login.
const (
	loginAccepted  = "accepted"  // a new session
	loginContinued = "continued" // a valid bearer without credentials
	loginRefused   = "refused"   // WordPress refused it
	loginChallenge = "challenge" // WordPress asks for a second factor
	loginFailed    = "failed"    // WordPress or the store did not answer
)

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	routes := make([]string, 0, len(wprequest.Classes))
	for _, c := range wprequest.Classes {
		routes = append(routes, string(c))
	}
	requests, err := accesslog.NewMetrics(reg, routes)
	if err != nil {
		return nil, err
	}
	guard, err := newGuardMetrics(reg)
	m := &metrics{Metrics: requests, guardMetrics: guard, logins: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cocart_gateway_logins_total",
		Help: "Logins by result: accepted (new session), continued (valid bearer, no credentials), refused (by WordPress), challenge (second factor asked for), failed (WordPress or the store did not answer).",
	}, []string{"result"})}
	for _, result := range []string{loginAccepted, loginContinued, loginRefused, loginChallenge, loginFailed} {
		m.logins.WithLabelValues(result)
	}
	return m, errors.Join(err, reg.Register(m.logins))
}
