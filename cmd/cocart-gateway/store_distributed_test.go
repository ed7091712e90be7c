package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// failover is a Redis that makes a replica the master when that is gone.
type failover interface {
	FailOver()
	Settle()
}

// outlives fails a master over: the shopper's session goes on, with as many tries as a client makes.
func (d *desk) outlives(store failover) {
	d.Helper()
	pair := d.login(bob)
	other := d.login(alice)
	d.must(d.gateway.EndSession(context.Background(), other.Session, tokens.CauseLogout))
	store.FailOver()
	tokenstest.Eventually(d, "the shopper's refresh was answered", func() bool {
		_, _, err := d.gateway.Refresh(context.Background(), pair.Refresh, tokens.Client{})
		if err != nil && !errors.Is(err, tokens.ErrUnavailable) {
			d.Fatalf("a shopper was logged out by the failover: %v", err)
		}
		return err == nil
	})
	store.Settle()
	got := d.ok("sessions", "list")
	if !strings.Contains(got, pair.Session) || strings.Contains(got, other.Session) {
		d.Errorf("after the failover the operator sees\n%s", got)
	}
	d.sessionsWork()
}

func addresses(servers []*tokenstest.Server, of func(*tokenstest.Server) string) string {
	var all []string
	for _, s := range servers {
		all = append(all, `"`+of(s)+`"`)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// admit makes the documented user on each server.
func admit(t *testing.T, rule []any, servers ...*tokenstest.Server) {
	t.Helper()
	for _, s := range servers {
		if err := s.Client().Do(context.Background(), rule...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMasterThatSentinelsWatchOnRealRedis(t *testing.T) {
	t.Parallel()
	s := tokenstest.Sentinel(t)
	admit(t, documentedUser(t), s.Master, s.Replica)
	admit(t, []any{"ACL", "SETUSER", "seer", "on", ">still", "allchannels", "+@all"}, s.Sentinels...)
	block := "redis:\n  address: " + addresses(s.Sentinels, (*tokenstest.Server).Addr) + "\n  mode: sentinel\n  master: " + tokenstest.SentinelMaster +
		"\n  username: gateway\n  password: a-long-password\n  sentinel_username: seer\n  sentinel_password: "
	d := deskWith(t, block+"still\n")
	d.sessionsWork()
	stranger := &desk{T: t, config: configWith(t, block+"hunter2\n"), clock: d.clock}
	if got := stranger.run("sessions", "list"); got.code != exitFailed || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("with another password for the Sentinels: %+v", got)
	}
	d.outlives(s)
}

// A planned failover leaves the old master running for seconds. A connection to it would go on reading a log to which nothing is
// written any more.
func TestTheReaderOfRevocationsLeavesTheOldMasterOnRealRedis(t *testing.T) {
	t.Parallel()
	s, ctx := tokenstest.Sentinel(t), t.Context()
	open, err := store.Reader(config.Redis{Mode: "sentinel", Master: tokenstest.SentinelMaster, Timeout: time.Minute,
		Addresses: []string{s.Sentinels[0].Addr(), s.Sentinels[1].Addr(), s.Sentinels[2].Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	reader := open()
	defer reader.Close()
	ended := make(chan error, 1)
	go func() {
		ended <- reader.XRead(ctx, &redis.XReadArgs{Streams: []string{"log", "$"}, Block: 0}).Err()
	}()
	old := s.Master.Client()
	tokenstest.Eventually(t, "the reader waits", func() bool { return strings.Contains(old.Info(ctx, "clients").Val(), "blocked_clients:1") })
	if err := s.Sentinels[0].Client().Do(ctx, "SENTINEL", "FAILOVER", tokenstest.SentinelMaster).Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("it read something")
	}
	if !strings.Contains(old.Info(ctx, "replication").Val(), "role:master") {
		t.Error("it left only when the old master was demoted")
	}
}

// The Sentinels name the old master for about a second after its replica became a master. Here they know nothing of that.
func TestTheSuccessorOfAMasterIsFoundOnRealRedis(t *testing.T) {
	t.Parallel()
	s, ctx := tokenstest.Sentinel(t), t.Context()
	admit(t, documentedUser(t), s.Master, s.Replica)
	find, err := store.Successor(config.Redis{Mode: "sentinel", Master: tokenstest.SentinelMaster, Timeout: time.Minute,
		Username: "gateway", Password: schema.NewSecret("a-long-password"), Addresses: []string{"127.0.0.1:1", s.Sentinels[1].Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := find(ctx); found != nil || err != nil {
		t.Fatalf("before a failover: %v, %v", found, err)
	}
	if err := s.Replica.Client().Do(ctx, "REPLICAOF", "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Replica.Client().Set(ctx, "cocart:who", "the replica", 0).Err(); err != nil {
		t.Fatal(err)
	}
	found, err := find(ctx)
	if found == nil || err != nil {
		t.Fatalf("after the replica became a master: %v, %v", found, err)
	}
	defer found.Close()
	if who := found.Get(ctx, "cocart:who").Val(); who != "the replica" {
		t.Errorf("the successor is %q", who)
	}
	s.Replica.Kill()
	if found, err := find(ctx); found != nil || err != nil {
		t.Fatalf("with a replica that is down: %v, %v", found, err)
	}
}

func TestAClusterOfThreeMastersOnRealRedis(t *testing.T) {
	t.Parallel()
	c := tokenstest.Cluster(t)
	rule := append(documentedUser(t), "+cluster", "+readonly")
	admit(t, rule, append(c.Masters[:3:3], c.Replica)...)
	d := deskWith(t, "redis:\n  address: "+addresses(c.Masters, (*tokenstest.Server).Addr)+"\n  mode: cluster\n  username: gateway\n  password: a-long-password\n")
	d.sessionsWork()
	for user := range int64(20) { // in any slot, on every master
		d.login(tokens.Identity{UserID: 100 + user, Login: "shopper", Fingerprint: "f"})
	}
	if got := strings.Count(d.ok("sessions", "list"), "shopper"); got != 20 {
		t.Errorf("%d sessions are listed, want 20", got)
	}
	d.outlives(c)
}
