package attempts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cache"
)

// Config is the configuration of a Guard. A zero Limit means no limit.
type Config struct {
	Account      Limit // wrong passwords of one account
	Address      Limit // wrong passwords from one address
	Subnet       Limit // wrong passwords from an IPv6 /56
	Network      Limit // wrong passwords from an IPv6 /48 or an IPv4 /24
	Overall      Limit // wrong passwords from all networks without a good record
	SecondFactor Limit // wrong second factors of one account
	Refresh      Limit // refreshes from one address
	Validate     Limit // validations from one address
	Requests     Limit // other requests from one address
	// SessionRequests limits other requests of one session.
	SessionRequests Limit

	// AccountNetwork counts the wrong passwords of an account from one network. While other limits refuse, an account
	// passes by it from a network that it logged in from before. If it is zero, no account passes.
	AccountNetwork Limit
	// Newcomer admits an address with few wrong passwords to an account that others locked, and while the overall limit
	// is exceeded.
	Newcomer Newcomer

	// Wait is how long a refused attempt waits for others that WordPress is checking; 0: not at all.
	Wait time.Duration

	// Secret is shared by all gateways of a shop, at least 32 bytes; see the package comment.
	Secret []byte
	// KeyPrefix is that of the other keys in Redis.
	KeyPrefix string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log records when Redis goes away and when it is back; nil means no log.
	Log *slog.Logger
}

// Newcomer has the limits for clients without a good record that other limits refuse. If one of them is zero, no client
// is admitted in this way.
type Newcomer struct {
	Account Limit // wrong passwords of one account that is locked
	Address Limit // wrong passwords from one address
	Network Limit // wrong passwords from an IPv6 /48 or an IPv4 /24
}

// Off reports whether no client is admitted as a newcomer.
func (n Newcomer) Off() bool { return n.Account.Off() || n.Address.Off() || n.Network.Off() }

// Guard counts attempts and requests. It is safe for concurrent use.
type Guard struct {
	cfg     Config
	shared  *shared
	local   *local
	breaker *breaker
	namer   namer
	known   *known
	seen    *cache.Cache[int64] // the day on which an account and a network were noted
	waiting *waiting
	flights *flights
	soon    *soon
}

// New makes a Guard. It does no I/O: Redis may be away. spelling returns one text for all spellings of a name that are of
// one account, so that another spelling is no new counter.
func New(cfg Config, spelling func(name string) string, rdb redis.UniversalClient) (*Guard, error) {
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
	noted, err := cache.New[int64](seenSize)
	if err != nil {
		return nil, fmt.Errorf("attempts: %w", err)
	}
	return &Guard{
		cfg: cfg, shared: newShared(rdb, cfg.KeyPrefix), local: newLocal(localSize), breaker: &breaker{},
		namer: newNamer(cfg.Secret, spelling), known: right, seen: noted, waiting: newWaiting(), flights: newFlights(), soon: newSoon(),
	}, nil
}

// Next makes a Guard with other limits and the counters of g, in Redis and in this process. KeyPrefix, Now and Log stay
// those of g. An attempt that began with g is settled by the limits of g. With another Secret names are hashed to other
// keys, so every counter begins at zero.
func (g *Guard) Next(cfg Config) (*Guard, error) {
	if err := cfg.problems(); err != nil {
		return nil, err
	}
	cfg.KeyPrefix, cfg.Now, cfg.Log = g.cfg.KeyPrefix, g.cfg.Now, g.cfg.Log
	next := *g
	next.cfg, next.namer = cfg, newNamer(cfg.Secret, g.namer.spelling)
	return &next, nil
}

func (cfg Config) problems() error {
	err := errors.Join(
		cfg.Account.problem("of an account"), cfg.Address.problem("of an address"), cfg.Overall.problem("overall"),
		cfg.Subnet.problem("of an IPv6 /56"), cfg.Network.problem("of a network"), cfg.AccountNetwork.problem("of an account in a network"),
		cfg.Newcomer.Account.problem("of newcomers to an account"), cfg.Newcomer.Address.problem("of newcomers from an address"),
		cfg.Newcomer.Network.problem("of newcomers from a network"),
		cfg.SecondFactor.problem("of second factors"), cfg.Refresh.problem("of refreshes"), cfg.Validate.problem("of validations"),
		cfg.Requests.problem("of requests"), cfg.SessionRequests.problem("of requests of a session"))
	if len(cfg.Secret) < 32 {
		err = errors.Join(err, fmt.Errorf("secret: must be at least 32 bytes, is %d", len(cfg.Secret)))
	}
	if err != nil {
		return fmt.Errorf("attempts: %w", err)
	}
	return nil
}

func (g *Guard) now() int64 { return g.cfg.Now().UnixMicro() }

// apply counts in Redis, or in this process while Redis is away, and returns where it counted. It goes on when the client
// has left: what was taken stays taken.
func (g *Guard) apply(ctx context.Context, b batch) (results, counters, int64) {
	now := g.now()
	if !g.breaker.open(now) {
		done, err := g.shared.apply(context.WithoutCancel(ctx), now, b)
		if err == nil {
			g.back()
			g.local.note(now, b)
			return done, g.shared, now
		}
		g.away(err, now)
	}
	done, _ := g.local.apply(ctx, now, b) // never fails
	return done, g.local, now
}

// applyAt counts where an attempt began, and returns where the rest of it must be counted. If Redis went away meanwhile,
// the attempt does not wait for it again; what was taken there comes back with time.
func (g *Guard) applyAt(ctx context.Context, at counters, b batch) (results, counters) {
	if b.empty() {
		return results{}, at
	}
	now := g.now()
	done, err := at.apply(context.WithoutCancel(ctx), now, b)
	if err == nil {
		if at != counters(g.local) {
			g.local.note(now, b)
		}
		return done, at
	}
	g.away(err, now)
	done, _ = g.local.apply(ctx, now, b) // never fails
	return done, g.local
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
