package tokens_test

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/tokenstest"
)

// writes counts what goes out to Redis: a round trip on one server is one write.
type writes struct{ n atomic.Int64 }

type countingConn struct {
	net.Conn
	to *writes
}

func (c countingConn) Write(b []byte) (int, error) { c.to.n.Add(1); return c.Conn.Write(b) }

func (w *writes) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	return countingConn{c, w}, err
}

// of returns how many round trips something needed, once its scripts are known and its connection is open.
func (w *writes) of(do func()) int64 {
	do()
	before := w.n.Load()
	do()
	return w.n.Load() - before
}

func counting(t *testing.T, addr string) (*redis.Client, *writes) {
	w := &writes{}
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, PoolSize: 1, Dialer: w.dial, DialTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute})
	t.Cleanup(func() { c.Close() })
	return c, w
}

func guard(t *testing.T, rdb redis.UniversalClient, clock *tokenstest.Clock) *attempts.Guard {
	t.Helper()
	per := attempts.Limit{N: 1000, Per: time.Minute}
	g, err := attempts.New(attempts.Config{Refresh: per, Validate: per, Account: per, AccountNetwork: per, Address: per, Overall: per,
		Secret: []byte(tokenstest.Secret), KeyPrefix: "cocart:", Now: clock.Now}, wprequest.NameKey, rdb)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var shopper = netip.MustParseAddr("192.0.2.7")

func TestRoundTripsOnOneServerOnRealRedis(t *testing.T) {
	rdb, sent := counting(t, tokenstest.Redis(t).Addr())
	w := &world{t, rdb, tokenstest.NewClock()}
	a, g := w.authority(limit(2)), guard(t, rdb, w.clock)
	pair := w.login(a, alice)
	refresh := func() {
		var err error
		pair, _, err = a.RefreshCounted(t.Context(), pair.Refresh, phone, g.Ticket(attempts.Refresh, shopper))
		w.must(err)
	}
	for range 3 {
		if n := sent.of(refresh); n != 1 {
			t.Errorf("a refresh needed %d round trips", n)
		}
		w.must(tokens.WriteNotes(a))
	}
	if n := sent.of(func() { w.login(a, alice) }); n != 1 {
		t.Errorf("beginning a session, which ends the oldest one, needed %d round trips", n)
	}
	w.must(g.Ticket(attempts.Validate, shopper).Alone(t.Context()))
	tokenstest.Eventually(t, "the validation is counted in Redis", func() bool { return len(rdb.Keys(t.Context(), "cocart:a:validate:*").Val()) == 1 })
	good := w.login(a, alice).Access
	before := sent.n.Load()
	w.must(g.Ticket(attempts.Validate, shopper).Alone(t.Context()))
	w.accessIs(a, good, nil)
	if n := sent.n.Load() - before; n != 0 {
		t.Errorf("a validation needed %d round trips", n)
	}
}

// A cutoff that is later than the clock of a gateway, which has not read of it, costs a login one round trip more.
func TestALoginBehindACutoffNeedsOneMoreRoundTripOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t)
	rdb, sent := counting(t, server.Addr())
	w := &world{t, rdb, tokenstest.NewClock()}
	ahead := tokenstest.NewClock()
	ahead.Advance(30 * time.Second)
	a, lead := w.authority(limit(2)), tokenstest.Authority(t, server.Client(), ahead)
	w.must(lead.EndAll(t.Context(), tokens.CauseAdmin))
	if n := sent.of(func() { w.login(a, alice) }); n != 2 {
		t.Errorf("beginning a session behind a cutoff that is ahead needed %d round trips", n)
	}
	w.catchUp(a)
	if n := sent.of(func() { w.login(a, alice) }); n != 1 {
		t.Errorf("beginning a session after the end was read needed %d round trips", n)
	}
}

// trips counts commands and pipelines of a cluster client: what goes to several servers at once is one round trip.
type trips struct{ n atomic.Int64 }

func (c *trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) > 0 {
			c.n.Add(1)
		}
		return next(ctx, cmds)
	}
}

