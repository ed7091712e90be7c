package gateway

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"time"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/untrusted"
)

// notStoredTimes is how often the same client presents the same spent refresh token before the log says that it does not
// store new ones. Tabs of a browser that began with the same pair present it once each.
const notStoredTimes = 5

// spentTokens records which client presented which refresh token. It is in the memory of this gateway only, because no
// decision depends on it, only a log line. It holds hashes of the last [mostSpent] tokens.
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

// count records that a token was presented, and returns how often the same client had presented it before.
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

// reportNotStored logs clients that refresh and do not store the new pair: server components of Next.js, which cannot set
// cookies, and apps that keep the refresh token of the login. They present a spent token again and again, which at last ends
// the session, as if a thief had the token.
func (g *Gateway) reportNotStored(x *exchange, token string, outcome tokens.Outcome, err error) {
	if g.authority.Recognise(token) == nil {
		client := x.client()
		sum := sha256.Sum256([]byte(token + "\n" + client.Address + "\n" + client.Device))
		g.reportSpent(x, spentKey(sum[:16]), outcome, err)
	}
}

func (g *Gateway) reportSpent(x *exchange, k spentKey, outcome tokens.Outcome, err error) {
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
	g.logEvent(x.r.Context(), x, accesslog.NotStored, slog.LevelWarn,
		"a client presented a refresh token that it had spent itself, so it does not store new ones; see gateway/SDKS.md and tokens.lost_answer",
		slog.String("result", string(outcome)), slog.Int("times", before+again), slog.String("agent", untrusted.Shorten(x.r.UserAgent(), accesslog.MaxAgent)))
}
