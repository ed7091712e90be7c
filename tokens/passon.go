package tokens

import (
	"context"
	"log/slog"

	"cocart-gateway/tokens/revocation"
)

// PassOn answers for a refresh token that is Foreign while sessions go back: judge has the PHP plugin exchange it, which
// spends it, and its pair is told, within the grace also to whoever comes with the same token again. Nothing of it
// becomes a session of ours. A token that became one before is handed back as that session, as by HandBack.
//
// A token of somebody whose sessions were ended since it was issued is refused as Ended, by whatever the plugin made of
// that; where no gateway saw it being issued, any such end counts, as for Adopt. Errors are those of Adopt.
func (a *Authority) PassOn(ctx context.Context, foreign string, from Client, judge func(context.Context) (Identity, PluginPair, error),
	ask func(context.Context, Session) (PluginPair, error)) (Pair, Identity, error) {
	pair, who, verdict, err := a.passOn(ctx, foreign, from.tidy(), judge, ask)
	a.metrics.countRefresh(verdict, err)
	return pair, who, err
}

func (a *Authority) passOn(ctx context.Context, foreign string, from Client, judge func(context.Context) (Identity, PluginPair, error),
	ask func(context.Context, Session) (PluginPair, error)) (Pair, Identity, Verdict, error) {
	known := func(present string) bool {
		_, ours := revocation.ParseSessionID(present)
		_, told := a.refreshes.open(present, []byte(foreign), passed)
		return ours || told
	}
	c, found, err := a.turn(ctx, a.store.adopted(foreign), known)
	if err != nil {
		return Pair{}, Identity{}, VerdictUnavailable, err
	}
	if found == "" {
		return a.passOnClaimed(ctx, c, foreign, judge)
	}
	if pair, told := a.refreshes.open(found, []byte(foreign), passed); told {
		return pair.of(""), Identity{}, VerdictConcurrent, nil
	}
	return a.giveBackAdopted(ctx, found, from, ask)
}

// passed seals a pair that the plugin answered for a token of its own; the token is the salt.
const passed = "passed"

func (a *Authority) giveBackAdopted(ctx context.Context, session string, from Client, ask func(context.Context, Session) (PluginPair, error)) (Pair, Identity, Verdict, error) {
	id, _ := revocation.ParseSessionID(session) // as found
	s, err := a.adoptedSession(ctx, id)
	if err != nil {
		return Pair{}, Identity{}, verdictOf(err), err
	}
	return a.giveBack(ctx, s, refreshToken{session: id}, from, ask)
}

// passOnClaimed tells the pair also where Redis does not take it in: the token is spent.
func (a *Authority) passOnClaimed(ctx context.Context, c claim, foreign string, judge func(context.Context) (Identity, PluginPair, error)) (Pair, Identity, Verdict, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	var pair PluginPair
	who, err := a.askedOnce(foreign, func(ctx context.Context) (who Identity, err error) {
		who, pair, err = judge(ctx)
		return who, err
	})(ctx)
	if err == nil {
		err = a.checkForeign(ctx, who.UserID, c.issued())
	}
	if err != nil {
		err = a.release(ctx, c, err)
		return Pair{}, Identity{}, verdictOf(err), err
	}
	err = a.NotePluginPair(ctx, pair, who.UserID)
	if err == nil {
		err = a.store.Set(ctx, c.key, a.refreshes.seal(pair, []byte(foreign), passed), atLeast(a.cfg.RefreshGrace)).Err()
	}
	if err != nil {
		a.cfg.Log.Warn("a pair of the plugin could not be noted; another tab that holds its parent must log in again", slog.Int64("user", who.UserID), slog.String("cause", err.Error()))
	}
	return pair.of(""), who, VerdictPassedOn, nil
}
