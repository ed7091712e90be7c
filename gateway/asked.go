package gateway

import (
	"log/slog"
	"strings"
)

// The longest that a log line quotes of what a client chose freely.
const (
	maxLoggedPath  = 200
	maxLoggedHost  = 100
	maxLoggedAgent = 200
)

// asked says what was asked, by whom. Everything a client chose is cut to a
// length; the log's own form escapes control characters.
func (x *exchange) asked() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("request_id", x.id),
		slog.String("route", string(x.record.class)),
		slog.String("method", methodLabel(x.r.Method)),
		slog.String("host", cut(x.r.Host[strings.LastIndexByte(x.r.Host, '@')+1:], maxLoggedHost)),
		slog.String("path", x.loggedPath()),
		slog.String("proto", x.r.Proto),
		slog.String("client", x.origin.Client.String()),
		slog.String("agent", cut(x.r.UserAgent(), maxLoggedAgent)),
	}
	if id := x.clientRequestID(); id != "" {
		attrs = append(attrs, slog.String("client_request_id", id))
	}
	if trace := traceID(x.r.Header); trace != "" {
		attrs = append(attrs, slog.String("trace_id", trace))
	}
	return attrs
}

// loggedPath is the path without its query. On CoCart's routes, and where a
// request was refused, segments that are more than a word stand as {}: among them
// are keys of guests' carts, which open them, and whatever an attacker put there.
func (x *exchange) loggedPath() string {
	path, _, _ := strings.Cut(x.target, "?")
	if x.record.class == classSite && x.record.failure == nil {
		return cut(path, maxLoggedPath)
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if !isWord(s) {
			segments[i] = "{}"
		}
	}
	return cut(strings.Join(segments, "/"), maxLoggedPath)
}

// isWord is true for what routes are made of: cart, add-item, jwt, v2, index.php.
func isWord(s string) bool {
	if len(s) > 1 && len(s) <= 3 && s[0] == 'v' {
		s = strings.TrimRight(s, "0123456789")
	}
	return len(s) <= 24 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-_.") == ""
}

func cut(s string, length int) string {
	if len(s) <= length {
		return s
	}
	return strings.ToValidUTF8(s[:length], "") + "…"
}
