package gateway

import (
	"context"
	"log/slog"
	"net/http"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/upstream"
)

// reportUnlisted says which prefix to add to site.paths, where WordPress refused a
// request for a CoCart route that is below a prefix which the gateway does not
// know. Such a request goes out as one for the site, without an identity, so that
// the plugin refuses what WordPress dispatches (Doorkeeper::admit in
// cocart-gateway.php). It is logged once an hour.
func (g *Gateway) reportUnlisted(ctx context.Context, x *exchange, answer *upstream.Answer) {
	if x.verdict.Class != wprequest.ClassSite || answer.Status != http.StatusForbidden {
		return
	}
	prefix := g.routes.UnlistedPrefix(x.target)
	if prefix == "" {
		return
	}
	if !g.unlisted.due(g.cfg.Now()) {
		g.metrics.Count(accesslog.UnlistedPath)
		return
	}
	g.happened(ctx, x, eventUnlistedPath, slog.LevelWarn, "WordPress refused a CoCart request below a path prefix that site.paths does not list; add it there if it is one of the shop's",
		slog.String("prefix", accesslog.Shorten(prefix, accesslog.MaxPath)))
}
