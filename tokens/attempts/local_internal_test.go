package attempts

import (
	"strconv"
	"testing"
	"time"
)

func TestCountersInThisProcessAreBoundedAndAFloodSavesNoLockedAccount(t *testing.T) {
	l, limit := newLocal(100), Limit{3, 15 * time.Minute}
	target := draw{scope: Account, key: "a:account:name:alice", limit: limit, cost: 1}
	for range 3 {
		l.spend(1, target)
	}
	for i := range 10_000 {
		l.spend(1, draw{scope: Account, key: "a:account:name:" + strconv.Itoa(i), limit: limit, cost: 1})
	}
	if len(l.full) > 100 {
		t.Errorf("%d counters are kept", len(l.full))
	}
	if l.spend(1, target).ok {
		t.Error("the flood unlocked the account")
	}
	l.spend(time.Hour.Microseconds(), draw{scope: Account, key: "later", limit: limit, cost: 1})
	target.cost = 0
	if out := l.spend(time.Hour.Microseconds(), target); !out.ok || l.full[target.key] != 0 {
		t.Error("what is over is kept")
	}
}
