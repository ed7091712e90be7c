package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/appserver"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// tooManyRequests returns the answer to an [attempts.Exceeded].
func (g *Gateway) tooManyRequests(x *exchange, err error) error {
	var e *attempts.Exceeded
	if !errors.As(err, &e) {
		return err
	}
	return g.limited(x, e)
}

func (g *Gateway) limited(x *exchange, e *attempts.Exceeded) *respond.Failure {
	x.w.limit = &e.State
	g.recordLimit(x, e)
	f := respond.Fail(respond.RateLimited).Because(e)
	f.Message = fmt.Sprintf("Too many requests. Please wait %d seconds before trying again.", e.State.RetryAfter)
	f.RetryAfter = e.State.RetryAfter
	return f
}

// recordLimit records that a limit refuses a request.
func (g *Gateway) recordLimit(x *exchange, e *attempts.Exceeded) {
	x.record.outcome = verdictLimited
	if g.dryRun == nil {
		g.metrics.rateLimited.WithLabelValues(string(x.record.class), string(e.Scope)).Inc()
		g.reportLimit(x, e)
	}
}

// setLimitHeaders sets the headers about a limit, in both spellings that CoCart documents:
// its core has the one, its JWT plugin the other. What WordPress says itself
// stays.
func setLimitHeaders(h http.Header, s *attempts.State) {
	if s == nil {
		return
	}
	for name, value := range map[string]int64{"Limit": int64(s.Limit), "Remaining": int64(s.Remaining), "Reset": ceilUnix(s)} {
		for _, spelling := range []string{"Ratelimit-", "X-Ratelimit-"} {
			if h.Get(spelling+name) == "" {
				h.Set(spelling+name, strconv.FormatInt(value, 10))
			}
		}
	}
}

// identifyAppServer takes the headers of app servers off a request, and makes the customer whose address such a server
// states the client. A wrong key is a refusal and not a request from elsewhere: its sender would otherwise learn only from
// the limits of all its customers together that the key is wrong. Wrong keys of an address are limited, and right ones pass
// nevertheless. A dry run decides on the prediction, and WordPress sees the address as it is.
func (g *Gateway) identifyAppServer(x *exchange) error {
	caller, err := g.appServers.Identify(x.r.Header)
	x.appServer = caller.Name
	switch {
	case errors.Is(err, appserver.ErrKey):
		if limited := g.countWrongKey(x); limited != nil {
			return limited
		}
		return respond.Fail(respond.AppServer).Because(err)
	case err != nil:
		return respond.Fail(respond.BadRequest).WithMessage("The header CoCart-Client-Address must be one IPv4 or IPv6 address of a client, without a port.")
	case caller.Client.IsValid():
		x.origin.Client = caller.Client
	}
	return nil
}

func (g *Gateway) countWrongKey(x *exchange) error {
	if g.cfg.Passwords.Attempts == nil {
		return nil
	}
	state, err := g.cfg.Passwords.Attempts.AllowWrongKey(x.inRedisTime(x.r.Context()), x.origin.Client)
	x.w.limit = state
	if err != nil {
		return g.tooManyRequests(x, err)
	}
	return nil
}

// ceilUnix never says that something is there again when it is not quite.
func ceilUnix(s *attempts.State) int64 {
	unix := s.Reset.Unix()
	if s.Reset.Nanosecond() > 0 {
		unix++
	}
	return unix
}

const (
	verdictLimited   = "limited"
	attemptUndecided = "undecided"
	attemptRepeated  = "repeated"

	attemptUnknown    upstream.AttemptResult = "unknown"
	attemptUnreported upstream.AttemptResult = "unreported"
)

// guardMetrics count passwords and refusals by limits.
type guardMetrics struct {
	rateLimited *prometheus.CounterVec
	attempts    *prometheus.CounterVec
}

