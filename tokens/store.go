package tokens

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/revocation"
)

var (
	//go:embed finish.lua
	finishSource string
	//go:embed rotate.lua
	rotateSource string
	//go:embed step.lua
	stepSource string
	//go:embed refresh.lua
	refreshSource string
	//go:embed write.lua
	writeSource string
	//go:embed newest.lua
	newestSource string
	//go:embed note.lua
	noteSource string
	//go:embed issue.lua
	issueSource string
	//go:embed end.lua
	endSource string
	//go:embed raise.lua
	raiseSource string
	//go:embed settle.lua
	settleSource string
	//go:embed use.lua
	useSource string
	//go:embed rebind.lua
	rebindSource string

	stepScript   = redis.NewScript(finishSource + rotateSource + stepSource)
	issueScript  = redis.NewScript(finishSource + newestSource + issueSource)
	noteScript   = redis.NewScript(newestSource + noteSource)
	writeScript  = redis.NewScript(writeSource)
	endScript    = redis.NewScript(finishSource + endSource)
	raiseScript  = redis.NewScript(raiseSource)
	settleScript = redis.NewScript(settleSource)
	useScript    = redis.NewScript(useSource)
	rebindScript = redis.NewScript(rebindSource)
)

const (
	// outlives is how long a session's hash stays after its limit, so that a late client gets Expired and not Unknown.
	outlives = 24 * time.Hour
	// tombstoneLife is how long an ended session is remembered, so that a late client gets Ended and not Unknown.
	tombstoneLife = 7 * 24 * time.Hour
)

// store reads and writes sessions in Redis. While apart is set no command or script uses more than one key, so keys may be
// in any slots.
type store struct {
	redis.UniversalClient
	prefix string
	apart  *atomic.Bool // keys are on several servers
}

func newStore(rdb redis.UniversalClient, prefix string) store {
	s := store{rdb, prefix, &atomic.Bool{}}
	s.apart.Store(cluster.Several(rdb))
	return s
}

// foundApart reports whether an error says that the keys of a script are on several servers: behind a proxy that looks like
// one server. From then on each key is used by itself.
func (s store) foundApart(err error, log *slog.Logger) bool {
	if !cluster.Apart(err) {
		return false
	}
	if !s.apart.Swap(true) {
		log.Warn("Redis keeps keys on several servers, so a refresh needs two round trips: set redis.mode to cluster", "cause", err)
	}
	return true
}

func (s store) session(id revocation.SessionID) string { return s.prefix + "s:" + id.String() }
func (s store) index(userID int64) string              { return s.prefix + "u:" + decimal(userID) }
func (s store) userCutoffs(userID int64) string        { return s.prefix + "c:" + decimal(userID) }
func (s store) allCutoff() string                      { return s.prefix + "cutoff" }
func (s store) newest() string                         { return s.prefix + "newest" }
func (s store) revocations() string                    { return s.prefix + "revocations" }
func (s store) lifetimes() string                      { return s.prefix + "lifetimes" }

// load reads one session; nil if there is no such session.
func (s store) load(ctx context.Context, id revocation.SessionID) (*record, error) {
	return read(id, s.HMGet(ctx, s.session(id), recordFields...))
}

// loadAll reads many sessions in one round trip. A session that does not exist is nil.
func (s store) loadAll(ctx context.Context, ids []revocation.SessionID) ([]*record, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	answers := make([]*redis.SliceCmd, len(ids))
	_, err := s.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			answers[i] = p.HMGet(ctx, s.session(id), recordFields...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	records := make([]*record, len(ids))
	for i, id := range ids {
		if records[i], err = read(id, answers[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// missing returns nil for the error "no such key", and else the error.
func missing(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func milliseconds(d time.Duration) int64 { return int64(d / time.Millisecond) }
