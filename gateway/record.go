package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"cocart-gateway/tokens/attempts"
)

// record is what is known of one request when it is over: one log line and one
// set of metrics. It never holds a path's query, a token, a password or a
// cookie.
type record struct {
	start   time.Time
	class   class
	user    int64
	session string
	verdict string // what became of a token or login, from a closed list
	failure *Failure
	err     error
}

// recorder notes what is sent. Unwrap lets http.ResponseController reach Flush
// and Hijack behind it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	limit  *attempts.State // what the answer shall say of limits
	dress  func()          // called once, before the header of the answer leaves
}

func (w *recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols { // 1xx are not the answer
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) begin(status int) {
	if w.status == 0 && status != http.StatusSwitchingProtocols {
		w.dress()
	}
	w.status = status
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.begin(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish writes the record. 499 stands for a client that left before its
// answer, as nginx has it.
func (g *Gateway) finish(x *exchange) {
	g.metrics.inFlight.Dec()
	took := time.Since(x.record.start)
	status := x.w.status
	if status == 0 {
		status = 499
	}
	g.metrics.observe(x.record.class, x.r.Method, status, took)
	g.log.LogAttrs(context.Background(), x.record.level(status), "request", x.attrs(status, took)...)
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

func (x *exchange) attrs(status int, took time.Duration) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("route", string(x.record.class)),
		slog.String("method", methodLabel(x.r.Method)),
		slog.Int("status", status),
		slog.Float64("seconds", took.Seconds()),
		slog.Int64("bytes", x.w.bytes),
		slog.String("client", x.origin.Client.String()),
	}
	if x.record.user != 0 {
		attrs = append(attrs, slog.String("user", strconv.FormatInt(x.record.user, 10)), slog.String("session", x.record.session))
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
