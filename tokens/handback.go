package tokens

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"cocart-gateway/tokens/revocation"
)

// The mirror image of adopt.go: a session of ours goes back to the PHP plugin. Its refresh token is judged as ever, but
// not rotated; WordPress is asked once for a pair of the plugin, and everybody who comes with a good token of that
// session meanwhile or afterwards is told that pair. It counts as the session's next generation: the current token is
// its spent parent, and what Config.LostAnswer says of such holds (rotate.lua). So nothing is spent before the client
// has something better in its hands.

// ErrKeep is what the function that HandBack is given returns where WordPress answered, but with no pair of the plugin.
var ErrKeep = errors.New("the session was not handed back")

// HandBack answers for a refresh token of ours with a pair of the PHP plugin, which ask gets for the session. The first
// who comes asks; others are told the same pair. Ask has half a minute, also when the client has left. Its errors are
// returned as they are, nothing is spent, and the token may be tried again; but on ErrKeep the session goes on, and the
// pair is ours as from Refresh. Else the errors are Refresh's: a session that ended, before or meanwhile, is not handed
// back. While Redis is away nothing is asked.
//
// The pair's lifetimes are the plugin's and not known.
func (a *Authority) HandBack(ctx context.Context, refresh string, from Client, ask func(context.Context, Session) (PluginPair, error)) (Pair, Identity, error) {
	pair, who, verdict, err := a.handBack(ctx, refresh, from.tidy(), ask)
	a.metrics.countRefresh(verdict, err)
	return pair, who, err
}

func (a *Authority) handBack(ctx context.Context, text string, from Client, ask func(context.Context, Session) (PluginPair, error)) (Pair, Identity, Verdict, error) {
	t, err := a.refreshes.parse(text)
	if err != nil {
		return Pair{}, Identity{}, VerdictRefused, err
	}
	s, err := a.genuineSession(ctx, t)
	if err != nil {
		return Pair{}, Identity{}, verdictOf(err), err
	}
	return a.giveBack(ctx, s, t, from, ask)
}

// giveBack looks at the session before it waits for its turn, and again afterwards: it may have ended meanwhile, or
// been refreshed, because the plugin gave nothing for it or by a gateway that hands nothing back.
func (a *Authority) giveBack(ctx context.Context, s *record, t refreshToken, from Client, ask func(context.Context, Session) (PluginPair, error)) (Pair, Identity, Verdict, error) {
	before, err := a.look(ctx, s, t, from)
	if err != nil {
		return Pair{}, Identity{}, verdictOf(err), err
	}
	for {
		c, pair, err := a.turnToGiveBack(ctx, s, before)
		if err != nil {
			return Pair{}, Identity{}, VerdictUnavailable, err
		}
		seen, err := a.look(ctx, s, t, from)
		switch unchanged := err == nil && seen.generation == before.generation; {
		case unchanged && pair == PluginPair{}:
			return a.giveBackClaimed(ctx, c, s, t, seen, from, ask)
		case unchanged:
			return a.tellPair(ctx, s, seen, pair)
		case pair == PluginPair{}:
			err = a.release(ctx, c, err)
		}
		if err != nil {
			return Pair{}, Identity{}, verdictOf(err), err
		}
		before = seen
	}
}

// turnToGiveBack gives a claim, or the pair that others were given for this generation, as long as that is good: a client
// that never stores the new refresh token comes with the old one for weeks.
func (a *Authority) turnToGiveBack(ctx context.Context, s *record, at step) (claim, PluginPair, error) {
	var pair PluginPair
	c, found, err := a.turn(ctx, a.store.handed(s.id), func(present string) (fits bool) {
		if pair, fits = a.refreshes.open(present, s.salt, at.about()); fits {
			_, err := a.usable(pair.Access)
			fits = err == nil
		}
		return fits
	})
	if found == "" {
		pair = PluginPair{}
	}
	return c, pair, err
}

// look judges a token and retires nothing.
func (a *Authority) look(ctx context.Context, s *record, t refreshToken, from Client) (step, error) {
	seen, err := a.store.rotate(ctx, t, from, a.cfg, look)
	if err != nil {
		return step{}, unavailable("judging a session", err)
	}
	return seen, a.settleStep(ctx, s, t, seen)
}

