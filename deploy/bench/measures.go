package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
	loader      *loader
	time        time.Duration // of one measure in one round
	least       int           // requests of one measure in one round
	caddyBinary string        // "": none
	algorithms  []algorithm
	origin      program
	bare        program
	peers       []program
	gateway     gateway // in front of the origin
	logins      gateway // in front of a WordPress that lets everyone log in
	counted     gateway // the same, with its round trips to Redis counted
	counter     *counter
	encrypted   *encrypted
	access      []string // of customers with a session
	revoked     []string // of customers whose sessions ended
}

func (b *bench) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{b.startFirst, b.startGateways, b.startPeers, b.startEncrypted, b.sessions} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) startFirst(ctx context.Context) (err error) {
	if b.loader, err = startLoader(ctx); err != nil {
		return err
	}
	if b.origin, err = b.startOrigin(ctx); err != nil {
		return err
	}
	b.bare, err = b.startBare(ctx, "bare", b.origin)
	return err
}

func (b *bench) startGateways(ctx context.Context) (err error) {
	if b.algorithms, err = b.makeAlgorithms(); err != nil {
		return err
	}
	if b.gateway, err = b.startGateway(ctx, "gateway", b.origin, gatewayOptions{keys: keysOf(b.algorithms)}); err != nil {
		return err
	}
	wordpress, err := b.startWordPress(ctx)
	if err != nil {
		return err
	}
	if b.logins, err = b.startGateway(ctx, "gateway-logins", wordpress, gatewayOptions{}); err != nil {
		return err
	}
	redis, err := b.startRedis(ctx, "counted-redis")
	if err != nil {
		return err
	}
	var through string
	if b.counter, through, err = startCounter(ctx, redis.address); err != nil {
		return err
	}
	b.counted, err = b.startGateway(ctx, "gateway-counted", wordpress, gatewayOptions{redis: through})
	return err
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
	return measure{program: p, request: name,
		order: order{Plan: load.Plan{Address: p.address, Connections: connections, Time: b.time, Least: b.least, Requests: requests, Status: status}}}
}

// The kinds of requests.
const (
	customer  = "customer"
	firstSeen = "customer, token not seen before"
	guest     = "guest"
	page      = "page"
	one       = "customer, one connection"
	badToken  = "bad signature"
	oldToken  = "expired"
	ended     = "revoked"
	preflight = "preflight"
	tooMany   = "429"
	renewal   = "refresh"
	entry     = "login"
	http2     = "customer, HTTP/2 and TLS"
)

// all are the measures of a round, in their order.
func (b *bench) all(ctx context.Context) ([]measure, error) {
	measures := b.forwarding()
	for _, part := range []func(context.Context) ([]measure, error){b.otherTokens, b.refused, b.storing} {
		more, err := part(ctx)
		if err != nil {
			return nil, err
		}
		measures = append(measures, more...)
	}
	return append(measures, b.overTLS()...), nil
}

// forwarding are the measures of requests that reach the shop.
func (b *bench) forwarding() []measure {
	shopper := each(cart, b.access)
	all := []measure{b.to(b.bare, customer, 200, shopper...), b.to(b.gateway.program, customer, 200, shopper...)}
	for _, p := range b.peers {
		all = append(all, b.to(p, customer, 200, shopper...))
	}
	for _, p := range []program{b.bare, b.gateway.program} {
		all = append(all, b.to(p, guest, 200, request("GET", cart, "")))
	}
	for _, p := range []program{b.bare, b.gateway.program} {
		all = append(all, b.to(p, page, 200, request("GET", "/shop/", "")))
	}
	for _, p := range []program{b.bare, b.gateway.program} {
		m := b.to(p, one, 200, shopper...)
		m.Connections, m.Time = 1, b.time/2
		all = append(all, m)
	}
	return all
}

// otherTokens are those of customers whose tokens are signed in another way, or new to the gateway each time.
func (b *bench) otherTokens(context.Context) ([]measure, error) {
	var all []measure
	for _, a := range b.algorithms {
		tokens, err := a.again(b.access)
		if err != nil {
			return nil, err
		}
		all = append(all, b.to(b.gateway.program, customer+", "+a.name, 200, each(cart, tokens)...))
	}
	many, err := unseen(b.access, 600)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(each(cart, many))
	if err != nil {
		return nil, err
	}
	m := b.to(b.gateway.program, firstSeen, 200)
	m.File, err = b.write("unseen.json", string(text))
	return append(all, m), err
}

// refused are those of requests that the gateway refuses.
func (b *bench) refused(context.Context) ([]measure, error) {
	old, err := expired(b.access)
	if err != nil {
		return nil, err
	}
	limited := b.to(b.gateway.program, tooMany, 429, request("POST", validate, b.access[0]))
	limited.spend = 700 // limits.validate is 600
	return []measure{
		b.to(b.gateway.program, badToken, 401, each(cart, forged(b.access))...),
		b.to(b.gateway.program, oldToken, 401, each(cart, old)...),
		b.to(b.gateway.program, ended, 401, each(cart, b.revoked)...),
		b.to(b.gateway.program, preflight, 204, request("OPTIONS", cart, "", "Origin: https://app.example.com",
			"Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization")),
		limited,
	}, nil
}

// storing are those of requests that write to Redis. Each is of another client, so that the limits count and refuse none.
// Each round refreshes sessions of its own, once or several times, as its predecessor's answers said.
func (b *bench) storing(ctx context.Context) ([]measure, error) {
	var chains []string
	for user := range 4 * connections {
		p, err := b.logins.session(ctx, 50_000_000+user)
		if err != nil {
			return nil, err
		}
		chains = append(chains, p.Refresh)
	}
	body := `{"refresh_token":"` + load.Carried + `"}`
	text := string(posted(refresh, body))
	length := len(body) - len(load.Carried) + len(chains[0])
	text = strings.Replace(text, fmt.Sprintf("Content-Length: %d", len(body)), fmt.Sprintf("Content-Length: %d", length), 1)
	refreshes := b.to(b.logins.program, renewal, 200, []byte(text))
	refreshes.Field, refreshes.Chains = "refresh_token", chains
	logins := b.to(b.logins.program, entry, 200, posted(login, `{"username":"customer`+load.Number+`","password":"correct horse battery"}`))
	return []measure{refreshes, logins}, nil
}
