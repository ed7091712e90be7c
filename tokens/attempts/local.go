package attempts

import (
	"context"
	"strconv"
	"sync"
)

// localSize is how many counters one gateway keeps while Redis is away: about 10 MiB. It keeps as many names and good
// records.
const localSize = 100_000

// local counts in this process, in bounded memory.
type local struct {
	mu    sync.Mutex
	size  int
	full  map[string]int64
	texts map[string]string // aliases and good records as this process wrote or read them
}

func newLocal(size int) *local {
	return &local{size: size, full: map[string]int64{}, texts: map[string]string{}}
}

// note keeps the records and aliases that were written to Redis.
func (l *local) note(now int64, b batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range b.records {
		l.keep(r.key, string(record(l.texts[r.key]).with(r.kind, dayOf(now), r.hash)))
	}
	for _, a := range b.aliases {
		l.keep(aliasKey(a.name), strconv.FormatInt(a.user, 10))
	}
}

func (l *local) keep(key, text string) {
	if _, there := l.texts[key]; !there {
		for other := range l.texts {
			if len(l.texts) < l.size {
				break
			}
			delete(l.texts, other) // any one: the next login writes it again
		}
	}
	l.texts[key] = text
}

// remember keeps texts that were read in Redis.
func (l *local) remember(keys, texts []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, key := range keys {
		if texts[i] == "" {
			delete(l.texts, key)
		} else {
			l.keep(key, texts[i])
		}
	}
}

// remembered returns what is kept under keys; "" where nothing is.
func (l *local) remembered(keys []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = l.texts[key]
	}
	return texts
}

func (l *local) apply(_ context.Context, now int64, b batch) (results, error) {
	l.note(now, b)
	l.mu.Lock()
	defer l.mu.Unlock()
	r := results{make([]string, len(b.texts)), make([]outcome, len(b.draws))}
	for i, key := range b.texts {
		r.texts[i] = l.texts[key]
	}
	for i, d := range b.draws {
		r.out[i] = l.spend(now, d)
	}
	return r, nil
}

// spendOne counts one draw.
func (l *local) spendOne(now int64, d draw) outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spend(now, d)
}

// spend counts one draw. The caller holds mu.
func (l *local) spend(now int64, d draw) outcome {
	after, ok := d.limit.spend(l.full[d.key], now, d.cost, d.fill)
	l.set(d.key, after, now)
	return outcome{after, ok}
}

// set keeps when a counter is full again. The caller holds mu.
func (l *local) set(key string, full, now int64) {
	if full <= now {
		delete(l.full, key)
		return
	}
	if _, there := l.full[key]; !there && len(l.full) >= l.size {
		l.makeRoom(now)
	}
	l.full[key] = full
}

// makeRoom drops the emptiest of the first counters in the map's order. So an attacker cannot make it drop a counter that
// is nearly used up by a flood of new ones.
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
