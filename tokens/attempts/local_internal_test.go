package attempts

import (
	"context"
	"strconv"
	"testing"
	"time"
)

func TestCountersInThisProcessAreBoundedAndAFloodSavesNoLockedAccount(t *testing.T) {
	l, limit := newLocal(100), Limit{3, 15 * time.Minute}
	target := draw{Account, "a:account:name:alice", limit, 1}
	for range 3 {
		_, _ = l.spend(context.Background(), 1, []draw{target})
	}
	for i := range 10_000 {
		_, _ = l.spend(context.Background(), 1, []draw{{Account, "a:account:name:" + strconv.Itoa(i), limit, 1}})
	}
	if len(l.full) > 100 {
		t.Errorf("%d counters are kept", len(l.full))
	}
	if out, _ := l.spend(context.Background(), 1, []draw{target}); out[0].ok {
		t.Error("the flood unlocked the account")
	}
	_, _ = l.spend(context.Background(), time.Hour.Microseconds(), []draw{{Account, "later", limit, 1}})
	if out, _ := l.spend(context.Background(), time.Hour.Microseconds(), []draw{{Account, target.key, limit, 0}}); !out[0].ok || l.full[target.key] != 0 {
		t.Error("what is over is kept")
	}
}
