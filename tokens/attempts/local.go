package attempts

import (
	"context"
	"sync"
)

// localSize is how many counters one gateway keeps while Redis is away: about 10 MiB.
const localSize = 100_000

// local counts in this process, in bounded memory.
type local struct {
	mu   sync.Mutex
	size int
	full map[string]int64
	user map[string]int64 // behind a name, for when Redis cannot tell
}

func newLocal(size int) *local {
	return &local{size: size, full: map[string]int64{}, user: map[string]int64{}}
}

func (l *local) aliases(names []string) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	users := make([]int64, len(names))
	for i, name := range names {
		users[i] = l.user[name]
	}
	return users
}

func (l *local) remember(name string, user int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other := range l.user {
		if len(l.user) < l.size {
			break
		}
		delete(l.user, other) // whichever: WordPress names it again
	}
	l.user[name] = user
}

func (l *local) spend(_ context.Context, now int64, draws []draw) ([]outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]outcome, len(draws))
	for i, d := range draws {
		after, ok := d.limit.spend(l.full[d.key], now, d.cost)
		out[i] = outcome{after, ok}
		if after <= now {
			delete(l.full, d.key)
			continue
		}
		if _, there := l.full[d.key]; !there && len(l.full) >= l.size {
			l.makeRoom(now)
		}
		l.full[d.key] = after
	}
	return out, nil
}

// makeRoom drops the emptiest of some counters, whichever Go's map offers first: one that is nearly used up, which
// somebody may want to be rid of, is never dropped for a flood of new ones.
func (l *local) makeRoom(now int64) {
	const looked = 32
	least, soonest, n := "", int64(0), 0
	for key, full := range l.full {
		if full <= now {
			delete(l.full, key)
			return
		}
		if least == "" || full < soonest {
			least, soonest = key, full
		}
		if n++; n == looked {
			break
		}
	}
	delete(l.full, least)
}
