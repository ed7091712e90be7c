package chaos

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// endedSessions are those whose logout was answered with 200.
type endedSessions struct {
	mu  sync.Mutex
	all []endedSession
}

type endedSession struct {
	access, renewal string
	at              time.Time
}

func (e *endedSessions) add(access, renewal string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, endedSession{access, renewal, time.Now()})
}

func (e *endedSessions) copy() []endedSession {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]endedSession(nil), e.all...)
}

// check sends access tokens of ended sessions to random gateways until the context ends. One of two is a recent one.
func (w *world) check(ctx context.Context) {
	s := w.shopper(90_000)
	for ctx.Err() == nil {
		if all := w.ended.copy(); len(all) > 0 {
			one := all[s.rng.IntN(len(all))]
			if s.rng.IntN(2) == 0 {
				one = all[max(0, len(all)-1-s.rng.IntN(5))]
			}
			s.present(w.anyFront(s.rng), one, false)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// present sends the access token of an ended session. Once all is over, none may be accepted.
func (s *shopper) present(front string, e endedSession, over bool) {
	since := time.Since(e.at)
	a := s.sendTo(front, http.MethodGet, cart, "", e.access)
	s.w.tally.count(func(c *tally) {
		c.checks++
		if a.status != http.StatusOK {
			return
		}
		if over {
			c.audited++
		} else {
			c.latest = max(c.latest, since)
		}
		if over || since > cmp.Or(s.w.late, lateAfter) {
			c.accepted++
			c.example("accepted", fmt.Sprintf("%s, ended %s, at %s: %s", time.Now().Format(time.TimeOnly), since.Round(time.Millisecond), front, e.access))
		}
	})
}

// exchange sends the refresh token of an ended session.
func (s *shopper) exchange(front string, e endedSession) {
	a := s.sendTo(front, http.MethodPost, refresh, `{"refresh_token":"`+e.renewal+`"}`, "")
	s.w.tally.count(func(c *tally) {
		c.checks++
		if a.status == http.StatusOK {
			c.accepted++
			c.audited++
			c.example("exchanged", front)
		}
	})
}

// anyFront is where a request goes.
func (w *world) anyFront(rng *rand.Rand) string {
	if w.front != "" {
		return w.front
	}
	return w.gateways[rng.IntN(len(w.gateways))].public
}
