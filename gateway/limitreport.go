package gateway

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
)

// limitReports says when the log last named an address whose limit was reached: a
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

// due is true once a minute for each address. Of more than a thousand addresses in
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

// reportLimit logs the address whose limit was reached, and the settings that help
// if it is a server of the operator's own.
func (g *Gateway) reportLimit(x *exchange, e *attempts.Exceeded) {
	setting := limitSetting(x.record.class, e.Scope)
	if setting == "" || !g.limitReports.due(x.origin.Client, g.cfg.Guarding.now()) {
		return
	}
	g.happened(x.r.Context(), x, eventAddressLimit, slog.LevelWarn, "address limit reached",
		slog.String("scope", string(e.Scope)), slog.String("setting", setting), slog.Int("retry_after", e.State.RetryAfter),
		slog.String("remedy", "if this is a server of yours that acts for many customers, list it in trusted_proxies and let it send X-Forwarded-For, or raise the setting"))
}

// limitSetting is the key of a limit that concerns an address or its network; ""
// for other limits.
func limitSetting(c wprequest.Class, scope attempts.Scope) string {
	switch scope {
	case attempts.Address:
		if c == wprequest.ClassRefresh || c == wprequest.ClassValidate {
			return "limits." + string(c)
		}
	case attempts.Subnet, attempts.Network:
	default:
		return ""
	}
	return "limits.login." + string(scope)
}
