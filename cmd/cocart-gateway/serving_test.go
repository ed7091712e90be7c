package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const (
	servingAnswer  = `{"serving":true}`
	startingAnswer = `{"serving":false,"why":"starting"}`
)

// servez is what a load balancer reads.
func (r *rig) servez() answer {
	r.Helper()
	a := r.send("http://"+r.admin, "GET", "/servez", "")
	a.body = strings.TrimSpace(a.body)
	return a
}

// What is away for one gateway is away for all: if they all left the load balancer, nobody would shop any more.
func TestAGatewayWithoutRedisOrWordPressStaysWithItsLoadBalancer(t *testing.T) {
	store := miniredis.RunT(t)
	r := start(t, settings{"redis.address": store.Addr(), "log.level": "debug"})
	r.said.await(t, "msg=ready status=serving")
	access, refresh := r.login()
	store.SetError("LOADING")
	if got := r.servez(); got.status != http.StatusOK || got.body != servingAnswer {
		t.Errorf("without Redis: %d %s", got.status, got.body)
	}
	if got := r.do("GET", cart, "", "Authorization: Bearer "+access); got.status != http.StatusOK {
		t.Errorf("a shopper, without Redis: %d", got.status)
	}
	if got := r.refresh(refresh); got.status != http.StatusServiceUnavailable {
		t.Errorf("a refresh, without Redis: %d", got.status)
	}
	r.wordpress.CloseClientConnections()
	r.wordpress.Close()
	if got := r.servez(); got.status != http.StatusOK || got.body != servingAnswer {
		t.Errorf("without WordPress: %d %s", got.status, got.body)
	}
}

// A reload makes another admin handler, which must not begin anew.
func TestAReloadIsNoStartForLoadBalancers(t *testing.T) {
	store := miniredis.RunT(t)
	r := start(t, settings{"redis.address": store.Addr(), "log.level": "debug"})
	r.said.await(t, "msg=ready status=serving")
	store.SetError("LOADING")
	r.write(settings{"site.guests": "deny"})
	r.reload()
	if got := r.servez(); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// startingUp is a program that has not announced itself yet, on a Redis of the test, and waits so long for it.
func startingUp(t *testing.T, redis string, patience time.Duration) (*program, *output) {
	t.Helper()
	said := newOutput()
	cfg := withLines(t, "listen: \"127.0.0.1:0\"\nredis: {address: \""+redis+"\"}\n")
	p, err := assemble(cfg, slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	p.notify.Wait = patience
	return p, said
}

func TestLoadBalancersWaitForTheRevocationsButNotForEver(t *testing.T) {
	t.Run("they are read", func(t *testing.T) {
		p, said := startingUp(t, miniredis.RunT(t).Addr(), time.Hour)
		p.probed(t, startingAnswer)
		p.announced(t)
		if err := p.shops[0].authority.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		said.await(t, "msg=ready status=serving\n")
		p.probed(t, servingAnswer)
	})
	t.Run("Redis is away", func(t *testing.T) {
		p, said := startingUp(t, freeAddress(t), 0)
		p.probed(t, startingAnswer)
		p.announced(t)
		said.await(t, "msg=ready status=\"serving, without")
		p.probed(t, servingAnswer)
	})
}

// announced has the gateway announce itself, as soon as what it waits for has happened.
func (p *program) announced(t *testing.T) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.notify.Announce(ctx, p.caughtUp) }()
	t.Cleanup(func() { end(); <-done })
}

func (p *program) probed(t *testing.T, want string) {
	t.Helper()
	w := httptest.NewRecorder()
	p.admin.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/servez", nil))
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("load balancers read %s, want %s", got, want)
	}
}
