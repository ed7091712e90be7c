package tokens

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

var (
	//go:embed rotate.lua
	rotateSource string
	//go:embed end.lua
	endSource string
	//go:embed settle.lua
	settleSource string
	//go:embed use.lua
	useSource string

	rotateScript = redis.NewScript(rotateSource)
	endScript    = redis.NewScript(endSource)
	settleScript = redis.NewScript(settleSource)
	useScript    = redis.NewScript(useSource)
)

const (
	// outlives is how long a session's hash stays after its limit, so that a late client gets Expired and not Unknown.
	outlives = 24 * time.Hour
	// tombstoneLife is how long an ended session is remembered, so that a late client gets Ended and not Unknown.
	tombstoneLife = 7 * 24 * time.Hour
)

// store reads and writes sessions in Redis. No command or script uses more than one key, so keys may be in any slots.
type store struct {
	redis.UniversalClient
	prefix string
}

func (s store) session(id revocation.SessionID) string { return s.prefix + "s:" + id.String() }
func (s store) index(userID int64) string              { return s.prefix + "u:" + decimal(userID) }
func (s store) userCutoffs(userID int64) string        { return s.prefix + "c:" + decimal(userID) }
func (s store) allCutoff() string                      { return s.prefix + "cutoff" }
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

// step is the answer of rotate.lua.
type step struct {
	outcome    Outcome
	generation uint64 // the current one, after the step
	owed       string // what the revocation log does not have yet
}

// The modes of rotate.lua.
const (
	rotateMode = ""
	peekMode   = "peek" // decide, and write nothing
)

// ownClient stands for the client of the session's last refresh.
const ownClient = "own"

func (s store) rotate(ctx context.Context, t refreshToken, from Client, client string, cfg Config, mode string) (step, error) {
	answer, err := rotateScript.Run(ctx, s, []string{s.session(t.session)},
		t.generation, cfg.Now().UnixMilli(), milliseconds(cfg.RefreshGrace), string(cfg.LostAnswer),
		milliseconds(cfg.RefreshTTL), milliseconds(cfg.SessionTTL), from.Address, from.Device,
		milliseconds(outlives), milliseconds(cfg.tombstone()), mode,
		client, string(cfg.ReuseBySameClient), milliseconds(cfg.reuseWindow())).StringSlice()
	if err != nil {
		return step{}, err
	}
	if len(answer) != 3 {
		return step{}, fmt.Errorf("the rotation script answered %d values instead of 3", len(answer))
	}
	generation, err := strconv.ParseUint(answer[1], 10, 64)
	return step{outcome: Outcome(answer[0]), generation: generation, owed: answer[2]}, err
}
