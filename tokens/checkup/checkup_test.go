package checkup_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/checkup"
	"cocart-gateway/tokens/tokenstest"
)

// asGateway makes an ACL user with some words changed, and looks at Redis as that user.
func asGateway(t *testing.T, server *tokenstest.Server, change func([]any) []any) *checkup.Report {
	t.Helper()
	ctx := context.Background()
	words := append([]any{"ACL", "SETUSER", "gateway", "reset", "on"}, change(tokenstest.ACLRule(t))...)
	if err := server.Client().Do(ctx, words...).Err(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "gateway", Password: "a-long-password", DisableIdentity: true})
	defer rdb.Close()
	c, err := checkup.Examine(ctx, rdb, "cocart:", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func without(word string) func([]any) []any {
	return func(words []any) []any { return slices.DeleteFunc(words, func(w any) bool { return w == word }) }
}

// Each command of the documented rule is missed, by its name, and nothing else is.
func TestCheckupNamesEachDeniedCommandOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--appendonly", "no")
	if c := asGateway(t, server, without("")); len(c.Denied) != 0 {
		t.Errorf("denied by the documented rule: %v", c.Denied)
	}
	tested := 0
	for _, word := range tokenstest.ACLRule(t) {
		word := word.(string)
		if !strings.HasPrefix(word, "+") || word == "+hello" || word == "+client" {
			continue
		}
		tested++
		if c := asGateway(t, server, without(word)); !slices.Equal(c.Denied, []string{word}) {
			t.Errorf("without %s: %v", word, c.Denied)
		}
	}
	if tested < 20 {
		t.Errorf("only %d commands", tested)
	}
	if c := asGateway(t, server, func(words []any) []any { return append(without("~cocart:*")(words), "~other:*") }); fmt.Sprint(c.Denied) != "[~cocart:*]" {
		t.Errorf("other keys: %v", c.Denied)
	}
}

func TestCheckupLeavesNothingBehindOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--appendonly", "yes")
	asGateway(t, server, without(""))
	rdb := server.Client()
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		if life := rdb.PTTL(t.Context(), key).Val(); life <= 0 || life > 10*time.Second {
			t.Errorf("%s lives for %v", key, life)
		}
	}
}

func TestCheckupReadsWhatRedisReportsOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "no", "--save", "60 1")
	c, err := checkup.Examine(t.Context(), server.Client(), "cocart:", func() time.Time { return time.Now().Add(-time.Hour) })
	if err != nil || len(c.Servers) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	s := c.Servers[0]
	if s.Addr != server.Addr() || s.Version < checkup.OldestRedis || s.Role != "master" || s.Policy != "allkeys-lru" || s.Limit != 50<<20 || s.Used == 0 ||
		s.AOF || !s.Snapshots || !s.SnapshotsKnown || s.SaveFailed || s.Latency <= 0 || (s.Clock-time.Hour).Abs() > time.Minute {
		t.Errorf("%+v", s)
	}
	if s := asGateway(t, tokenstest.Redis(t, "--appendonly", "no"), without("")).Servers[0]; s.AOF || s.Snapshots || s.SnapshotsKnown {
		t.Errorf("no way to know: %+v", s)
	}
}

func TestCheckupOfNoRedisIsAnError(t *testing.T) {
	server := tokenstest.Redis(t)
	rdb := server.Client()
	server.Stop()
	if c, err := checkup.Examine(t.Context(), rdb, "cocart:", time.Now); err == nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestEvictionPolicyOnRealRedis(t *testing.T) {
	for _, policy := range []string{"noeviction", "allkeys-lru", "volatile-ttl"} {
		rdb := tokenstest.Redis(t, "--maxmemory-policy", policy).Client()
		if got, err := checkup.EvictionPolicy(t.Context(), rdb); got != policy || err != nil {
			t.Errorf("policy %q, %v, want %q", got, err, policy)
		}
	}
}
