package migration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/tokens/tokenstest"
)

// world is a store, a clock that stands still, and the authorities that share them.
type world struct {
	testing.TB
	rdb   redis.UniversalClient
	clock *tokenstest.Clock
}

var (
	alice = tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice-1"}
	phone = tokens.Client{Address: "192.0.2.7", Device: "CoCart-Phone/1.0"}
	thief = tokens.Client{Address: "198.51.100.9", Device: "CoCart-Phone/1.0"}
)

// foreign is a refresh token of the plugin.
const foreign = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

const secretOfThePlugin = "what the old plugin signs with"

// onEachStore runs a behaviour on the embedded store and on a real Redis.
func onEachStore(t *testing.T, behaviour func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { behaviour(t, embedded(t)) })
	t.Run("redis", func(t *testing.T) { behaviour(t, &world{t, tokenstest.Redis(t).Client(), tokenstest.NewClock()}) })
}

func embedded(t testing.TB) *world {
	t.Helper()
	return &world{t, tokenstest.Embedded(t), tokenstest.NewClock()}
}

// authority accepts the plugin's access tokens, unless a change says otherwise.
func (w *world) authority(changes ...func(*tokens.Config)) *tokens.Authority {
	w.Helper()
	accept := func(c *tokens.Config) {
		c.Plugin = migration.NewAccessTokens([]byte(secretOfThePlugin), tokenstest.Issuer, "")
	}
	return tokenstest.Authority(w, w.rdb, w.clock, append([]func(*tokens.Config){accept}, changes...)...)
}

func policy(p tokens.LostAnswer) func(*tokens.Config) {
	return func(c *tokens.Config) { c.LostAnswer = p }
}

func (w *world) login(a *tokens.Authority) tokens.Pair {
	w.Helper()
	pair, err := a.Issue(context.Background(), alice, phone)
	w.must(err)
	return pair
}

func (w *world) refresh(a *tokens.Authority, refresh string) tokens.Pair {
	w.Helper()
	pair, _, err := a.Refresh(context.Background(), refresh, phone)
	w.must(err)
	return pair
}

func (w *world) refreshIs(a *tokens.Authority, refresh string, want error) {
	w.Helper()
	if _, _, err := a.Refresh(context.Background(), refresh, thief); !errors.Is(err, want) {
		w.Errorf("refresh: %v, want %v", err, want)
	}
}

func (w *world) accessIs(a *tokens.Authority, access string, want error) {
	w.Helper()
	if _, err := a.Verify(access); !errors.Is(err, want) {
		w.Errorf("verify: %v, want %v", err, want)
	}
}

func (w *world) list(a *tokens.Authority) (all []tokens.Session) {
	w.Helper()
	for s, err := range a.Sessions(context.Background(), 0) {
		w.must(err)
		all = append(all, s)
	}
	return all
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// plugin is CoCart JWT Authentication, which knows alice, and counts how often it is asked.
type plugin struct {
	w      *world
	asked  atomic.Int64
	during func() // what happens while it is asked
	err    error
	ahead  time.Duration // its clock
}

func (p *plugin) Refresh(context.Context, string) (tokens.Identity, tokens.Pair, error) {
	pair, err := p.answer()
	return alice, pair, err
}

func (p *plugin) TakeOver(context.Context, tokens.Session) (tokens.Pair, error) { return p.answer() }

func (p *plugin) answer() (tokens.Pair, error) {
	n := p.asked.Add(1)
	if p.during != nil {
		p.during()
	}
	if p.err != nil {
		return tokens.Pair{}, p.err
	}
	return p.pair(n), nil
}

func (p *plugin) pair(n int64) tokens.Pair {
	p.w.Helper()
	now := p.w.clock.Now().Add(p.ahead).Unix()
	access, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": tokenstest.Issuer, "iat": now, "nbf": now, "exp": now + 864000,
		"data": map[string]any{"user": map[string]any{"id": alice.UserID, "username": "alice", "ip": phone.Address, "device": phone.Device, "pat": fmt.Sprintf("pat_%024x", n)}},
	}).SignedString([]byte(secretOfThePlugin))
	p.w.must(err)
	return tokens.Pair{Access: access, Refresh: fmt.Sprintf("%0128x", 0xabc000+n)}
}

func (w *world) adopt(a *tokens.Authority, p *plugin) tokens.Pair {
	w.Helper()
	pair, who, err := migration.New(a, false).Refresh(context.Background(), foreign, phone, p)
	if err != nil || who.UserID != alice.UserID {
		w.Fatalf("adopting: %+v, %v", who, err)
	}
	return pair
}

func (w *world) handBack(a *tokens.Authority, refresh string, p *plugin) tokens.Pair {
	w.Helper()
	pair, who, err := migration.New(a, true).Refresh(context.Background(), refresh, phone, p)
	if err != nil || who.UserID != alice.UserID || pair.Session == "" {
		w.Fatalf("handing back: %+v %s, %v", who, pair.Session, err)
	}
	return pair
}

func (w *world) handBackIs(a *tokens.Authority, refresh string, p *plugin, want error) {
	w.Helper()
	if pair, _, err := migration.New(a, true).Refresh(context.Background(), refresh, thief, p); !errors.Is(err, want) || pair != (tokens.Pair{}) {
		w.Errorf("handing back: %v, want %v", err, want)
	}
}

func (w *world) passOn(a *tokens.Authority, refresh string, p *plugin) (tokens.Pair, error) {
	w.Helper()
	pair, _, err := migration.New(a, true).Refresh(context.Background(), refresh, phone, p)
	return pair, err
}

// disturbed spoils the commands of an exchange as a bad network does.
type disturbed struct {
	twice, failing string // names of commands: the one is sent twice, the other fails
	once           bool   // failing fails once
	failed         atomic.Bool
}

func (*disturbed) DialHook(next redis.DialHook) redis.DialHook { return next }
func (*disturbed) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (d *disturbed) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == d.failing && (d.failed.CompareAndSwap(false, true) || !d.once) {
			cmd.SetErr(errors.New("connection reset"))
			return cmd.Err()
		}
		if strings.HasPrefix(d.twice, cmd.Name()) { // evalsha, and eval where the script is new
			if err := next(ctx, cmd); err != nil {
				return err
			}
		}
		return next(ctx, cmd)
	}
}

// failing is a store that is away for some round trips.
type failing struct {
	mu            sync.Mutex
	passing, left int64
	refused       int64
}

// begin lets some round trips pass, and the next ones fail.
func (f *failing) begin(passing, fail int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passing, f.left = passing, fail
}

func (f *failing) failed() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused
}

func (f *failing) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.passing > 0:
		f.passing--
		return nil
	case f.left > 0:
		f.left, f.refused = f.left-1, f.refused+1
		return errors.New("connection refused")
	}
	return nil
}

func (*failing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f *failing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := f.err(); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func (f *failing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := f.err(); err != nil {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
			return err
		}
		return next(ctx, cmds)
	}
}
