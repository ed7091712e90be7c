package tokens

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/epoch"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/refreshtoken"
	"cocart-gateway/tokens/revocation"
	"cocart-gateway/tokens/revocationlog"
)

// Authority issues, verifies, refreshes and revokes tokens. It is safe for concurrent use. It knows what other gateways
// revoked only while Run is running. Its settings never change; [Authority.Next] makes one with other settings.
type Authority struct {
	cfg       Config
	keys      *keys.Ring
	refreshes refreshtoken.Ring
	cache     verifiedCache
	*memory
}

// memory is the state that survives a change of settings.
type memory struct {
	store   store
	metrics *metrics
	revoked revocation.View
	log     *revocationlog.Log
	epoch   *epoch.Watch
	notes   useNotes

	lifetimeNoted atomic.Int64      // Unix ms
	newest        revocation.Latest // creation of the newest session issued here (Unix ms)
	inForce       atomic.Pointer[Authority]

	// Only Run touches these.
	notesWritten time.Time
	tended       time.Time
	clock        clockWatch
	redisTime    func(context.Context) (time.Time, error)
}

// New makes an Authority. It does no I/O: Redis may be away. It adds hooks to rdb, to measure its commands, and
// registers the metrics, so a second Authority needs a registry of its own. The error names every problem of the
// configuration.
func New(cfg Config, rdb redis.UniversalClient, reg prometheus.Registerer) (*Authority, error) {
	a, err := NewUnmeasured(cfg, rdb, reg)
	if err != nil {
		return nil, err
	}
	return a, MeasureCommands(rdb, reg)
}

// NewUnmeasured makes an Authority on a client that it may share with those of other shops. It adds no hooks to rdb: call
// MeasureCommands once for each client.
func NewUnmeasured(cfg Config, rdb redis.UniversalClient, reg prometheus.Registerer) (*Authority, error) {
	m := &memory{}
	a, err := newSettings(cfg.WithDefaults(), m)
	if err != nil {
		return nil, err
	}
	m.store = newStore(rdb, a.cfg.KeyPrefix)
	m.log = revocationlog.New(revocationlog.Config{Client: rdb, Key: m.store.revocations(), View: &m.revoked, Now: a.cfg.Now, Logger: a.cfg.Log, Reader: a.cfg.Reader,
		Restore: func(ctx context.Context) error { return m.inForce.Load().restore(ctx) },
		EndAgain: func(ctx context.Context, entries []revocation.Entry) error {
			return m.inForce.Load().endAgain(ctx, entries)
		}, Unavailable: unavailable})
	m.epoch = epoch.New(rdb, a.cfg.KeyPrefix)
	m.metrics = newMetrics(m)
	if err := reg.Register(a.metrics); err != nil {
		return nil, fmt.Errorf("tokens: registering metrics: %w", err)
	}
	if a.cache, err = newVerifiedCache(a.cfg.VerifiedCache, m.metrics); err != nil {
		return nil, fmt.Errorf("tokens: making the verified token cache: %w", err)
	}
	m.redisTime = func(ctx context.Context) (time.Time, error) { return m.store.Time(ctx).Result() }
	m.inForce.Store(a)
	return a, nil
}

// MeasureCommands registers the metric of the commands of a client and adds the hooks that every client of an Authority
// needs.
func MeasureCommands(rdb redis.UniversalClient, reg prometheus.Registerer) error {
	timer := newCommandTimer()
	if err := reg.Register(timer.commands); err != nil {
		return fmt.Errorf("tokens: registering metrics: %w", err)
	}
	rdb.AddHook(timer)
	if client, ok := rdb.(*redis.ClusterClient); ok {
		rdb.AddHook(cluster.ReloadOnFailure(client))
	}
	return nil
}

func newSettings(cfg Config, m *memory) (*Authority, error) {
	a := &Authority{cfg: cfg, keys: keys.NewRing(cfg.Keys),
		refreshes: refreshtoken.NewRing(cfg.RefreshSecrets, cfg.Keys), memory: m}
	_, unsigned := a.keys.Signer(cfg.Now())
	if err := errors.Join(cfg.problems(), unsigned); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return a, nil
}

// JWKS returns the public keys that verify access tokens now as a JWK set (RFC 7517), in the order of Config.Keys.
func (a *Authority) JWKS() []byte { return a.keys.JWKS(a.cfg.Now()) }

// Next makes an Authority with other settings and the same state: it knows the same revocations, uses the same Redis and
// counts in the same metrics. KeyPrefix, Now and Log stay those of a. Nothing changes before TakeOver. The error names
// every problem of the settings, and a stays as it is.
//
// Both may be used at once: a request that began with a ends with it, under its keys and lifetimes. Only the next one
// refuses a token of a key that was removed.
func (a *Authority) Next(cfg Config) (*Authority, error) {
	cfg.KeyPrefix, cfg.Now, cfg.Log = a.cfg.KeyPrefix, a.cfg.Now, a.cfg.Log
	next, err := newSettings(cfg.WithDefaults(), a.memory)
	if err != nil {
		return nil, err
	}
	if reflect.DeepEqual(a.cfg.verifiedBy(), next.cfg.verifiedBy()) {
		next.keys, next.cache = a.keys, a.cache // tokens in the cache point to keys of a's ring
		return next, nil
	}
	if next.cache, err = newVerifiedCache(next.cfg.VerifiedCache, a.metrics); err != nil {
		return nil, fmt.Errorf("tokens: making the verified token cache: %w", err)
	}
	return next, nil
}

// TakeOver makes Run go on with the settings of a.
func (a *Authority) TakeOver() {
	before := a.inForce.Swap(a)
	if before.cfg.AccessTTL != a.cfg.AccessTTL {
		a.lifetimeNoted.Store(0) // the first token notes the new lifetime for the other gateways
	}
	if before.cache != a.cache {
		before.cache.entries.Empty()
	}
}

// verifiedBy is what a token in the verified cache was checked with. Expiry, retired keys and revocations are checked on
// every use.
type verifiedBy struct {
	issuer, audience string
	keys             []keys.Key
	plugin           PluginTokens
	cacheSize        int
}

func (c Config) verifiedBy() verifiedBy {
	return verifiedBy{c.Issuer, c.Audience, c.Keys, c.Plugin, c.VerifiedCache}
}
