package tokens

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// Authority issues, judges, renews and ends tokens. It is safe for concurrent use. Run must be running for it to
// know what others revoked. Its settings never change; [Authority.Next] makes one with others.
type Authority struct {
	cfg       Config
	keys      *keys.Ring
	refreshes refreshRing
	cache     verifiedCache
	*memory
}

// memory is what outlives a change of settings.
type memory struct {
	store    store
	metrics  *metrics
	revoked  revocation.View
	follower follower
	notes    useNotes

	lifetimeNoted atomic.Int64      // Unix ms
	newest        revocation.Latest // creation of the youngest session issued here (Unix ms)
	inForce       atomic.Pointer[Authority]

	// Only Run touches these.
	notesWritten time.Time
	tended       time.Time
}

// New makes an Authority. It does no I/O: Redis may be away. It adds hooks to rdb, to measure its commands, and
// registers the metrics, so a second Authority needs a registry of its own. An error names everything that is wrong
// with the configuration.
func New(cfg Config, rdb redis.UniversalClient, reg prometheus.Registerer) (*Authority, error) {
	m := &memory{}
	a, err := newSettings(cfg.withDefaults(), m)
	if err != nil {
		return nil, err
	}
	m.metrics = newMetrics(m, a.cfg.Now)
	if err := reg.Register(a.metrics); err != nil {
		return nil, fmt.Errorf("tokens: registering metrics: %w", err)
	}
	if a.cache, err = newVerifiedCache(a.cfg.VerifiedCache, m.metrics); err != nil {
		return nil, fmt.Errorf("tokens: making the verified token cache: %w", err)
	}
	rdb.AddHook(commandTimer{a.metrics})
	if client, ok := rdb.(*redis.ClusterClient); ok {
		rdb.AddHook(cluster.ReloadOnFailure(client))
	}
	m.store = store{rdb, a.cfg.KeyPrefix}
	m.follower.position, m.follower.began = "0", a.cfg.Now()
	m.inForce.Store(a)
	return a, nil
}

func newSettings(cfg Config, m *memory) (*Authority, error) {
	a := &Authority{cfg: cfg, keys: keys.NewRing(cfg.Keys),
		refreshes: newRefreshRing(cfg.RefreshSecrets, cfg.Keys), memory: m}
	_, unsigned := a.keys.Signer(cfg.Now())
	if err := errors.Join(cfg.problems(), unsigned); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return a, nil
}

// JWKS returns the public keys that verify access tokens now as a JWK set (RFC 7517), in the order of Config.Keys.
func (a *Authority) JWKS() []byte { return a.keys.JWKS(a.cfg.Now()) }
