package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/browserlink"
	"cocart-gateway/gateway/grant"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/untrusted"
	"cocart-gateway/upstream"
)

func (g *Gateway) forward(x *exchange, a upstream.Assertion) error {
	if err := g.checkForwarding(x, a); err != nil {
		return err
	}
	if x.cartless != nil {
		if err := g.ignoreCartKeys(x); err != nil {
			return err
		}
	}
	x.guest = a.Kind == upstream.Guest
	if !x.forwardsLoginCookies(a) {
		wprequest.DropLoginCookies(x.r.Header)
	}
	g.dropValidators(x)
	x.record.waiting = time.Now()
	defer x.endWait()
	return g.wordpress.Forward(x.w, x.r, &upstream.Forwarding{
		Assertion: a, Origin: x.origin,
		KeepCredentials: a.Kind == upstream.Site || a.Kind == upstream.Credentials,
		Acts:            x.classification.Acts(x.wire()),
		Own:             g.isShopsOwn(x),
		Repeatable:      x.classification.Repeatable(x.wire()) && !x.movesCart(a),
		Readable:        x.classification.REST && !g.routes.IsProducts(x.classification.Route),
		Before: func(ctx context.Context, answer *upstream.Answer) error {
			x.endWait()
			x.relayed = true
			return g.beforeAnswer(x.inRedisTime(ctx), x, a, answer)
		},
	})
}

// beforeAnswer acts on what WordPress says, before the client reads any of it. An error is sent instead of the answer.
func (g *Gateway) beforeAnswer(ctx context.Context, x *exchange, a upstream.Assertion, answer *upstream.Answer) error {
	g.reportUnlisted(ctx, x, answer)
	var granted *grant.Grant
	if grant.Speaks(answer) {
		granted = g.grants.Of(g.grantRequest(x, a), answer)
	}
	granted.Keep(ctx) // before its earlier fingerprint ends
	if err := g.applySessionEnds(ctx, x, a, answer); err != nil {
		return err
	}
	if err := g.settleForwarded(ctx, x, answer); err != nil {
		return err
	}
	if a.Kind == upstream.Browser {
		return browserlink.Judge(answer)
	}
	if x.confirmed != nil && answer.Status == http.StatusOK {
		if err := x.confirmed(ctx); err != nil {
			return err
		}
	}
	if err := x.withholdLogout(answer); err != nil {
		return err
	}
	return granted.Deliver(ctx)
}

// grantRequest is a forwarded request as package grant sees it.
func (g *Gateway) grantRequest(x *exchange, a upstream.Assertion) grant.Request {
	return grant.Request{
		Authority: g.authority, Attempts: g.cfg.Passwords.Attempts, Assertion: a, Client: x.client(), Address: x.origin.Client,
		Wrapped: x.classification.Class == wprequest.ClassBatch || wprequest.RefuseWrapping(x.classification.Query) != nil,
		Log: func(ctx context.Context, e accesslog.Event, level slog.Level, message string, attrs ...slog.Attr) {
			g.logEvent(ctx, x, e, level, message, attrs...)
		},
		Limited: func(e *attempts.Exceeded) *respond.Failure { return g.limited(x, e) },
		Put: func(text []byte, pair tokens.Pair) ([]byte, error) {
			return g.putTokens(x, text, pair)
		},
		Given: func(userID int64, session string) {
			x.granted, x.record.user, x.record.session = true, userID, session
		},
	}
}

// applySessionEnds acts on WordPress's word that sessions of some accounts are over. When
// the one asserted is among them and WordPress refused the request for it, the
// error is the gateway's own refusal, to be sent instead. Should Redis be away
// the refusal stands: WordPress refuses that fingerprint each time, and each
// time says so.
func (g *Gateway) applySessionEnds(ctx context.Context, x *exchange, a upstream.Assertion, answer *upstream.Answer) error {
	refused := false
	for _, e := range answer.Ended {
		n, err := g.authority.EndUser(ctx, e.UserID, e.Fingerprint, tokens.CauseAccount)
		if err != nil {
			g.logEvent(ctx, x, accesslog.SessionsNotEnded, slog.LevelError, "ending the sessions of a changed account failed",
				slog.Int64("account_user", e.UserID), slog.String("cause", err.Error()))
		} else {
			g.logEvent(ctx, x, accesslog.SessionsEnded, slog.LevelInfo, "account changed, sessions ended",
				slog.Int64("account_user", e.UserID), slog.String("reason", e.Reason), slog.Int("sessions", n))
		}
		if e.UserID == a.UserID && e.Fingerprint == endedBy(a) {
			refused = answer.Status == http.StatusUnauthorized
		}
	}
	if refused {
		return g.refusedToken(tokens.Revoked)
	}
	return nil
}

// viaProxy are headers of a request that came by way of a proxy.
var viaProxy = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via", "True-Client-Ip", "Cf-Connecting-Ip"}

// isShopsOwn reports whether the shop sent a request to itself: from an address of its own, and either to act outside of CoCart's
// routes, where a server that renders pages for customers may be on the same machine, or with the User-Agent of WordPress
// (WP_Http::request). It decides nothing but where the request waits.
//
// Attack: where a proxy on this machine is not listed in trusted_proxies, every visitor comes from 127.0.0.1, and a flood
// of visitors would go before everything else. Prevention: a request that came by way of a proxy is not the shop's own
// unless a trusted proxy says where it comes from.
func (g *Gateway) isShopsOwn(x *exchange) bool {
	if (x.classification.Class.IsCoCart() || !x.classification.Acts(x.wire())) && !strings.HasPrefix(x.r.UserAgent(), "WordPress/") {
		return false
	}
	if x.appServer != "" {
		return false
	}
	if !x.origin.Trusted {
		for _, name := range viaProxy {
			if len(x.r.Header[name]) > 0 {
				return false
			}
		}
	}
	return x.origin.Client.IsValid() &&
		(slices.ContainsFunc(g.cfg.OwnAddresses, func(p netip.Prefix) bool { return p.Contains(x.origin.Client) }) ||
			g.wordpress.At(x.origin.Client))
}

// reportUnlisted says which prefix to add to site.paths, where WordPress refused a
// request for a CoCart route that is below a prefix which the gateway does not
// know. Such a request goes out as one for the site, without an identity, so that
// the plugin refuses what WordPress dispatches (Request_Guard::check_route in
// cocart-gateway.php). It is logged once an hour.
func (g *Gateway) reportUnlisted(ctx context.Context, x *exchange, answer *upstream.Answer) {
	if x.classification.Class != wprequest.ClassSite || answer.Status != http.StatusForbidden {
		return
	}
	prefix := g.routes.UnlistedPrefix(x.target)
	if prefix == "" {
		return
	}
	if !g.unlisted.Allow(g.cfg.Now()) {
		g.metrics.Count(accesslog.UnlistedPath)
		return
	}
	g.logEvent(ctx, x, accesslog.UnlistedPath, slog.LevelWarn, "WordPress refused a CoCart request below a path prefix that site.paths does not list; add it there if it is one of the shop's",
		slog.String("prefix", untrusted.Shorten(prefix, accesslog.MaxPath)))
}