func newGuardMetrics(reg prometheus.Registerer) (guardMetrics, error) {
	m := guardMetrics{
		rateLimited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_rate_limited_total",
			Help: "Requests answered with 429, by route class and by the counter that had nothing left (account, account_network, address, subnet, network, overall, second_factor, requests: of an address by limits.requests, session_requests: of a session, app_servers: wrong keys of app servers, browser_links: open links of a session to log a browser in).",
		}, []string{"route", "scope"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_attempts_total",
			Help: "Passwords put to WordPress, by kind (login, credentials on another route of CoCart, site: elsewhere) and result (accepted, refused, unknown: no account has the name, challenge: a second factor was asked for, code_refused: it was wrong, undecided: it was not checked, unreported: the plugin does not say, so it counts as refused, repeated: the same client sent what was refused up to two seconds before, so that it was answered from memory and not counted).",
		}, []string{"kind", "result"}),
	}
	for _, c := range []wprequest.Class{wprequest.ClassLogin, wprequest.ClassCoCart, wprequest.ClassBatch, wprequest.ClassLogout, wprequest.ClassSite} {
		for _, s := range attempts.Scopes() {
			m.rateLimited.WithLabelValues(string(c), string(s))
		}
	}
	m.rateLimited.WithLabelValues(string(wprequest.ClassRefresh), string(attempts.Address))
	m.rateLimited.WithLabelValues(string(wprequest.ClassValidate), string(attempts.Address))
	m.rateLimited.WithLabelValues(string(wprequest.ClassAccount), string(attempts.Address))
	m.rateLimited.WithLabelValues(string(wprequest.ClassAccount), string(attempts.BrowserLinks))
	for _, kind := range []string{kindLogin, kindCredentials, kindSite} {
		for _, r := range []upstream.AttemptResult{upstream.AttemptAccepted, upstream.AttemptRefused, attemptUnknown, attemptUnreported, upstream.AttemptChallenge, upstream.AttemptCodeRefused, attemptUndecided, attemptRepeated} {
			m.attempts.WithLabelValues(kind, string(r))
		}
	}
	return m, errors.Join(reg.Register(m.rateLimited), reg.Register(m.attempts))
}

const (
	kindLogin       = "login"
	kindCredentials = "credentials"
	kindSite        = "site"
)

func attemptKind(x *exchange) string {
	switch x.record.class {
	case wprequest.ClassLogin:
		return kindLogin
	case wprequest.ClassSite:
		return kindSite
	}
	return kindCredentials
}

// limitReports remembers when the log last named an address that reached its limit: a
// server that logs in the customers of a shop would otherwise be refused without
// its operator learning why, and an attacker would fill the log.
type limitReports struct {
	mu   sync.Mutex
	last map[netip.Addr]time.Time
}

const (
	limitReportEvery = time.Minute
	mostLimitReports = 1000
)

// due reports true once a minute for each address. Of more than a thousand addresses in
// a minute the rest is not reported.
func (l *limitReports) due(client netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.last[client]; ok && now.Sub(last) < limitReportEvery {
		return false
	}
	if len(l.last) >= mostLimitReports {
		for other, last := range l.last {
			if now.Sub(last) >= limitReportEvery {
				delete(l.last, other)
			}
		}
	}
	if len(l.last) >= mostLimitReports {
		return false
	}
	if l.last == nil {
		l.last = map[netip.Addr]time.Time{}
	}
	l.last[client] = now
	return true
}

// reportLimit logs the address that reached its limit, and the settings that help
// if it is a server of the operator's own.
func (g *Gateway) reportLimit(x *exchange, e *attempts.Exceeded) {
	class := x.record.class
	if x.session.used { // which carries no password
		class = wprequest.ClassRefresh
	}
	setting := limitSetting(class, e.Scope)
	if setting == "" || !g.limitReports.due(x.origin.Client, g.cfg.Passwords.now()) {
		return
	}
	g.logEvent(x.r.Context(), x, accesslog.AddressLimit, slog.LevelWarn, "address limit reached",
		slog.String("scope", string(e.Scope)), slog.String("setting", setting), slog.Int("retry_after", e.State.RetryAfter),
		slog.String("remedy", "if this is a server of yours that acts for many customers, list it in trusted_proxies and let it send X-Forwarded-For, give it a key in app_servers, or raise the setting"))
}

// limitSetting returns the key of a limit that concerns an address or its network; ""
// for other limits.
func limitSetting(c wprequest.Class, scope attempts.Scope) string {
	switch scope {
	case attempts.Address:
		if c == wprequest.ClassAccount {
			return "limits.validate"
		}
		if c == wprequest.ClassRefresh || c == wprequest.ClassValidate {
			return "limits." + string(c)
		}
	case attempts.AppServers:
		return "app_servers"
	case attempts.Requests:
		return "limits.requests.address"
	case attempts.Subnet, attempts.Network:
	default:
		return ""
	}
	return "limits.login." + string(scope)
}
