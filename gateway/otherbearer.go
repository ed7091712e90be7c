package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// CoCart's reference for v1 and v2 recommends JWT Authentication for WP REST API,
// and there are more such plugins. The gateway cannot judge their tokens. With
// compat.other_bearers: pass WordPress does, as it did without the gateway:
//
//	login     CoCart's answer passes as it is; no session begins by such a token
//	validate  401: only tokens of the gateway are valid there
//	refresh   the header is not looked at
//	other     forwarded as credentials: nothing else than the header logs anybody in
//
// The routes of those plugins where a password buys a token are the storefront's.

// isOtherBearer reports whether a refused bearer is another plugin's, and records
// it. Signed by none of our keys is all that is known of it, so it is no forgery.
func (g *Gateway) isOtherBearer(x *exchange, bearer string, refused error) bool {
	var rejection tokens.Rejection
	if !errors.As(refused, &rejection) {
		return false
	}
	switch rejection {
	case tokens.UnknownKey, tokens.BadSignature, tokens.WrongAlgorithm, tokens.Malformed:
	default:
		return false
	}
	if !migration.OtherBearer(g.authority, bearer) {
		return false
	}
	x.otherBearer = true
	g.reportOtherBearer(x)
	return true
}

// passesOtherBearer reports whether WordPress is to judge this bearer.
func (g *Gateway) passesOtherBearer(x *exchange, bearer string) bool {
	if !g.cfg.PassOtherBearers || bearer == "" {
		return false
	}
	_, err := g.authority.Verify(bearer)
	return err != nil && g.isOtherBearer(x, bearer, err)
}

// byOtherBearer is what WordPress is asked about such a request. Cookies do not
// count in it: the plugin takes them for a login only beside a nonce, so both go.
// A page of another origin could otherwise have a browser add them.
func byOtherBearer(x *exchange, denyGuests bool) upstream.Assertion {
	delete(x.r.Header, "X-Wp-Nonce")
	wprequest.DropLoginCookies(x.r.Header)
	return upstream.Assertion{Kind: upstream.Credentials, DenyGuests: denyGuests}
}

// otherBearerWatch keeps apps that send such tokens with each request from filling
// the log.
type otherBearerWatch struct {
	mu     sync.Mutex
	logged time.Time
}

const otherBearerPeriod = time.Hour

// due reports whether the event is to be logged: once an hour at most.
func (w *otherBearerWatch) due(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.logged.IsZero() && now.Sub(w.logged) < otherBearerPeriod {
		return false
	}
	w.logged = now
	return true
}

func (g *Gateway) reportOtherBearer(x *exchange) {
	if !g.otherBearers.due(g.cfg.Now()) {
		g.metrics.Count(accesslog.OtherBearer)
		return
	}
	result, said := "refused", "an app sends access tokens of another JWT plugin, which are refused; compat.other_bearers: pass lets WordPress judge them"
	if g.cfg.PassOtherBearers {
		result, said = "passed", "an app sends access tokens of another JWT plugin, which WordPress judges (compat.other_bearers)"
	}
	g.happened(context.Background(), x, accesslog.OtherBearer, slog.LevelInfo, said, slog.String("result", result))
}
