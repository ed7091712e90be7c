package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/tokenstest"
)

const newFingerprint = "fp-alice-2"

// The customer changes the password at one gateway, which signs with a newer key than the other one.
func TestASessionIsBoundToANewFingerprintOnEveryGateway(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		older, newer := tokenstest.Key(t, "k1"), tokenstest.Key(t, "k2")
		a := w.authority(func(c *tokens.Config) { c.Keys = []keys.Key{newer, older} })
		b := w.authority(func(c *tokens.Config) { c.Keys = []keys.Key{older, newer} })
		phone1, tablet := w.login(b, alice), w.login(b, alice)
		w.bind(a, phone1.Session, tokens.BoundSame, nil)
		w.bind(b, phone1.Session, tokens.BoundSame, nil) // again: a repeated command
		_, err := a.EndUser(context.Background(), 2, alice.Fingerprint, tokens.CauseAccount)
		w.must(err)
		pair, err := a.Renew(context.Background(), phone1.Session, phone)
		w.must(err)
		w.catchUp(b)
		for _, at := range []*tokens.Authority{a, b} {
			w.accessIs(at, pair.Access, nil)
			w.accessIs(at, phone1.Access, tokens.Revoked)
			w.accessIs(at, tablet.Access, tokens.Revoked)
			w.refreshIs(at, tablet.Refresh, tokens.Ended)
		}
		access, err := b.Verify(pair.Access)
		w.must(err)
		if access.Fingerprint != newFingerprint || access.Session != phone1.Session || access.KeyID != "k2" {
			t.Errorf("the new token is %+v", access)
		}
		next := w.refresh(b, pair.Refresh)
		w.accessIs(a, next.Access, nil)
	})
}

func (w *world) bind(a *tokens.Authority, session string, want tokens.Bound, wantErr error) {
	w.Helper()
	got, err := a.Rebind(context.Background(), session, alice.Fingerprint, newFingerprint)
	if got != want || !errors.Is(err, wantErr) {
		w.Errorf("bound %q %v, want %q %v", got, err, want, wantErr)
	}
}

// Another request of the customer meets the new password first. While its gateway ends the sessions with the earlier
// fingerprint, the session that changed it is bound to the new one.
func TestASessionThatIsBoundMeanwhileDoesNotEnd(t *testing.T) {
	for _, after := range []string{"hmget", "xadd"} {
		onEachStore(t, func(t *testing.T, w *world) {
			a, ctx := w.authority(), context.Background()
			changer, tablet := w.login(a, alice), w.login(a, alice)
			rdb := redis.NewClient(w.rdb.(*redis.Client).Options())
			defer rdb.Close()
			rdb.AddHook(&afterCommand{after, func() { w.bind(a, changer.Session, tokens.BoundSame, nil) }})
			n, err := tokenstest.Authority(t, rdb, w.clock).EndUser(ctx, 2, alice.Fingerprint, tokens.CauseAccount)
			if n != 1 || err != nil {
				t.Errorf("bound after %s: %d sessions ended, %v", after, n, err)
			}
			pair, err := a.Renew(ctx, changer.Session, phone)
			if err != nil {
				t.Fatalf("bound after %s: %v", after, err)
			}
			w.refresh(a, pair.Refresh)
			w.refreshIs(a, tablet.Refresh, tokens.Ended)
		})
	}
}

// The customer changes the password at one gateway while a request of the same session is at another one, which has read the
// session before it was bound to the new fingerprint, and then knows the cutoff of the earlier one.
func TestASessionThatIsBoundWhileItIsReadDoesNotEnd(t *testing.T) {
	ctx := context.Background()
	for _, apart := range []bool{false, true} {
		for name, read := range map[string]func(a *tokens.Authority, pair tokens.Pair) error{
			"refresh": func(a *tokens.Authority, pair tokens.Pair) error {
				next, _, err := a.Refresh(ctx, pair.Refresh, phone)
				if err == nil {
					_, err = a.Verify(next.Access)
				}
				return err
			},
			"resume": func(a *tokens.Authority, pair tokens.Pair) error {
				_, err := a.Resume(ctx, pair.Session)
				return err
			},
		} {
			t.Run(fmt.Sprintf("%s, keys apart %v", name, apart), func(t *testing.T) {
				onEachStore(t, func(t *testing.T, w *world) {
					a := w.authority()
					changer, tablet := w.login(a, alice), w.login(a, alice)
					rdb := redis.NewClient(w.rdb.(*redis.Client).Options())
					defer rdb.Close()
					b := tokenstest.Authority(t, rdb, w.clock)
					if apart {
						tokens.KeysApart(b)
					}
					first := "hmget"
					if name == "refresh" {
						first = "evalsha"
					}
					w.refreshed(b) // the scripts are loaded
					rdb.AddHook(&afterCommand{first, func() {
						w.bind(a, changer.Session, tokens.BoundSame, nil)
						_, err := a.EndUser(ctx, 2, alice.Fingerprint, tokens.CauseAccount)
						w.must(err)
						w.catchUp(b)
					}})
					if err := read(b, changer); err != nil {
						t.Errorf("%v", err)
					}
					if _, err := a.Renew(ctx, changer.Session, phone); err != nil {
						t.Errorf("the session ended: %v", err)
					}
					w.refreshIs(b, tablet.Refresh, tokens.Ended)
				})
			})
		}
	}
}

