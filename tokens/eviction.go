package tokens

import (
	"context"
	"strings"
)

// EvictionPolicy asks Redis what it does when its memory is full; "" when it does not say. Anything but "noeviction"
// can drop sessions and revocations, whose keys all have an expiry or no reader for a while.
func (a *Authority) EvictionPolicy(ctx context.Context) (string, error) {
	info, err := a.store.Info(ctx, "memory").Result()
	if err != nil {
		return "", unavailable("asking Redis for its eviction policy", err)
	}
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok {
			return policy, nil
		}
	}
	return "", nil
}

// reportEviction warns at start. A server that may not be asked is no fault of the operator.
func (a *Authority) reportEviction(ctx context.Context) {
	policy, err := a.EvictionPolicy(ctx)
	if err != nil || policy == "" || policy == "noeviction" {
		return
	}
	a.cfg.Log.Warn("Redis may drop sessions and revocations when its memory is full: set maxmemory-policy noeviction", "policy", policy)
}
