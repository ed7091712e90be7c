package tokens

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Authority issues, judges, renews and ends tokens. It is safe for concurrent use. Run must be running for it to
// know what others revoked.
type Authority struct {
	cfg       Config
	store     store
	keys      *keyring
	plugin    *Key // of the PHP plugin's tokens; nil: they are refused
	refreshes refreshRing
	cache     verifiedCache
	metrics   *metrics
	revoked   revocations
	follower  follower
	notes     useNotes

	lifetimeNoted atomic.Int64 // Unix ms
	newest        atomic.Int64 // creation of the youngest session issued here (Unix ms)

	// Only Run touches these.
	notesWritten time.Time
	tended       time.Time
}

// New makes an Authority. It does no I/O: Redis may be away. It adds hooks to rdb, to measure its commands, and
// registers the metrics, so a second Authority needs a registry of its own. An error names everything that is wrong
// with the configuration.
func New(cfg Config, rdb redis.UniversalClient, reg prometheus.Registerer) (*Authority, error) {
	cfg = cfg.withDefaults()
	a := &Authority{cfg: cfg, keys: newKeyring(cfg.Keys), refreshes: newRefreshRing(cfg.RefreshSecrets, cfg.Keys)}
	_, unsigned := a.keys.signer(cfg.Now())
	if err := errors.Join(cfg.problems(), unsigned); err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	a.plugin = newPluginKey(cfg.PluginSecret)
	a.metrics = newMetrics(a)
	if err := reg.Register(a.metrics); err != nil {
		return nil, fmt.Errorf("tokens: registering metrics: %w", err)
	}
	var err error
	if a.cache, err = newVerifiedCache(cfg.VerifiedCache, a.metrics); err != nil {
		return nil, fmt.Errorf("tokens: making the verified token cache: %w", err)
	}
	rdb.AddHook(commandTimer{a.metrics})
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		rdb.AddHook(clusterReload{cluster})
	}
	a.store = store{rdb, cfg.KeyPrefix}
	a.follower.position, a.follower.began = "0", cfg.Now()
	return a, nil
}
