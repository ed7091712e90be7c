package tokens_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/checkup"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/tokens/tokenstest"
)

func TestTheDocumentedRedisUserMayDoAllThatIsNeededAndNothingElseOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t)
	ctx := context.Background()
	if err := server.Client().Do(ctx, append([]any{"ACL", "SETUSER", "gateway", "on"}, tokenstest.ACLRule(t)...)...).Err(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "gateway", Password: "a-long-password"})
	defer rdb.Close()
	w := &world{t, rdb, tokenstest.NewClock()}
	var warnings bytes.Buffer
	a := w.authority(limit(1), func(c *tokens.Config) { c.Log = slog.New(slog.NewTextHandler(&warnings, nil)) })
	w.login(a, alice)
	pair := w.refresh(a, w.login(a, alice).Refresh)
	w.use(a, pair.Access)
	if _, err := a.Resume(ctx, pair.Session); err != nil {
		t.Error(err)
	}
	if n := len(w.list(a, 0)) + len(w.list(a, 2)); n != 2 {
		t.Errorf("%d sessions listed, want 2", n)
	}
	if warnings.Len() > 0 {
		t.Errorf("following the log: %s", &warnings)
	}
	forth, back := migration.New(a, false), migration.New(a, true)
	for range 2 {
		_, _, err := forth.Refresh(ctx, strings.Repeat("0", 128), phone, oldPlugin{})
		w.must(err)
		_, _, err = back.Refresh(ctx, strings.Repeat("1", 128), phone, oldPlugin{})
		w.must(err)
	}
	handed := w.login(a, alice).Refresh
	for range 2 {
		_, _, err := back.Refresh(ctx, handed, phone, oldPlugin{})
		w.must(err)
	}
	if _, _, err := forth.Refresh(ctx, strings.Repeat("2", 128), phone, oldPlugin{tokens.Unknown}); !errors.Is(err, tokens.Unknown) {
		t.Error(err)
	}
	_, err := a.EndUser(ctx, 2, "", tokens.CauseAdmin)
	w.must(err)
	ahead := tokenstest.NewClock()
	ahead.Advance(30 * time.Second)
	w.must(tokenstest.Authority(t, rdb, ahead).EndAll(ctx, tokens.CauseAdmin))
	w.login(a, alice) // begins behind the cutoff
	tokens.KeysApart(a)
	w.login(a, alice)
	w.must(a.EndAll(ctx, tokens.CauseAdmin))
	if _, err := checkup.EvictionPolicy(ctx, rdb); err != nil {
		t.Error(err)
	}
	w.catchUp(a)
	for _, forbidden := range [][]any{{"FLUSHALL"}, {"CONFIG", "GET", "*"}, {"GET", "other:key"}, {"KEYS", "*"}} {
		if err := rdb.Do(ctx, forbidden...).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
			t.Errorf("%v: %v, want NOPERM", forbidden, err)
		}
	}
}

// oldPlugin knows alice, or answers its error.
type oldPlugin struct{ err error }

func (p oldPlugin) Refresh(_ context.Context, token string) (tokens.Identity, tokens.Pair, error) {
	return alice, tokens.Pair{Access: "a.b.c", Refresh: token[1:] + "9"}, p.err
}

func (p oldPlugin) TakeOver(context.Context, tokens.Session) (tokens.Pair, error) {
	return tokens.Pair{Access: "a.b.c", Refresh: strings.Repeat("8", 128)}, p.err
}
