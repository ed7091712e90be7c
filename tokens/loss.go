package tokens

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/epoch"
	"cocart-gateway/tokens/revocation"
)

// Redis can come back with older data: from a snapshot, emptied, or after it dropped keys. Then sessions that ended live
// again there. A gateway that kept running knows better: it notices that the log no longer has the entry that it read last,
// and writes back all that it knows, to the log, to the cutoffs and to the sessions themselves. A refresh token that is
// ahead of what Redis has needs no such knowledge: see rotate.lua.
//
// What no gateway knew is lost all the same. Package epoch finds that out, also for a gateway that begins after the loss.

// OnLoss is the policy for tokens from before a loss of data in Redis that no operator confirmed.
type OnLoss string

// The policies for lost data.
const (
	ServeLoss   OnLoss = "serve"        // verify by what is known (default)
	RefreshLoss OnLoss = "refresh_only" // access tokens are refused as DataLost, so that clients refresh
	DenyLoss    OnLoss = "deny"         // access and refresh tokens of the sessions are refused as DataLost
)

// lookForLoss renews the mark of this process in Redis, and follows up on what became of it. What Redis answers instead, as it
// does when its memory is full, ends nothing: the mark is renewed again soon.
func (a *Authority) lookForLoss(ctx context.Context) error {
	found, err := a.epoch.Beat(ctx, epoch.Usage{Life: a.cfg.RefreshTTL + outlives, Kept: a.cfg.AccessTTL, Newest: a.log.Newest(),
		LogKey: a.store.revocations(), UsedKey: a.store.lifetimes()})
	var answered redis.Error
	switch {
	case errors.As(err, &answered):
		return nil
	case err != nil:
		return unavailable("marking the store", err)
	}
	if found.Back {
		a.log.LostData()
	}
	if found.New != "" {
		a.cfg.Log.Error("Redis lost data: sessions that ended may be alive in it; see revocation.on_loss, and confirm with sessions keep",
			"why", string(found.New), "on_loss", string(a.cfg.OnLoss))
	}
	return nil
}

// DataLoss returns the last loss of data in Redis that no operator confirmed, as Run saw it; Open reports whether there is one.
func (a *Authority) DataLoss() epoch.State { return a.epoch.Now() }

// KeepData notes in Redis that an operator found its data to be good after a loss. Running gateways see it within a second.
func (a *Authority) KeepData(ctx context.Context) (epoch.State, error) {
	was, err := epoch.Read(ctx, a.store.UniversalClient, a.store.prefix)
	if err == nil {
		err = epoch.Confirm(ctx, a.store.UniversalClient, a.store.prefix)
	}
	if err != nil {
		return was, unavailable("confirming the data", err)
	}
	return was, nil
}

// fromBeforeLoss reports whether OnLoss refuses an access token. Of the PHP plugin's tokens those are, which may be older than
// the store.
func (a *Authority) fromBeforeLoss(v *verified) bool {
	if a.cfg.OnLoss == ServeLoss {
		return false
	}
	s := a.epoch.Now()
	lost := s.Lost
	if s.From.After(lost) && !v.fromPlugin() {
		lost = s.From
	}
	return v.created <= lost.UnixMilli() && (a.cfg.OnLoss == DenyLoss || !v.access.IssuedAt.After(lost))
}

// lossUnknown reports whether OnLoss refuses all tokens, because this process has not yet seen in Redis whether data were lost.
func (a *Authority) lossUnknown() bool { return a.cfg.OnLoss == DenyLoss && !a.epoch.Begun() }

var errNotLookedYet = errors.New("whether Redis lost data was not found out yet")

// lostUntil returns up to when OnLoss takes what began for older than a loss (Unix ms by the clock of Redis); 0 without a loss.
func (a *Authority) lostUntil() int64 {
	if a.cfg.OnLoss == ServeLoss {
		return 0
	}
	s := a.epoch.Now()
	return max(0, s.Lost.UnixMilli(), s.From.UnixMilli())
}

// sessionFromBeforeLoss reports whether OnLoss refuses the refresh tokens of a session.
func (a *Authority) sessionFromBeforeLoss(id revocation.SessionID) bool {
	return a.cfg.OnLoss == DenyLoss && id.Created() <= a.lostUntil()
}

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
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range some {
			p.XAdd(ctx, a.log.Command(e))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.endSome(ctx, some)
}

// endAgain writes again what ended by entries of the log: a failover may have lost the tombstones and cutoffs with them. What ended
// already stays as it is.
func (a *Authority) endAgain(ctx context.Context, entries []revocation.Entry) error {
	for some := range slices.Chunk(entries, restoreBatch) {
		if err := a.endSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (a *Authority) endSome(ctx context.Context, some []revocation.Entry) error {
	now, life := a.cfg.Now().UnixMilli(), milliseconds(a.cfg.RefreshTTL+outlives)
	var calls []cluster.Call
	for _, e := range some {
		if id, grace, ended := e.EndedSession(); ended {
			cause := CauseOther
			if grace { // its other tabs still get the pair
				cause = CauseHandedBack
			}
			calls = append(calls, a.store.endCall(id, now, cause, a.cfg.tombstone(), ""))
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
	return cluster.Run(ctx, a.store.UniversalClient, calls)
}
