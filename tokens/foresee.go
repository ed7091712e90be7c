package tokens

import (
	"context"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/tokens/revocation"
)

// past is a session with what only a rotation asks about it.
type past struct {
	*record        // nil when there is no such session
	used    uint64 // last generation whose access token was seen
	recent  string // "generation:retired-at" of generations, separated by spaces
	by      string // digest of the client of the last refresh; "" cannot be told
}

func (s store) loadPast(ctx context.Context, id revocation.SessionID) (past, error) {
	fields := append(recordFields[:len(recordFields):len(recordFields)], "used", "recent", "by")
	values, err := s.HMGet(ctx, s.session(id), fields...).Result()
	if err != nil {
		return past{}, err
	}
	n := len(recordFields)
	used, _ := values[n].(string)
	recent, _ := values[n+1].(string)
	by, _ := values[n+2].(string)
	return past{parseRecord(id, values[:n]), uint64(number(used)), recent, by}, nil
}

// foresee says what Refresh would answer now, in its order. A test holds it to rotate.lua.
func (a *Authority) foresee(t refreshToken, s past, state State) (Verdict, error) {
	switch {
	case s.record == nil:
		return VerdictUnknown, Unknown
	case s.ended != 0:
		return VerdictEnded, Ended
	case !t.genuine(s.salt):
		return VerdictRefused, BadSignature
	case state == StateExpired:
		return VerdictExpired, Expired
	}
	verdict := a.step(t.generation, s)
	switch {
	case verdict == VerdictSuperseded && state != StateEnded:
		return VerdictSuperseded, Superseded
	case verdict == VerdictReuse:
		return VerdictReuse, Reused
	case state == StateEnded: // a cutoff, which Refresh looks at last
		return VerdictEnded, Ended
	}
	return verdict, nil
}

func (a *Authority) step(presented uint64, s past) Verdict {
	fresh, young := s.young(presented, a.cfg.Now(), a.cfg.RefreshGrace)
	late := s.handed > 0 && a.cfg.Now().UnixMilli()-s.handed >= milliseconds(a.cfg.RefreshGrace)
	switch {
	case presented == s.generation && late && !a.cfg.parentIsGood(s.used, s.generation+1):
		return VerdictReuse
	case presented == s.generation && fresh < 32:
		return VerdictRotated
	case presented == s.generation:
		return VerdictHeld
	case young:
		return VerdictConcurrent
	case presented+1 == s.generation && a.cfg.parentIsGood(s.used, s.generation):
		return VerdictLostAnswer
	case s.reusable(presented, a.cfg) && a.cfg.ReuseBySameClient == RefuseReuse:
		return VerdictSuperseded
	case s.reusable(presented, a.cfg):
		return VerdictSameClient
	case presented == s.generation+1:
		return VerdictAhead
	}
	return VerdictReuse
}

// parentIsGood tells whether the parent of a generation is answered after its grace.
func (c Config) parentIsGood(used, successor uint64) bool {
	return c.LostAnswer == Always || c.LostAnswer == UntilUsed && used < successor
}

// reusable tells whether the session's own client would still be answered after the grace.
func (s past) reusable(presented uint64, c Config) bool {
	_, lately := s.young(presented, c.Now(), c.reuseWindow())
	return lately && s.handed == 0 && s.by != ""
}

// young counts the generations that were retired less than the grace ago and tells whether the presented one is
// among them.
func (s past) young(presented uint64, now time.Time, grace time.Duration) (fresh int, young bool) {
	for one := range strings.FieldsSeq(s.recent) {
		generation, at, _ := strings.Cut(one, ":")
		if now.UnixMilli()-number(at) >= milliseconds(grace) {
			continue
		}
		fresh++
		g, err := strconv.ParseUint(generation, 10, 64)
		young = young || err == nil && g == presented
	}
	return fresh, young
}
