package tokens

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/revocation"
)

// Redis can come back with older data: from a snapshot, emptied, or after it dropped keys. Then sessions that ended live
// again there. A gateway that kept running knows better: it notices that the log no longer has the entry that it read last,
// and writes back all that it knows, to the log, to the cutoffs and to the sessions themselves. A refresh token that is
// ahead of what Redis has needs no such knowledge: see rotate.lua.

// restoreBatch is how many entries are written in one round trip.
const restoreBatch = 500

// restore writes back to Redis what this process knows of ended sessions.
func (a *Authority) restore(ctx context.Context) error {
	a.metrics.losses.Inc()
	a.cfg.Log.Error("Redis came back with older data: writing back which sessions ended; check its persistence")
	n := 0
	for some := range slices.Chunk(slices.Collect(a.revoked.Entries()), restoreBatch) {
		if err := a.restoreSome(ctx, some); err != nil {
			return err
		}
		n += len(some)
	}
	a.cfg.Log.Warn("what Redis lost of ended sessions was written back", "entries", n)
	return nil
}

func (a *Authority) restoreSome(ctx context.Context, some []revocation.Entry) error {
	now, life := a.cfg.Now().UnixMilli(), milliseconds(a.cfg.RefreshTTL+outlives)
	var calls []cluster.Call
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range some {
			p.XAdd(ctx, a.log.Command(e))
			if id, ended := e.EndedSession(); ended {
				calls = append(calls, cluster.Call{Script: endScript, Key: a.store.session(id),
					Args: []any{now, string(CauseOther), milliseconds(a.cfg.tombstone())}})
			}
			user, fingerprint, at, cut := e.Cutoff()
			switch {
			case cut && user > 0:
				calls = append(calls, cluster.Call{Script: raiseScript, Key: a.store.userCutoffs(user),
					Args: []any{life, cutoffField(fingerprint), at, anyFingerprint, a.revoked.LatestPluginCutoff(user)}})
			case cut:
				calls = append(calls, cluster.Call{Script: raiseScript, Key: a.store.allCutoff(), Args: []any{life, "", at}})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return cluster.Run(ctx, a.store.UniversalClient, calls)
}
