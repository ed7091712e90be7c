package main

import (
	"context"
	"net/http"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/tracing"
	"cocart-gateway/gateway/forwarded"
)

// newTracing returns nil where tracing.endpoint is empty.
func newTracing(p *program) (*tracing.Tracing, error) {
	c := p.cfg.Tracing
	return tracing.Open(context.Background(), tracing.Config{
		Endpoint: c.Endpoint, Percent: c.Percent, Continues: p.continuesTrace, Version: version, Now: now, Log: p.log,
	})
}

// continuesTrace reports whether a traceparent counts (tracing.parents).
func (p *program) continuesTrace(r *http.Request) bool {
	switch p.cfg.Tracing.Parents {
	case config.ParentsAny:
		return true
	case config.ParentsNone:
		return false
	}
	return forwarded.Proxies{Trusted: p.inForce().TrustedProxies}.Origin(r).Trusted
}
