// Package accesslog defines what the log and the metrics say about requests: one line and one set of metrics for each, and
// the security events. It never records a query, a token, a password or a cookie. deploy/docs/logs.md lists every
// field and event.
//
//	line.go       the line of one request; span.go its span in a trace
//	requestid.go  the ids of a request: the gateway's, the client's, and the one of a trace
//	event.go      the security events
//	metrics.go    requests, their duration, requests in flight, events
package accesslog

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/tokens/untrusted"
)

// The longest quotation, in bytes, of what a client chose freely.
const (
	MaxPath  = 200
	MaxHost  = 100
	MaxAgent = 200
)

// StatusClientLeft stands for a client that left before its answer, as in nginx.
const StatusClientLeft = 499

// Line is what the log says about one request when it is over.
type Line struct {
	Request *http.Request
	Target  string // as WordPress received it
	ID      string
	Route   string
	Client  netip.Addr
	// Trace is the id of the trace that the request is recorded in; "": that of the client's traceparent, if it has one.
	Trace string
	// AppServer is the name of the app server that sent the request for the client; "" for none.
	AppServer string
	// Storefront marks a request of the storefront that WordPress answered. The storefront has its own access log, so the
	// line has level debug, and its path is complete.
	Storefront bool

	Status            int
	Received, Sent    int64 // bytes of the bodies
	Took              time.Duration
	Upstream, Gateway time.Duration // waiting for WordPress; spent in the gateway

	User             int64
	Session, Outcome string
	Code             string // of a refusal
	Cause            error
}

// Level returns the level of the line.
func (l *Line) Level() slog.Level {
	switch {
	case l.Status >= http.StatusInternalServerError:
		return slog.LevelError
	case l.Storefront:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// Record returns the line as a record of the time at which the request was over. It holds no program counter: slog.Logger
// records a call stack for each line, which costs microseconds and is printed by no format of ours. The log's own form
// escapes control characters in the attributes.
func (l *Line) Record(at time.Time) slog.Record {
	r := slog.NewRecord(at, l.Level(), "request", 0)
	var room [mostAttrs]slog.Attr // on the stack
	r.AddAttrs(l.attrs(room[:0])...)
	return r
}

// mostAttrs is how many attributes a line has at most.
const mostAttrs = 22

func (l *Line) attrs(attrs []slog.Attr) []slog.Attr {
	attrs = append(l.request(attrs),
		slog.Int("status", l.Status),
		slog.Int64("bytes_in", l.Received),
		slog.Int64("bytes_out", l.Sent),
		slog.Float64("seconds", l.Took.Seconds()),
		slog.Float64("upstream_seconds", l.Upstream.Seconds()),
		slog.Float64("gateway_seconds", l.Gateway.Seconds()),
	)
	if l.User != 0 {
		attrs = append(attrs, slog.String("user", strconv.FormatInt(l.User, 10)), slog.String("session", l.Session))
	}
	if l.Outcome != "" {
		attrs = append(attrs, slog.String("verdict", l.Outcome))
	}
	if l.Code != "" {
		attrs = append(attrs, slog.String("code", l.Code))
	}
	if l.Cause != nil {
		attrs = append(attrs, causeAttr(l.Cause))
	}
	return attrs
}

func (l *Line) request(attrs []slog.Attr) []slog.Attr {
	r := l.Request
	attrs = append(attrs,
		slog.String("request_id", l.ID),
		slog.String("route", l.Route),
		slog.String("method", MethodLabel(r.Method)),
		slog.String("host", untrusted.Shorten(r.Host[strings.LastIndexByte(r.Host, '@')+1:], MaxHost)),
		slog.String("path", l.path()),
		slog.String("proto", r.Proto),
		slog.String("client", l.Client.String()),
		slog.String("agent", untrusted.Shorten(r.UserAgent(), MaxAgent)),
	)
	if l.AppServer != "" {
		attrs = append(attrs, slog.String("app_server", l.AppServer))
	}
	if id := clientID(r.Header, l.ID); id != "" {
		attrs = append(attrs, slog.String("client_request_id", id))
	}
	if trace := cmp.Or(l.Trace, traceID(r.Header)); trace != "" {
		attrs = append(attrs, slog.String("trace_id", trace))
	}
	return attrs
}

// UserAttrs returns the attributes of a customer; none for user 0.
func UserAttrs(user int64, session string) []slog.Attr {
	if user == 0 {
		return nil
	}
	return []slog.Attr{slog.String("user", strconv.FormatInt(user, 10)), slog.String("session", session)}
}

// CauseAttrs returns the attribute of an error; none for nil.
func CauseAttrs(cause error) []slog.Attr {
	if cause == nil {
		return nil
	}
	return []slog.Attr{causeAttr(cause)}
}

func causeAttr(cause error) slog.Attr { return slog.String("cause", cause.Error()) }

// path returns the path without its query. On CoCart's routes, and where a request was refused, {} stands for each segment
// that is more than a word: some are the keys of guests' carts, which open them, and some are what an attacker wrote.
func (l *Line) path() string {
	if l.Storefront {
		path, _, _ := strings.Cut(l.Target, "?")
		return untrusted.Shorten(path, MaxPath)
	}
	return l.words()
}

// words returns the path without its query and with {} for each segment that is more than a word.
func (l *Line) words() string {
	path, _, _ := strings.Cut(l.Target, "?")
	return untrusted.Shorten(hideIDs(path), MaxPath)
}

// hideIDs writes {} for each segment that is more than a word.
func hideIDs(path string) string {
	words := true
	for s := range strings.SplitSeq(path, "/") {
		words = words && isWord(s)
	}
	if words { // nearly all are
		return path
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if !isWord(s) {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// isWord reports whether a segment is one of those that routes consist of: cart, add-item, jwt, v2, index.php.
func isWord(s string) bool {
	if len(s) > 1 && len(s) <= 3 && s[0] == 'v' {
		s = strings.TrimRight(s, "0123456789")
	}
	return len(s) <= 24 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-_.") == ""
}