func TestRoundTripsOnAClusterOnRealRedis(t *testing.T) {
	rdb, sent := tokenstest.Cluster(t).Client(), &trips{}
	w := &world{t, rdb, tokenstest.NewClock()}
	a, g := w.authority(limit(-1)), guard(t, rdb, w.clock)
	pair := w.login(a, alice)
	refresh := func() {
		var err error
		pair, _, err = a.RefreshCounted(t.Context(), pair.Refresh, phone, g.Ticket(attempts.Refresh, shopper))
		w.must(err)
	}
	for range 6 { // each server learns the scripts
		w.login(a, alice)
		refresh()
	}
	rdb.AddHook(sent)
	refresh()
	if n := sent.n.Swap(0); n != 2 {
		t.Errorf("a refresh needed %d round trips", n)
	}
	w.login(a, tokens.Identity{UserID: 77, Login: "carol"})
	if n := sent.n.Swap(0); n > 2 {
		t.Errorf("a first session needed %d round trips", n)
	}
	w.must(a.EndSession(t.Context(), pair.Session, tokens.CauseLogout))
	w.refreshIs(a, pair.Refresh, tokens.Ended)
}

// A login is one round trip before WordPress checks the password, and one after it.
func TestALoginNeedsTwoRoundTripsOnRealRedis(t *testing.T) {
	rdb, sent := counting(t, tokenstest.Redis(t).Addr())
	w := &world{t, rdb, tokenstest.NewClock()}
	a, g := w.authority(limit(2)), guard(t, rdb, w.clock)
	login := func(name string, user int64) {
		attempt, err := g.Begin(t.Context(), attempts.Try{Names: []string{name}, Password: "right", Client: shopper})
		w.must(err)
		accepted, err := attempt.Accepting(t.Context(), user)
		w.must(err)
		var beside []cluster.Rider
		if accepted != nil { // a password that was right a moment ago took nothing
			beside = append(beside, accepted)
		}
		_, err = a.Issue(t.Context(), tokens.Identity{UserID: user, Login: name}, phone, beside...)
		w.must(err)
		accepted.Alone(t.Context()) // does nothing: it was counted with the session
	}
	if n := sent.of(func() { login("alice", 2) }); n != 2 {
		t.Errorf("a login needed %d round trips", n)
	}
	w.clock.Advance(time.Hour) // the password is not remembered any more
	if n := sent.of(func() { login("alice", 2) }); n != 2 {
		t.Errorf("a login an hour later needed %d round trips", n)
	}
	before := sent.n.Load()
	login("bob", 3)
	if n := sent.n.Load() - before; n > 3 { // the account behind a new name is known after the answer
		t.Errorf("the first login under a name needed %d round trips", n)
	}
	if full, _ := rdb.Get(t.Context(), "cocart:a:overall").Int64(); full > w.clock.Now().UnixMicro() {
		t.Errorf("right passwords stayed counted: the overall limit is full again at %d", full)
	}
	restarted := guard(t, rdb, w.clock)
	before = sent.n.Load()
	attempt, err := restarted.Begin(t.Context(), attempts.Try{Names: []string{"alice"}, Password: "wrong", Client: shopper})
	w.must(err)
	if n := sent.n.Load() - before; n != 2 || attempt.Account() != "user:2" {
		t.Errorf("another gateway counted to %s in %d round trips", attempt.Account(), n)
	}
	attempt.Undecided(t.Context())
}

// A refusal costs Redis nothing while the gateway knows that nothing can be left; the counter in Redis decides again once
// something can have come back.
func TestARefusedRequestNeedsNoRoundTripOnRealRedis(t *testing.T) {
	rdb, sent := counting(t, tokenstest.Redis(t).Addr())
	clock := tokenstest.NewClock()
	one := attempts.Limit{N: 2, Per: time.Minute}
	g, err := attempts.New(attempts.Config{Requests: one, SessionRequests: attempts.Limit{N: 1, Per: time.Minute},
		Secret: []byte(tokenstest.Secret), KeyPrefix: "cocart:", Now: clock.Now}, wprequest.NameKey, rdb)
	if err != nil {
		t.Fatal(err)
	}
	use := func(session, want string, trips int64) {
		t.Helper()
		before := sent.n.Load()
		_, err := g.AllowUse(t.Context(), attempts.Use{Client: shopper, Session: session})
		got := "passed"
		if e, ok := err.(*attempts.Exceeded); ok {
			got = string(e.Scope)
		}
		if n := sent.n.Load() - before; got != want || n != trips {
			t.Errorf("a request of %q: %s in %d round trips, want %s in %d", session, got, n, want, trips)
		}
	}
	g.AllowUse(t.Context(), attempts.Use{Client: netip.MustParseAddr("192.0.2.99")}) // opens the connection, and brings the script
	use("s1", "passed", 1)
	use("s1", "session_requests", 0)
	use("", "passed", 1) // the refused request took nothing from the address
	use("", "requests", 0)
	use("s2", "requests", 0)
	clock.Advance(30 * time.Second)
	use("s1", "session_requests", 0)
	use("s2", "passed", 1)
	use("s3", "requests", 0)
}

