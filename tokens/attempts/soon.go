package attempts

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"cocart-gateway/tokens/budget"
)

// soon counts in this process first, and in Redis a moment later: for requests that use nothing up but time, such as
// validations, which need no round trip then. While one gateway has not heard of the others they may together admit a
// little more than the limit. It also remembers what Redis said last about a counter, so that a refusal needs no round trip
// while nothing can be left.
type soon struct {
	known *local // as far as this process knows: Redis may have counted more

	mu      sync.Mutex // guards owed and writing
	owed    map[string]draw
	writing bool
}

// writeEvery is how long requests are collected for one round trip.
const writeEvery = 50 * time.Millisecond

func newSoon() *soon { return &soon{known: newLocal(localSize), owed: map[string]draw{}} }

// spent reports whether nothing can be left in a counter, and when it is full again.
func (s *soon) spent(d draw, now int64) (full int64, spent bool) { return s.lacks(d, now, 1) }

// lacks reports whether less can be left in a counter than a cost, and when the counter is full again.
func (s *soon) lacks(d draw, now, cost int64) (full int64, lacks bool) {
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	known, there := s.known.full[d.key]
	if !there {
		return 0, false
	}
	full, _ = d.limit.spend(known, now, 0, false)
	_, enough := d.limit.spend(known, now, cost, false)
	return full, !enough
}

// learn keeps what Redis said about a counter.
func (s *soon) learn(key string, full, now int64) {
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	s.known.set(key, full, now)
}

func (s *soon) forget(keys []string) {
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	for _, key := range keys {
		delete(s.known.full, key)
	}
}

// spendSoon counts here, and lets Redis know within a moment.
func (g *Guard) spendSoon(ctx context.Context, d draw, now int64) outcome {
	s := g.soon
	o := s.known.spendOne(now, d)
	if !o.ok {
		return o
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if owed, there := s.owed[d.key]; there || len(s.owed) < localSize {
		d.cost, d.fill = d.cost+owed.cost, true
		s.owed[d.key] = d
	}
	if !s.writing {
		s.writing = true
		time.AfterFunc(writeEvery, func() { g.writeSoon(budget.Apart(ctx)) })
	}
	return o
}

// writeSoon writes to Redis what was counted here, and learns what others counted. While Redis is away the process goes on
// by itself.
func (g *Guard) writeSoon(ctx context.Context) {
	s := g.soon
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.owed))
	clear(s.owed)
	s.writing = false
	s.mu.Unlock()
	for some := range slices.Chunk(all, 500) {
		now := g.now()
		if g.breaker.open(now) {
			return
		}
		done, err := g.shared.apply(ctx, now, batch{draws: some})
		if err != nil {
			g.away(err, now)
			return
		}
		g.back()
		for i, d := range some {
			s.mu.Lock()
			since := s.owed[d.key].cost // counted here while Redis was asked
			s.mu.Unlock()
			s.learn(d.key, done.out[i].full+since*d.limit.interval(), now)
		}
	}
}
