package gateway

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"time"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/tokens"
	"cocart-gateway/untrusted"
)

// notStoredTimes is how often the same client may come with the same spent refresh token before it counts as one that
// does not store new ones. Tabs of a browser that began with the same pair come once each.
const notStoredTimes = 5

// spentTokens remembers which refresh tokens were presented by which client, in the memory of this gateway alone: it serves
// a line in the log, and nothing is decided by it. It holds hashes, and the last [mostSpent] tokens.
type spentTokens struct {
	mu     sync.Mutex
	seen   map[spentKey]int // how often, outside of the grace
	order  []spentKey       // a ring
	next   int
	logged untrusted.Throttle
}

const mostSpent = 4096

// spentKey is a hash of token, address and User-Agent.
type spentKey [16]byte

func newSpentTokens() *spentTokens {
	return &spentTokens{seen: make(map[spentKey]int), order: make([]spentKey, mostSpent), logged: untrusted.Throttle{Period: time.Hour}}
}

// count notes that a token was presented, and returns how often the same client had come with it before.
func (t *spentTokens) count(k spentKey, again int) (before int, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known = t.seen[k]
	if !known {
		delete(t.seen, t.order[t.next])
		t.order[t.next], t.next = k, (t.next+1)%mostSpent
	}
	t.seen[k] = before + again
	return before, known
}

// reportNotStored finds clients that refresh and do not store the new pair: server components of Next.js, which cannot set
// cookies, and apps that keep the refresh token of the login. They come with a spent token again and again, and sooner or
// later that ends the session, as the copy of a thief would.
func (g *Gateway) reportNotStored(x *exchange, token string, outcome tokens.Outcome, err error) {
	if g.authority.Recognise(token) == nil {
		client := x.client()
		sum := sha256.Sum256([]byte(token + "\n" + client.Address + "\n" + client.Device))
		g.judgeSpent(x, spentKey(sum[:16]), outcome, err)
	}
}

func (g *Gateway) judgeSpent(x *exchange, k spentKey, outcome tokens.Outcome, err error) {
	ends := errors.Is(err, tokens.Reused)
	switch {
	case ends:
		outcome = tokens.OutcomeReuse
	case errors.Is(err, tokens.Superseded):
		outcome = tokens.OutcomeSuperseded
	case err != nil:
		return
	}
	again := 0
	switch outcome {
	case tokens.OutcomeReuse, tokens.OutcomeSuperseded, tokens.OutcomeSameClient, tokens.OutcomeLostAnswer:
		again = 1
	}
	before, known := g.spent.count(k, again)
	if again == 0 || ends && !known || !ends && before+again < notStoredTimes {
		return
	}
	if !ends && !g.spent.logged.Allow(g.cfg.Now()) {
		g.metrics.Count(accesslog.NotStored)
		return
	}
	g.happened(x.r.Context(), x, accesslog.NotStored, slog.LevelWarn,
		"a client came with a refresh token that it had spent itself, so it does not store the new one; see gateway/SDKS.md and tokens.lost_answer",
		slog.String("result", string(outcome)), slog.Int("times", before+again), slog.String("agent", untrusted.Shorten(x.r.UserAgent(), accesslog.MaxAgent)))
}