// A refresh that the limit refuses spends nothing.
func TestARefreshOverTheLimitSpendsNothing(t *testing.T) {
	for _, apart := range []bool{false, true} {
		w := embedded(t)
		a := w.authority()
		if apart {
			tokens.KeysApart(a)
		}
		one := attempts.Limit{N: 1, Per: time.Minute}
		g, err := attempts.New(attempts.Config{Refresh: one, Secret: []byte(tokenstest.Secret), KeyPrefix: "cocart:", Now: w.clock.Now}, wprequest.NameKey, w.rdb)
		w.must(err)
		pair := w.login(a, alice)
		first, _, err := a.RefreshCounted(t.Context(), pair.Refresh, phone, g.Ticket(attempts.Refresh, shopper))
		w.must(err)
		fresh, err := attempts.New(attempts.Config{Refresh: one, Secret: []byte(tokenstest.Secret), KeyPrefix: "cocart:", Now: w.clock.Now}, wprequest.NameKey, w.rdb)
		w.must(err)
		for _, gate := range []*attempts.Guard{fresh, g} { // one asks Redis, the other knows
			_, _, err = a.RefreshCounted(t.Context(), first.Refresh, phone, gate.Ticket(attempts.Refresh, shopper))
			if e, ok := err.(*attempts.Exceeded); !ok || e.State.RetryAfter != 60 {
				t.Fatalf("apart %v: %v", apart, err)
			}
		}
		w.clock.Advance(time.Hour)
		next, _, err := a.RefreshCounted(t.Context(), first.Refresh, phone, g.Ticket(attempts.Refresh, shopper))
		w.must(err)
		if next.Outcome != tokens.OutcomeRotated {
			t.Errorf("apart %v: %s", apart, next.Outcome)
		}
	}
}

// A session of the previous release has no proofs: its first refresh reads the salt first.
func TestASessionOfThePreviousReleaseGoesOn(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.login(a, alice)
		w.must(w.rdb.HDel(t.Context(), "cocart:s:"+pair.Session, "p").Err())
		asked := w.countCommands()
		next := w.refresh(a, pair.Refresh)
		asked.reset()
		last := w.refresh(a, next.Refresh)
		if n := asked.reset(); n > 2 { // evalsha, and eval where the script is new
			t.Errorf("the second refresh needed %d commands", n)
		}
		w.accessIs(a, last.Access, nil)
	})
}

// Many clients behind one address are each given a turn of their own.
func TestEachClientBehindAnAddressGetsItsTurn(t *testing.T) {
	w := embedded(t)
	g, err := attempts.New(attempts.Config{Refresh: attempts.Limit{N: 60, Per: time.Minute}, Secret: []byte(tokenstest.Secret), KeyPrefix: "cocart:", Now: w.clock.Now}, wprequest.NameKey, w.rdb)
	w.must(err)
	var waits []int
	for i := range 300 {
		ticket := g.Ticket(attempts.Refresh, shopper)
		ticket.For(string(rune('a' + i)))
		if e, ok := ticket.Alone(t.Context()).(*attempts.Exceeded); ok {
			waits = append(waits, e.State.RetryAfter)
		}
	}
	if len(waits) != 240 || waits[0] != 1 || waits[239] != 240 {
		t.Errorf("%d wait, the first %d s, the last %d s", len(waits), waits[0], waits[len(waits)-1])
	}
}
