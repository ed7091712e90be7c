package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"cocart-gateway/gateway/pace"
	"cocart-gateway/tokens/attempts"
)

// record is what is known of one request when it is over: one log line and one
// set of metrics. It never holds a path's query, a token, a password or a
// cookie. LOGS.md lists what the line says.
type record struct {
	start   time.Time
	waited  time.Duration // for WordPress, until the header of its answer
	class   class
	user    int64
	session string
	verdict string // what became of a token or login, from a closed list
	failure *Failure
	err     error
	bug     bool // see rescue.go
}

// recorder notes what is sent. Unwrap lets http.ResponseController reach Flush
// and Hijack behind it.
type recorder struct {
	http.ResponseWriter
	status     int
	bytes      int64
	began      time.Time        // when the header of the answer left
	limit      *attempts.State  // what the answer shall say of limits
	setHeaders func(status int) // called once, before the header of the answer leaves
	taken      pace.Pace        // at which the client takes the answer; see moving.go
}

func (w *recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols { // 1xx are not the answer
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) begin(status int) {
	if w.status == 0 && status != http.StatusSwitchingProtocols {
		w.setHeaders(status)
		w.began = time.Now()
		w.hurry() // an upgraded connection may be silent
	}
	w.status = status
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.begin(http.StatusOK)
	}
	n, err := w.sending(func() (int, error) { return w.ResponseWriter.Write(b) })
	w.bytes += int64(n)
	return n, err
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// awaiting measures a wait for WordPress, until the returned function is first
// called.
func (x *exchange) awaiting() (answered func()) {
	start := time.Now()
	return sync.OnceFunc(func() { x.record.waited += time.Since(start) })
}

// finish writes the record. 499 stands for a client that left before its
// answer, as nginx has it; 500 also for an answer that a bug cut short.
func (g *Gateway) finish(x *exchange) {
	g.metrics.inFlight.Dec()
	x.arriving.rest()
	if !x.w.began.IsZero() {
		x.w.hurry() // net/http writes the end of the answer after this; the last deadline may be over if WordPress was slow
	}
	over := time.Now()
	status := x.w.status
	if status == 0 {
		status, x.w.began = 499, over
	}
	if x.record.bug {
		status = http.StatusInternalServerError
	}
	g.metrics.observe(x.record.class, x.r.Method, status, over.Sub(x.record.start))
	if level := x.record.level(status); g.log.Enabled(context.Background(), level) {
		g.log.LogAttrs(context.Background(), level, "request", x.attrs(status, over)...)
	}
}

func (rec *record) level(status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelError
	case rec.class == classSite && rec.failure == nil:
		return slog.LevelDebug // the storefront has its own access log
	default:
		return slog.LevelInfo
	}
}

func (x *exchange) attrs(status int, over time.Time) []slog.Attr {
	attrs := x.asked()
	attrs = append(attrs,
		slog.Int("status", status),
		slog.Int64("bytes_in", x.received.Load()),
		slog.Int64("bytes_out", x.w.bytes),
		slog.Float64("seconds", over.Sub(x.record.start).Seconds()),
		slog.Float64("upstream_seconds", x.record.waited.Seconds()),
		slog.Float64("gateway_seconds", x.ownShare().Seconds()),
	)
	if x.record.user != 0 {
		attrs = append(attrs, userAttrs(x.record)...)
	}
	if x.record.verdict != "" {
		attrs = append(attrs, slog.String("verdict", x.record.verdict))
	}
	if x.record.failure != nil {
		attrs = append(attrs, slog.String("code", x.record.failure.Code))
	}
	if x.record.err != nil {
		attrs = append(attrs, slog.String("cause", x.record.err.Error()))
	}
	return attrs
}

// ownShare is what the gateway took itself, Redis and a client that is slow to
// send its login included, until the header of the answer left. An upgraded
// connection never said when.
func (x *exchange) ownShare() time.Duration {
	if x.w.began.IsZero() {
		return 0
	}
	return max(0, x.w.began.Sub(x.record.start)-x.record.waited)
}

func userAttrs(rec *record) []slog.Attr {
	return []slog.Attr{slog.String("user", strconv.FormatInt(rec.user, 10)), slog.String("session", rec.session)}
}
