package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"cocart-gateway/upstream"
)

// reportUnlisted says which prefix to add to site.paths, where WordPress refused a
// request for a CoCart route that is below a prefix which the gateway does not
// know. Such a request goes out as one for the site, without an identity, so that
// the plugin refuses what WordPress dispatches (Doorkeeper::admit in
// cocart-gateway.php). It is logged once an hour.
func (g *Gateway) reportUnlisted(ctx context.Context, x *exchange, answer *upstream.Answer) {
	if x.verdict.class != classSite || answer.Status != http.StatusForbidden {
		return
	}
	prefix := g.routes.unlistedPrefix(x.target)
	if prefix == "" {
		return
	}
	if !g.unlisted.due(g.cfg.Now()) {
		g.metrics.events.WithLabelValues(string(eventUnlistedPath)).Inc()
		return
	}
	g.happened(ctx, x, eventUnlistedPath, slog.LevelWarn, "WordPress refused a CoCart request below a path prefix that site.paths does not list; add it there if it is one of the shop's",
		slog.String("prefix", cut(prefix, maxLoggedPath)))
}

// unlistedPrefix is what stands before a REST path of CoCart's, or "".
func (rs routes) unlistedPrefix(target string) string {
	path, _, _ := strings.Cut(target, "?")
	segments := strings.Split(rs.cutHome(strings.Trim(path, "/")), "/")
	for i := 1; i < len(segments) && i <= 3; i++ {
		route, ok := rs.rewrite(strings.Join(segments[i:], "/"))
		plain := !slices.ContainsFunc(segments[:i], func(s string) bool { return !isPlainSegment(s) })
		if ok && plain && rs.ours(route) {
			return "/" + strings.Join(segments[:i], "/")
		}
	}
	return ""
}

func isPlainSegment(s string) bool {
	return s != "" && s[0] != '.' && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-") == ""
}