// The session that is found to be bound meanwhile is read again, and may be over by then.
func TestASessionThatIsBoundWhileItIsReadIsReadAgain(t *testing.T) {
	ctx := context.Background()
	for name, row := range map[string]struct {
		meanwhile func(w *world, a *tokens.Authority, session string)
		want      error
	}{
		"it lives":              {func(*world, *tokens.Authority, string) {}, nil},
		"it was ended":          {func(w *world, a *tokens.Authority, s string) { w.must(a.EndSession(ctx, s, tokens.CauseLogout)) }, tokens.Ended},
		"all sessions ended":    {func(w *world, a *tokens.Authority, _ string) { w.must(a.EndAll(ctx, tokens.CauseAdmin)) }, tokens.Ended},
		"it is gone from Redis": {func(w *world, _ *tokens.Authority, s string) { w.must(w.rdb.Del(ctx, "cocart:s:"+s).Err()) }, tokens.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			if err := w.resumeBound(row.meanwhile, &breaking{at: -1}); !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

// What Redis does not answer logs no customer out.
func TestASessionThatIsBoundWhileItIsReadSurvivesABrokenConnection(t *testing.T) {
	for at := 0; ; at++ {
		b := &breaking{at: at}
		err := embedded(t).resumeBound(func(*world, *tokens.Authority, string) {}, b)
		if err != nil && !errors.Is(err, tokens.ErrUnavailable) {
			t.Errorf("broken at %d, %s: %v", at, b.name, err)
		}
		if b.name == "" {
			return
		}
	}
}

// resumeBound resumes a session at a gateway whose connection may break. The session is bound to another fingerprint after it
// was read, and something else happens after the gateway learned of that.
func (w *world) resumeBound(meanwhile func(w *world, a *tokens.Authority, session string), broken *breaking) error {
	w.Helper()
	a, ctx := w.authority(), context.Background()
	session := w.login(a, alice).Session
	w.login(a, alice)
	rdb := redis.NewClient(w.rdb.(*redis.Client).Options())
	w.Cleanup(func() { rdb.Close() })
	w.must(rdb.Ping(ctx).Err()) // it is connected
	b := tokenstest.Authority(w, rdb, w.clock)
	rdb.AddHook(&afterCommand{"hmget", func() {
		w.bind(a, session, tokens.BoundSame, nil)
		w.must2(a.EndUser(ctx, alice.UserID, alice.Fingerprint, tokens.CauseAccount)) // this loads the script of ends as well
		_ = b.CatchUp(ctx)                                                            // its connection may break here
	}})
	rdb.AddHook(&afterCommand{"evalsha", func() { meanwhile(w, a, session) }})
	rdb.AddHook(broken)
	_, err := b.Resume(ctx, session)
	return err
}

func (w *world) must2(_ int, err error) {
	w.Helper()
	w.must(err)
}

// refreshed refreshes a session of another customer.
func (w *world) refreshed(a *tokens.Authority) {
	w.Helper()
	w.refresh(a, w.login(a, tokens.Identity{UserID: 9, Login: "bob", Fingerprint: "fp-bob"}).Refresh)
}

// afterCommand does something once, after the first command of a name or a pipeline that begins with it.
type afterCommand struct {
	name string
	do   func()
}

func (*afterCommand) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *afterCommand) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer h.sent(cmd)
		return next(ctx, cmd)
	}
}

func (h *afterCommand) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		defer h.sent(cmds[0])
		return next(ctx, cmds)
	}
}

func (h *afterCommand) sent(cmd redis.Cmder) {
	if do := h.do; do != nil && cmd.Name() == h.name {
		h.do = nil
		do()
	}
}

func TestWhatIsNotBoundToANewFingerprint(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	for name, row := range map[string]struct {
		who  tokens.Identity
		do   func(session string)
		want tokens.Bound
		err  error
	}{
		"a live session":          {alice, func(string) {}, tokens.BoundSame, nil},
		"one of a third password": {tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice-0"}, func(string) {}, "", tokens.Ended},
		"one that was logged out": {alice, func(s string) { w.must(a.EndSession(context.Background(), s, tokens.CauseLogout)) }, "", tokens.Ended},
		"one of a thief":          {alice, func(s string) { w.must(a.EndSession(context.Background(), s, tokens.CauseReuse)) }, "", tokens.Ended},
		"one that the change met": {alice, func(s string) { w.must(a.EndSession(context.Background(), s, tokens.CauseAccount)) }, tokens.BoundAnew, nil},
		"one that ended long ago": {alice, func(s string) {
			w.must(a.EndSession(context.Background(), s, tokens.CauseAccount))
			w.clock.Advance(time.Hour)
		}, "", tokens.Ended},
	} {
		t.Run(name, func(*testing.T) {
			session := w.login(a, row.who).Session
			row.do(session)
			w.bind(a, session, row.want, row.err)
		})
	}
	w.bind(a, "AAAAAAAAAAAAAAAAAAAAAA", "", tokens.Unknown)
	w.bind(a, "nonsense", "", tokens.Malformed)
	if _, err := a.Renew(context.Background(), "nonsense", phone); !errors.Is(err, tokens.Malformed) {
		t.Errorf("renewing nonsense: %v", err)
	}
}

func TestNothingIsBoundWhileRedisIsAway(t *testing.T) {
	r := tokenstest.Redis(t)
	w := &world{t, r.Client(), tokenstest.NewClock()}
	a := w.authority()
	session := w.login(a, alice)
	r.Stop()
	w.bind(a, session.Session, "", tokens.ErrUnavailable)
	if _, err := a.Renew(context.Background(), session.Session, phone); !errors.Is(err, tokens.ErrUnavailable) {
		t.Errorf("renewing: %v", err)
	}
}
