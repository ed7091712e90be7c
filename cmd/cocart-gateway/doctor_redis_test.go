package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"testing"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

func TestTheDoctorSaysWhatIsWrongWithRedisOnRealRedis(t *testing.T) {
	closed := tokenstest.Redis(t, "--appendonly", "yes")
	if err := closed.Client().ConfigSet(t.Context(), "requirepass", "a password of Redis").Err(); err != nil {
		t.Fatal(err)
	}
	cache := tokenstest.Redis(t, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "no", "--save", "")
	gone := freeAddress(t)
	g := openGolden(t, "doctor/redis.golden")
	for name, redis := range map[string]string{
		"down":             fmt.Sprintf("{address: %q}", gone),
		"another password": fmt.Sprintf("{address: %q, password: wrong}", closed.Addr()),
		"no password":      fmt.Sprintf("{address: %q}", closed.Addr()),
		"a cache":          fmt.Sprintf("{address: %q}", cache.Addr()),
	} {
		t.Run(name, func(t *testing.T) {
			p := openPractice(t)
			p.redis = redis
			p.checkGolden(t, g, name, gone, "ADDRESS", closed.Addr(), "ADDRESS", cache.Addr(), "ADDRESS")
		})
	}
}

func TestTheDoctorNamesWhatRedisDeniesOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--appendonly", "yes")
	acl := []any{"ACL", "SETUSER", "gateway", "on", ">a-long-password", "~cocart:*", "+@all", "-xadd", "-eval"}
	if err := server.Client().Do(t.Context(), acl...).Err(); err != nil {
		t.Fatal(err)
	}
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q, username: gateway, password: a-long-password}", server.Addr())
	p.checkGolden(t, openGolden(t, "doctor/permissions.golden"), "without XADD and EVAL")
}

func TestTheDoctorNamesALossThatIsOpenOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--appendonly", "yes")
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q}", server.Addr())
	p.expectHealthy(t)
	lost := []any{"HSET", "cocart:epoch", "lost", "1800000000000", "why", "restarted"}
	if err := server.Client().Do(t.Context(), lost...).Err(); err != nil {
		t.Fatal(err)
	}
	p.checkGolden(t, openGolden(t, "doctor/loss.golden"), "after a restart")
}

func TestTheDoctorNamesAServerOfOursThatIsLockedOutOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--appendonly", "yes")
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q}", server.Addr())
	p.more = "limits: {refresh: 1/1h}\n"
	p.expectHealthy(t)
	cfg, err := loadConfig(p.write(t), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGuard(cfg, server.Client(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Allow(t.Context(), attempts.Refresh, netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	p.checkGolden(t, openGolden(t, "doctor/lockouts.golden"), "an address of this machine")
}