// about says of which session's generation a pair is the successor. The session was handed back, or is to be, but for
// a crash in between.
func (s step) about() string { return strconv.FormatUint(s.generation, 10) }

func (a *Authority) giveBackClaimed(ctx context.Context, c claim, s *record, t refreshToken, seen step, from Client, ask func(context.Context, Session) (PluginPair, error)) (Pair, Identity, Verdict, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	pair, err := ask(ctx, a.public(s))
	if errors.Is(err, ErrKeep) {
		return a.keep(ctx, c, s, t, from)
	}
	if err != nil {
		err = a.release(ctx, c, err)
		return Pair{}, Identity{}, verdictOf(err), err
	}
	if err := a.rememberPair(ctx, c, s, seen, pair); err != nil {
		return Pair{}, Identity{}, VerdictUnavailable, err
	}
	seen.verdict = VerdictHandedBack
	return a.tellPair(ctx, s, seen, pair)
}

// keep goes on as if nobody had wanted to hand anything back.
func (a *Authority) keep(ctx context.Context, c claim, s *record, t refreshToken, from Client) (Pair, Identity, Verdict, error) {
	pair, who, verdict, err := a.take(ctx, s, t, from)
	if err == nil {
		verdict = VerdictKept
	}
	if unclaimed := a.unclaim(ctx, c); unclaimed != nil {
		a.cfg.Log.Warn("a session waits to be handed back until a claim has expired", "cause", unclaimed.Error())
	}
	return pair, who, verdict, err
}

// rememberPair keeps the pair for others before anybody is told, and whose it is, so that its use is noticed.
func (a *Authority) rememberPair(ctx context.Context, c claim, s *record, seen step, pair PluginPair) error {
	life := a.cfg.RefreshTTL + outlives
	if v, err := a.examine(pair.Access, a.cfg.Now()); err == nil {
		if err := a.store.Set(ctx, a.store.handedTo(v.access.PAT), successorOf(s.id, seen.generation), life).Err(); err != nil {
			return unavailable("noting whose a pair of the plugin is", err)
		}
	}
	if err := a.NotePluginPair(ctx, pair, s.userID); err != nil {
		return err
	}
	if err := a.store.Set(ctx, c.key, a.refreshes.seal(pair, s.salt, seen.about()), life).Err(); err != nil {
		return unavailable("keeping a pair of the plugin", err)
	}
	return nil
}

// tellPair hands a pair out. The first who does retires the session: what it was worth ends with the grace.
func (a *Authority) tellPair(ctx context.Context, s *record, seen step, pair PluginPair) (Pair, Identity, Verdict, error) {
	if seen.handed == 0 {
		if err := a.retire(ctx, s, seen.generation); err != nil {
			return Pair{}, Identity{}, verdictOf(err), err
		}
	}
	who, err := s.identity()
	if err != nil {
		return Pair{}, Identity{}, seen.verdict, err
	}
	return pair.of(s.id.String()), who, seen.verdict, nil
}

// retire counts what was handed out as newer than any end of the plugin's tokens before, also by a clock that is ahead.
func (a *Authority) retire(ctx context.Context, s *record, generation uint64) error {
	at := max(a.cfg.Now().UnixMilli(), a.revoked.LatestCutoff(s.userID, PluginFingerprint)+1)
	answer, err := handBackScript.Run(ctx, a.store, []string{a.store.session(s.id)}, generation,
		at, milliseconds(a.cfg.RefreshGrace)).StringSlice()
	if err != nil {
		return unavailable("handing a session back", err)
	}
	if len(answer) != 2 {
		return unavailable("handing a session back", fmt.Errorf("the script answered %d values instead of 2", len(answer)))
	}
	switch {
	case answer[0] == "ended":
		return Ended
	case answer[1] == "":
		return nil
	}
	return a.tellRotation(ctx, s.id, step{generation: generation, handed: at, owed: answer[1]})
}

// handed names the key of the pair that a session's customer was given.
func (s store) handed(id revocation.SessionID) string { return s.prefix + "h:" + id.String() }
