package gateway_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/budget"
	"cocart-gateway/upstream/upstreamtest"
)

// silence is a Redis that may stop to answer: a command then waits until its request has no time left for Redis.
type silence struct {
	most   time.Duration
	on     atomic.Bool
	waited atomic.Int32
}

func (*silence) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *silence) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	wait := budget.Limit(s.most).ProcessHook(func(ctx context.Context, _ redis.Cmder) error { return s.wait(ctx) })
	return func(ctx context.Context, cmd redis.Cmder) error {
		if s.on.Load() {
			return wait(ctx, cmd)
		}
		return next(ctx, cmd)
	}
}

func (s *silence) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	wait := budget.Limit(s.most).ProcessPipelineHook(func(ctx context.Context, cmds []redis.Cmder) error {
		err := s.wait(ctx)
		for _, cmd := range cmds {
			cmd.SetErr(err)
		}
		return err
	})
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if s.on.Load() {
			return wait(ctx, cmds)
		}
		return next(ctx, cmds)
	}
}

func (s *silence) wait(ctx context.Context) error {
	s.waited.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

// silentShop is a shop with all limits, whose Redis may stop to answer.
func silentShop(t *testing.T) (*guardedShop, *silence) {
	t.Helper()
	s, quiet := guarded(t), &silence{most: 50 * time.Millisecond}
	s.wordpress.Users[0].Fingerprint = "fp-2" // as the judge says at a login
	client := s.client()
	t.Cleanup(func() { client.Close() })
	client.AddHook(quiet)
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	many := attempts.Limit{N: 1000, Per: time.Minute}
	guard, err := attempts.New(attempts.Config{Account: many, AccountNetwork: many, Address: many, Overall: many, SecondFactor: many, Refresh: many, Requests: many, SessionRequests: many,
		Secret: []byte(upstreamtest.Secret), KeyPrefix: "cocart:", Now: s.clock.Now}, wprequest.NameKey, client)
	s.must(err)
	s.authority, err = tokens.New(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: s.keys, Now: s.clock.Now, Log: log}, client, prometheus.NewRegistry())
	s.must(err)
	g, err := gateway.New(gateway.Config{SiteURL: mustURL(t, upstreamtest.SiteURL), Now: s.clock.Now, Passwords: gateway.PasswordConfig{
		Attempts: guard, UniformErrors: true, Now: s.clock.Now, Wait: func(context.Context, time.Duration) error { return nil }}},
		s.authority, s.upstream, prometheus.NewRegistry(), log)
	s.must(err)
	s.Close()
	s.Server = httptest.NewServer(g)
	return s, quiet
}

// A client waits for a silent Redis as long as for one command, whatever its request needs of Redis: the commands share one
// redis.timeout. Without that a login would wait for each of its commands, longer than apps wait for an answer.
func TestARequestWaitsOnceForASilentRedis(t *testing.T) {
	s, quiet := silentShop(t)
	access, refresh, id := s.loginAs("alice", "wonderland-1", iPhone)
	for name, row := range map[string]struct {
		status int
		send   func() reply
	}{
		"login":                {503, func() reply { return s.try("alice", "wonderland-1") }},
		"wrong password":       {401, func() reply { return s.try("alice", "wrong") }},
		"second factor":        {401, func() reply { return s.try("bob", "builder-2") }},
		"password elsewhere":   {200, func() reply { return s.basic("alice", "wonderland-1") }},
		"refresh":              {503, func() reply { return s.refresh(refresh) }},
		"refresh with garbage": {401, func() reply { return s.refresh("garbage") }},
		"cart":                 {200, func() reply { return s.cart(access) }},
		"logout":               {503, func() reply { return s.post("/wp-json/cocart/v2/logout", "", bearer(access)) }},
		"sessions":             {503, func() reply { return s.do("GET", sessionsRoute, "", bearer(access)) }},
		"end a session":        {503, func() reply { return s.do("DELETE", sessionsRoute+"/"+id, "", bearer(access)) }},
		"end other sessions":   {503, func() reply { return s.do("DELETE", sessionsRoute, "", bearer(access)) }},
		"browser link":         {503, func() reply { return s.post("/wp-json/cocart/jwt/browser", `{"redirect_to":"/cart/"}`, bearer(access)) }},
	} {
		t.Run(name, func(t *testing.T) {
			s.clock.step(2 * time.Second) // the limits ask Redis again
			quiet.waited.Store(0)
			quiet.on.Store(true)
			defer quiet.on.Store(false)
			if r := row.send(); r.Status != row.status {
				t.Errorf("%d %s", r.Status, r.Body)
			}
			if n := quiet.waited.Load(); n != 1 {
				t.Errorf("waited for %d commands, want 1", n)
			}
		})
	}
}
