package tokens

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/budget"
)

// A failover loses what the new master does not have yet: customers whose login was answered are logged out at
// their next refresh. With Config.WaitReplicas a login and a logout are answered once so many replicas have them.
//
// Replicas that are too slow do not keep customers from logging in: the answer is given all the same, counted and logged. A
// connection that breaks while the gateway waits is another matter: a master that is demoted closes its connections, so the
// write may be lost, and the client is asked to try again.

// waitShare is the part of the remaining time that replicas may take: the answer must arrive within it.
const waitShare = 0.75

// Outcomes of a wait, as the metric has them.
const (
	waitAcknowledged = "acknowledged"
	waitLate         = "late"
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
	left := a.cfg.WaitLimit - budget.Spent(ctx)
	wait := max(1, milliseconds(time.Duration(float64(left)*waitShare))) // 0 would wait for ever
	return replicaWait{pipe.Do(ctx, "WAIT", a.cfg.WaitReplicas, wait)}
}

// waited looks at the answer once the pipeline was sent. The error says that the write may be lost.
func (a *Authority) waited(w replicaWait) error {
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
		a.metrics.waits.WithLabelValues(waitLate).Inc()
		a.cfg.Log.Warn("replicas of Redis did not acknowledge a login or logout in time", "acknowledged", n, "wanted", a.cfg.WaitReplicas, "cause", err)
		return nil
	}
	a.metrics.waits.WithLabelValues(waitBroken).Inc()
	return unavailable("waiting for replicas", err)
}
