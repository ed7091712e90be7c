package main

import (
	"context"
	"time"

	"cocart-gateway/deploy/bench/load"
)

const (
	connections = 64
	customers   = 100
)

// bench is what is measured: the programs, and the tokens that requests carry.
type bench struct {
	*programs
	loader  *loader
	time    time.Duration // of one measure in one round
	origin  program
	bare    program
	gateway gateway
	access  []string // of customers with a session
	revoked []string // of customers whose sessions ended
}

func (b *bench) start(ctx context.Context) (err error) {
	if b.loader, err = startLoader(ctx); err != nil {
		return err
	}
	if b.origin, err = b.startOrigin(ctx); err != nil {
		return err
	}
	if b.bare, err = b.startBare(ctx, b.origin); err != nil {
		return err
	}
	if b.gateway, err = b.startGateway(ctx, "gateway", b.origin, ""); err != nil {
		return err
	}
	return b.sessions(ctx)
}

// sessions begins those of two groups of customers, and ends those of the second.
func (b *bench) sessions(ctx context.Context) error {
	for user := 1; user <= 2*customers; user++ {
		p, err := b.gateway.session(ctx, user)
		if err != nil {
			return err
		}
		if user <= customers {
			b.access = append(b.access, p.Access)
			continue
		}
		b.revoked = append(b.revoked, p.Access)
		if err := b.gateway.endAll(ctx, user); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) to(p program, name string, status int, requests ...[]byte) measure {
	return measure{program: p, request: name, plan: load.Plan{Address: p.address, Connections: connections, Time: b.time, Requests: requests, Status: status}}
}

// The kinds of requests.
const (
	customer  = "customer"
	guest     = "guest"
	page      = "page"
	one       = "customer, one connection"
	badToken  = "bad signature"
	oldToken  = "expired"
	ended     = "revoked"
	preflight = "preflight"
	tooMany   = "429"
)

// forwarding are the measures of requests that reach the shop.
func (b *bench) forwarding() []measure {
	shopper := each(cart, b.access)
	all := []measure{
		b.to(b.bare, customer, 200, shopper...), b.to(b.gateway.program, customer, 200, shopper...),
		b.to(b.bare, guest, 200, request("GET", cart, "")), b.to(b.gateway.program, guest, 200, request("GET", cart, "")),
		b.to(b.bare, page, 200, request("GET", "/shop/", "")), b.to(b.gateway.program, page, 200, request("GET", "/shop/", "")),
	}
	for _, p := range []program{b.bare, b.gateway.program} {
		m := b.to(p, one, 200, shopper...)
		m.plan.Connections, m.plan.Time = 1, b.time/2
		all = append(all, m)
	}
	return all
}

// refused are those of requests that the gateway refuses.
func (b *bench) refused() ([]measure, error) {
	old, err := expired(b.access)
	if err != nil {
		return nil, err
	}
	return []measure{
		b.to(b.gateway.program, badToken, 401, each(cart, forged(b.access))...),
		b.to(b.gateway.program, oldToken, 401, each(cart, old)...),
		b.to(b.gateway.program, ended, 401, each(cart, b.revoked)...),
		b.to(b.gateway.program, preflight, 204, request("OPTIONS", cart, "", "Origin: https://app.example.com",
			"Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization")),
		b.to(b.gateway.program, tooMany, 429, request("POST", validate, b.access[0])),
	}, nil
}
