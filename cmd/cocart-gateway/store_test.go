package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/budget"
	"cocart-gateway/tokens/tokenstest"
)

// sessionsWork is what every way to reach Redis must carry: a login, a refresh, an end that another gateway hears of,
// and an operator who sees it all.
func (d *desk) sessionsWork() {
	d.Helper()
	ctx := context.Background()
	first := d.login(alice)
	second, who, err := d.gateway.Refresh(ctx, first.Refresh, tokens.Client{})
	if err != nil || who.Fingerprint != alice.Fingerprint {
		d.Fatalf("refresh: %+v, %v", who, err)
	}
	if list := d.ok("sessions", "list", "--user", "7"); !strings.Contains(list, first.Session) {
		d.Errorf("the session is not listed:\n%s", list)
	}
	d.must(d.gateway.EndSession(ctx, first.Session, tokens.CauseLogout))
	other := d.another()
	d.must(other.CatchUp(ctx))
	if _, err := other.Verify(second.Access); !errors.Is(err, tokens.Revoked) {
		d.Errorf("another gateway: %v", err)
	}
	if list := d.ok("sessions", "list"); strings.Contains(list, first.Session) {
		d.Errorf("the ended session is listed:\n%s", list)
	}
}

// documentedUser is the ACL rule that operators copy.
func documentedUser(t *testing.T) []any {
	t.Helper()
	return append([]any{"ACL", "SETUSER", "gateway", "on"}, tokenstest.ACLRule(t)...)
}

func TestAServerWithAnACLUserADatabaseAndAPrefixOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t)
	admin := server.Client()
	ctx := context.Background()
	rule := append(documentedUser(t), "+select", "resetkeys", "~shop-2:*")
	if err := admin.Do(ctx, rule...).Err(); err != nil {
		t.Fatal(err)
	}
	if err := admin.Do(ctx, "ACL", "SETUSER", "default", "off").Err(); err != nil {
		t.Fatal(err)
	}
	d := deskWith(t, "redis: {address: \"redis://gateway:a-long-password@"+server.Addr()+"/3\", prefix: \"shop-2:\"}\n")
	d.sessionsWork()
	if keys, err := admin.Info(ctx, "keyspace").Result(); err != nil || !strings.Contains(keys, "\r\ndb3:") || strings.Contains(keys, "db0:") {
		t.Errorf("%v in %s", err, keys)
	}
	wrong := configWith(t, "redis: {address: \""+server.Addr()+"\", username: gateway, password: hunter2}\n")
	got := (&desk{T: t, config: wrong, clock: tokenstest.NewClock()}).run("sessions", "list")
	if got.code != exitFailed || !strings.Contains(got.stderr, "WRONGPASS") || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("with another password: %+v", got)
	}
}

// A server that accepts connections and says nothing sensible is asked once, not five times: redis.timeout says how
// long a login may wait for it.
func TestAServerThatCannotBeReachedIsDialledOnce(t *testing.T) {
	for _, mode := range []string{"standalone", "cluster", "sentinel"} {
		t.Run(mode, func(t *testing.T) {
			address, accepted := hangsUp(t)
			client, closeStore, err := store.Open(config.Redis{Addresses: []string{address}, Mode: mode, Master: "shop", TLS: true, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore()
			if err := client.Get(t.Context(), "x").Err(); err == nil {
				t.Error("it answered")
			}
			if n := accepted(); n != 1 {
				t.Errorf("dialled %d times", n)
			}
		})
	}
}

// A request that needs several commands waits for a silent server as long as for one.
func TestTheCommandsOfARequestShareTheTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, mode := range []string{"standalone", "cluster", "sentinel"} {
		t.Run(mode, func(t *testing.T) {
			client, closeStore, err := store.Open(config.Redis{Addresses: []string{silent.Addr().String()}, Mode: mode, Master: "shop", Timeout: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore()
			ctx := budget.Within(t.Context(), &budget.Budget{})
			for err = client.Get(ctx, "x").Err(); err != nil && !errors.Is(err, budget.ErrSpent); {
				err = client.Get(ctx, "x").Err()
			}
			if err == nil {
				t.Error("it answered")
			}
		})
	}
}

// hangsUp listens and closes what it accepts; accepted ends it and counts.
func hangsUp(t *testing.T) (address string, accepted func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n++
			c.Close()
		}
	})
	return l.Addr().String(), func() int { l.Close(); listening.Wait(); return n }
}

// A command whose answer was lost may have been carried out; sending it again would do it twice.
func TestACommandIsNeverCarriedOutTwiceOnRealRedis(t *testing.T) {
	for _, mode := range []string{"standalone", "cluster"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			between, server := redisBehindALossyWire(t)
			client, closeStore, err := store.Open(config.Redis{Addresses: []string{between}, Mode: mode, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore()
			if err := client.Incr(t.Context(), "n").Err(); err == nil {
				t.Error("the answer was not lost")
			}
			if got, err := server.Client().Get(t.Context(), "n").Int(); err != nil || got != 1 {
				t.Errorf("carried out %d times (%v)", got, err)
			}
		})
	}
}

// Redis quotes the arguments of a command that it does not know, such as one that is renamed. In an error they would reach the log.
func TestNoErrorOfRedisQuotesArgumentsInAnyModeOnRealRedis(t *testing.T) {
	for mode, addressed := range map[string]func(t *testing.T) config.Redis{
		"embedded": func(*testing.T) config.Redis { return config.Redis{Addresses: []string{config.EmbeddedStore}} },
		"standalone": func(t *testing.T) config.Redis {
			return config.Redis{Addresses: []string{tokenstest.Redis(t).Addr()}}
		},
		"cluster": func(t *testing.T) config.Redis {
			return config.Redis{Addresses: []string{tokenstest.Cluster(t).Masters[0].Addr()}}
		},
		"sentinel": func(t *testing.T) config.Redis {
			return config.Redis{Addresses: []string{tokenstest.Sentinel(t).Sentinels[0].Addr()}, Master: tokenstest.SentinelMaster}
		},
	} {
		t.Run(mode, func(t *testing.T) {
			cfg := addressed(t)
			cfg.Mode, cfg.Timeout = mode, time.Minute
			client, closeStore, err := store.Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore()
			if err := client.Do(t.Context(), "renamed", "canary").Err(); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "unknown command") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The TLS material that a checked configuration cannot have is refused at start all the same.
func TestUnusableTLSMaterialIsRefusedAtStart(t *testing.T) {
	certificate, err := os.ReadFile(filepath.Join("config", "testdata", "keys", "client.crt.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]config.Redis{
		"reading redis.tls_ca: it holds no certificate":       {TLS: true, TLSCA: "x"},
		"reading redis.tls_cert and redis.tls_key: tls: fail": {TLS: true, TLSCert: string(bytes.TrimSpace(certificate)), TLSKey: schema.NewSecret("x")},
	} {
		cfg.Addresses = []string{"127.0.0.1:1"}
		if _, _, err := store.Open(cfg); err == nil || !strings.HasPrefix(fmt.Sprint(err), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
