package attempts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is what a Guard needs to know. A zero Limit is none.
type Config struct {
	Account      Limit // wrong passwords of one account
	Address      Limit // wrong passwords from one address
	Overall      Limit // wrong passwords from everybody
	SecondFactor Limit // wrong second factors of one account
	Refresh      Limit // refreshes from one address
	Validate     Limit // validations from one address

	// Secret is shared by all gateways of a shop, at least 32 bytes; see the package comment.
	Secret []byte
	// KeyPrefix is that of the other keys in Redis.
	KeyPrefix string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log hears when Redis goes away and when it is back; nil means nobody does.
	Log *slog.Logger
}

// Guard counts. It is safe for concurrent use.
type Guard struct {
	cfg     Config
	shared  *shared
	local   *local
	breaker *breaker
	namer   namer
	known   *known
}

// New makes a Guard. It does no I/O: Redis may be away.
func New(cfg Config, rdb redis.UniversalClient) (*Guard, error) {
	if err := cfg.problems(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	right, err := newKnown()
	if err != nil {
		return nil, fmt.Errorf("attempts: %w", err)
	}
	return &Guard{
		cfg: cfg, shared: &shared{rdb, cfg.KeyPrefix}, local: newLocal(localSize), breaker: &breaker{},
		namer: newNamer(cfg.Secret), known: right,
	}, nil
}

// Next makes a Guard with other limits that counts on where g is, in Redis and without it. KeyPrefix, Now and Log stay
// those of g. An attempt that began with g is settled by its limits. With another Secret names are hashed to other
// keys, so every counter begins again.
func (g *Guard) Next(cfg Config) (*Guard, error) {
	if err := cfg.problems(); err != nil {
		return nil, err
	}
	cfg.KeyPrefix, cfg.Now, cfg.Log = g.cfg.KeyPrefix, g.cfg.Now, g.cfg.Log
	next := *g
	next.cfg, next.namer = cfg, newNamer(cfg.Secret)
	return &next, nil
}

func (cfg Config) problems() error {
	err := errors.Join(
		cfg.Account.problem("of an account"), cfg.Address.problem("of an address"), cfg.Overall.problem("overall"),
		cfg.SecondFactor.problem("of second factors"), cfg.Refresh.problem("of refreshes"), cfg.Validate.problem("of validations"))
	if len(cfg.Secret) < 32 {
		err = errors.Join(err, fmt.Errorf("secret: must be at least 32 bytes, is %d", len(cfg.Secret)))
	}
	if err != nil {
		return fmt.Errorf("attempts: %w", err)
	}
	return nil
}

// Request is what Allow counts. The words are part of the keys in Redis.
type Request string

// The requests.
const (
	Refresh  Request = "refresh"
	Validate Request = "validate"
)

// Allow counts a request of an address. The State is nil if there is no limit. The error is an [Exceeded].
func (g *Guard) Allow(ctx context.Context, what Request, client netip.Addr) (*State, error) {
	limit := g.cfg.Refresh
	if what == Validate {
		limit = g.cfg.Validate
	}
	if limit.Off() {
		return nil, nil
	}
	d := draw{Address, "a:" + string(what) + ":" + g.namer.address(client), limit, 1}
	out, _, now := g.spend(ctx, []draw{d})
	state := limit.state(out[0].full, now)
	if !out[0].ok {
		return &state, &Exceeded{Address, state}
	}
	return &state, nil
}

func (g *Guard) now() int64 { return g.cfg.Now().UnixMicro() }

// spend counts in Redis, or here while Redis is away, and says where. A client that left does not end it: what was
// taken has been taken.
func (g *Guard) spend(ctx context.Context, draws []draw) ([]outcome, counters, int64) {
	now := g.now()
	if !g.breaker.open(now) {
		out, err := g.shared.spend(context.WithoutCancel(ctx), now, draws)
		if err == nil {
			g.back()
			return out, g.shared, now
		}
		g.away(err, now)
	}
	out, _ := g.local.spend(ctx, now, draws) // never fails
	return out, g.local, now
}

// spendAt counts where an attempt began, and says where the rest of it is to be counted. Should Redis have gone away
// meanwhile, it is not waited for again, and what was taken there comes back with time.
func (g *Guard) spendAt(ctx context.Context, at counters, draws []draw) ([]outcome, counters) {
	if len(draws) == 0 {
		return nil, at
	}
	now := g.now()
	out, err := at.spend(context.WithoutCancel(ctx), now, draws)
	if err == nil {
		return out, at
	}
	g.away(err, now)
	out, _ = g.local.spend(ctx, now, draws) // never fails
	return out, g.local
}

func (g *Guard) away(err error, now int64) {
	if g.breaker.trip(now) {
		g.cfg.Log.Warn("attempts cannot be counted in Redis, so this gateway counts by itself", "cause", err.Error())
	}
}

func (g *Guard) back() {
	if g.breaker.mend() {
		g.cfg.Log.Info("attempts are counted in Redis again")
	}
}

// users returns whom names belong to, as far as it is known.
func (g *Guard) users(ctx context.Context, names []string) []int64 {
	now := g.now()
	if len(names) == 0 || g.breaker.open(now) {
		return g.local.aliases(names)
	}
	users, err := g.shared.aliases(context.WithoutCancel(ctx), names)
	if err != nil {
		g.away(err, now)
		return g.local.aliases(names)
	}
	return users
}

// remember keeps whose a name is. A client that left does not end it.
func (g *Guard) remember(ctx context.Context, name string, user int64) {
	g.local.remember(name, user)
	if now := g.now(); !g.breaker.open(now) {
		if err := g.shared.remember(context.WithoutCancel(ctx), name, user); err != nil {
			g.away(err, now)
		}
	}
}
