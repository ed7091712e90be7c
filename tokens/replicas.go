package tokens

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/budget"
	"cocart-gateway/tokens/revocation"
)

// A failover loses what the new master does not have yet: customers whose login was answered are logged out at
// their next refresh. With Config.WaitReplicas a login and a logout are answered once so many replicas have them.
//
// Replicas that are too slow do not keep customers from logging in: the answer is given all the same, counted and logged. The
// client is asked to try again where the write is lost: if another server took over and does not have it, or if the connection
// broke while the gateway waited, as a master that is demoted closes its connections.

// waitShare is the part of the remaining time that replicas may take: the answer must arrive within it.
const waitShare = 0.75

// Outcomes of a wait, as the metric has them.
const (
	waitAcknowledged = "acknowledged"
	waitLate         = "late"
	waitLost         = "lost"
	waitBroken       = "broken"
)

// replicaWait is one wait, at the end of the pipeline that wrote.
type replicaWait struct{ cmd *redis.Cmd }

// queueWait adds the wait to a pipeline, behind the writes it is for. It adds nothing without redis.wait_replicas. On a cluster
// it would go to any server.
func (a *Authority) queueWait(ctx context.Context, pipe redis.Pipeliner) replicaWait {
	if a.cfg.WaitReplicas == 0 || a.store.apart.Load() {
		return replicaWait{}
	}
	wait := max(1, milliseconds(time.Duration(float64(a.waitLeft(ctx))*waitShare))) // 0 would wait for ever
	return replicaWait{pipe.Do(ctx, "WAIT", a.cfg.WaitReplicas, wait)}
}

// waitLeft returns how much of the time of a request is left for Redis.
func (a *Authority) waitLeft(ctx context.Context) time.Duration {
	return a.cfg.WaitLimit - budget.Spent(ctx)
}

// waited looks at the answer once the pipeline was sent. The error says that the write is lost, or may be. The field of a session
// is part of the write; an empty one is not looked for.
func (a *Authority) waited(ctx context.Context, w replicaWait, id revocation.SessionID, field string) error {
	if w.cmd == nil {
		return nil
	}
	n, err := w.cmd.Int()
	var answered redis.Error
	switch {
	case err == nil && n >= a.cfg.WaitReplicas:
		a.metrics.waits.WithLabelValues(waitAcknowledged).Inc()
		return nil
	case err == nil, errors.As(err, &answered):
		if field != "" && a.lost(ctx, id, field) {
			a.metrics.waits.WithLabelValues(waitLost).Inc()
			return unavailable("waiting for replicas", errTakenOver)
		}
		a.metrics.waits.WithLabelValues(waitLate).Inc()
		a.cfg.Log.Warn("replicas of Redis did not acknowledge a login or logout in time", "acknowledged", n, "wanted", a.cfg.WaitReplicas, "cause", err)
		return nil
	}
	a.metrics.waits.WithLabelValues(waitBroken).Inc()
	return unavailable("waiting for replicas", err)
}

var errTakenOver = errors.New("another server took over from the master and does not have the write")

// lost reports whether another server took over from the master and does not have a field of a session. What cannot be found
// out in the time that is left is not lost.
func (a *Authority) lost(ctx context.Context, id revocation.SessionID, field string) bool {
	if a.cfg.Successor == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, a.waitLeft(ctx))
	defer cancel()
	successor, err := a.cfg.Successor(ctx)
	if err != nil || successor == nil {
		return false
	}
	defer func() { _ = successor.Close() }()
	return errors.Is(successor.HGet(ctx, a.store.session(id), field).Err(), redis.Nil)
}
