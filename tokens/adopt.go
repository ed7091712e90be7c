package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// A refresh token of the PHP plugin becomes a session of ours once. It counts as that session's generation 0, retired
// when the session began: so a tab that comes at the same time, and a client that lost the answer, are told the
// current token again, and one that comes with it much later is a thief, all by rotate.lua.

// Foreign tells whether a text may be a refresh token of the PHP plugin's: one that none of our secrets made, in their
// form or in whatever other a filter of the shop's gave it. It does no I/O.
func (a *Authority) Foreign(refresh string) bool {
	err := a.Recognise(refresh)
	return err != nil && (!errors.Is(err, Malformed) || isForeignForm(refresh))
}

// Recognise tells what is wrong with a refresh token, as far as can be told without Redis: nil, or a Rejection.
func (a *Authority) Recognise(refresh string) error {
	_, err := a.refreshes.parse(refresh)
	return err
}

// Adopt answers for a refresh token that is Foreign. The first who comes with it has ask say whose it is, which spends
// the token where it came from, and a session of that customer begins; whoever comes with it at the same time or
// afterwards is answered as by Refresh. Ask has half a minute, also when the client has left, so that no token is
// spent for nothing; its error is returned as it is, and the token may be tried again; after Unknown or Expired, unless it
// is ErrForNow, only ten minutes later. Otherwise the errors are Refresh's. While Redis is away nothing is asked.
func (a *Authority) Adopt(ctx context.Context, foreign string, from Client, ask func(context.Context) (Identity, error)) (Pair, Identity, error) {
	pair, who, verdict, err := a.adopt(ctx, foreign, from.tidy(), a.askedOnce(foreign, ask))
	a.metrics.countRefresh(verdict, err)
	return pair, who, err
}

func (a *Authority) adopt(ctx context.Context, foreign string, from Client, ask func(context.Context) (Identity, error)) (Pair, Identity, Verdict, error) {
	var told PluginPair // another tab, whose gateway still hands sessions back
	c, found, err := a.turn(ctx, a.store.adopted(foreign), func(present string) (fits bool) {
		told, fits = a.refreshes.open(present, []byte(foreign), passed)
		return fits || !strings.HasPrefix(present, wasHeard) && !strings.HasPrefix(present, sealedPair)
	})
	switch {
	case err != nil:
		return Pair{}, Identity{}, VerdictUnavailable, err
	case found == "":
		return a.adoptClaimed(ctx, c, from, ask)
	case told != PluginPair{}:
		return told.of(""), Identity{}, VerdictConcurrent, nil
	}
	id, ok := revocation.ParseSessionID(found)
	if !ok {
		return Pair{}, Identity{}, VerdictUnavailable, unavailable("reading an adopted token", errors.New("its value is none of ours"))
	}
	return a.again(ctx, id, from)
}

// adoptClaimed asks, and remembers what came of it before anybody is told. Should Redis not take that in, this one is
// told all the same: the token is spent.
func (a *Authority) adoptClaimed(ctx context.Context, c claim, from Client, ask func(context.Context) (Identity, error)) (Pair, Identity, Verdict, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	who, err := ask(ctx)
	if err == nil {
		err = a.checkForeign(ctx, who.UserID, c.issued())
	}
	if err != nil {
		err = a.release(ctx, c, err)
		return Pair{}, Identity{}, verdictOf(err), err
	}
	s, err := a.newRecord(who, from)
	if err != nil {
		return Pair{}, Identity{}, VerdictUnavailable, err
	}
	s.recent = fmt.Sprintf("0:%d", s.active)
	pair, err := a.begin(ctx, s)
	if err != nil {
		return Pair{}, Identity{}, VerdictUnavailable, err
	}
	if err := a.store.Set(ctx, c.key, s.id.String(), a.cfg.RefreshTTL+outlives).Err(); err != nil {
		a.cfg.Log.Warn("an adopted refresh token could not be remembered; another tab that holds it must log in again", slog.Int64("user", who.UserID), slog.String("cause", err.Error()))
	}
	return pair, who, VerdictAdopted, nil
}

// checkForeign refuses a token that ended with whatever ended any session of its user since it was issued: a new
// password, which the PHP plugin does not always hear of, a logout, an operator. Where nobody can say when that was,
// since is 0.
func (a *Authority) checkForeign(ctx context.Context, userID, since int64) error {
	since = max(since, 1)
	if a.revoked.LatestPluginCutoff(userID) >= since {
		return Ended
	}
	var all, user *redis.StringCmd
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		all, user = p.Get(ctx, a.store.allCutoff()), p.HGet(ctx, a.store.userCutoffs(userID), anyFingerprint)
		return nil
	})
	switch {
	case missing(err) != nil:
		return unavailable("reading cutoffs", err)
	case max(number(all.Val()), number(user.Val())) >= since:
		return Ended
	}
	return nil
}

// again answers for the generation 0 of a session.
func (a *Authority) again(ctx context.Context, id revocation.SessionID, from Client) (Pair, Identity, Verdict, error) {
	s, err := a.adoptedSession(ctx, id)
	if err != nil {
		return Pair{}, Identity{}, verdictOf(err), err
	}
	return a.take(ctx, s, refreshToken{session: id}, from)
}

func (a *Authority) adoptedSession(ctx context.Context, id revocation.SessionID) (*record, error) {
	s, err := a.store.load(ctx, id)
	switch {
	case err != nil:
		return nil, unavailable("reading session", err)
	case s == nil:
		return nil, Unknown
	case s.ended != 0:
		return nil, a.endedBefore(ctx, s)
	}
	return s, nil
}

// adopted names the key of a token by its digest: who reads Redis learns none.
func (s store) adopted(foreign string) string {
	sum := sha256.Sum256([]byte(foreign))
	return s.prefix + "p:" + hex.EncodeToString(sum[:])
}
