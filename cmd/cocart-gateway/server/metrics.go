package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/prometheus/exporter-toolkit/web"
)

// atLeast is a handler of log lines of one level or above.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled reports whether lines of a level are written.
func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup keeps the level.
func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.Handler.WithGroup(name), h.level}
}

// serveMetrics serves metrics with the TLS and the passwords of metrics.web_config_file. The library reads the file again for
// each connection and request, so a new certificate or password needs no restart. While the file has a mistake, handshakes
// fail and requests get 500.
func (r *running) serveMetrics(all []net.Listener) {
	file := r.Config().Metrics.WebConfig
	for _, l := range all {
		s := r.server(r.Metrics, slog.LevelWarn)
		s.ReadTimeout, s.WriteTimeout = smallExchange, smallExchange
		r.metrics = append(r.metrics, s)
		r.probing.Go(func() {
			// Its lines about each start say less than ours.
			err := web.Serve(l, s, &web.FlagConfig{WebConfigFile: &file}, slog.New(atLeast{r.Log.Handler(), slog.LevelWarn}))
			if err != nil {
				err = fmt.Errorf("serving on metrics.listen: %w", err)
			}
			r.ended(err)
		})
	}
}
