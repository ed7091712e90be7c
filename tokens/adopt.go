package tokens

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A refresh token of the PHP plugin becomes a session of ours once. It counts as that session's generation 0, retired
// when the session began: so a tab that comes at the same time, and a client that lost the answer, are told the
// current token again, and one that comes with it much later is a thief, all by rotate.lua.

const (
	// claimLife is how long one gateway may ask WordPress about a token before another may; what asks must be done
	// by then.
	claimLife = 40 * time.Second
	askLife   = 30 * time.Second
	// askAgain is how often somebody who waits for another's answer looks for it.
	askAgain = 50 * time.Millisecond

	asking = "asking "
)

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
	key := a.store.adopted(foreign)
	mine := asking + rand.Text()
	for {
		present, err := a.store.claim(ctx, key, "", mine, claimLife)
		if err != nil {
			return Pair{}, Identity{}, VerdictUnavailable, unavailable("claiming a refresh token", err)
		}
		if present == "" || present == mine { // mine: the first answer was lost, and the client asked Redis again
			return a.adoptClaimed(ctx, key, mine, from, ask)
		}
		if id, ok := parseSessionID(present); ok {
			return a.again(ctx, id, from)
		}
		if !strings.HasPrefix(present, asking) {
			return Pair{}, Identity{}, VerdictUnavailable, unavailable("reading an adopted token", errors.New("its value is none of ours"))
		}
		select {
		case <-ctx.Done():
			return Pair{}, Identity{}, VerdictUnavailable, ctx.Err()
		case <-time.After(askAgain):
		}
	}
}

// adoptClaimed asks, and remembers what came of it before anybody is told. Should Redis not take that in, this one is
// told all the same: the token is spent.
func (a *Authority) adoptClaimed(ctx context.Context, key, mine string, from Client, ask func(context.Context) (Identity, error)) (Pair, Identity, Verdict, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	who, err := a.askWhose(ctx, ask)
	if err != nil {
		if _, unclaimed := a.store.claim(ctx, key, mine, "", 0); unclaimed != nil {
			err = fmt.Errorf("%w (and the claim stays until it expires: %w)", err, unclaimed)
		}
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
	if err := a.store.Set(ctx, key, s.id.String(), a.cfg.RefreshTTL+outlives).Err(); err != nil {
		a.cfg.Log.Warn("an adopted refresh token could not be remembered; another tab that holds it must log in again", slog.Int64("user", who.UserID), slog.String("cause", err.Error()))
	}
	return pair, who, VerdictAdopted, nil
}

// askWhose asks whose a token is. When it was issued nobody can say, so it ends with whatever ended any session of its
// user: a new password, which the PHP plugin does not always hear of, a logout, an operator.
func (a *Authority) askWhose(ctx context.Context, ask func(context.Context) (Identity, error)) (Identity, error) {
	who, err := ask(ctx)
	if err != nil {
		return Identity{}, err
	}
	if a.revoked.all.Load() > 0 || a.revoked.users.cutsOff(who.UserID, 0, "", true) {
		return Identity{}, Ended
	}
	var all, user *redis.StringCmd
	_, err = a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		all, user = p.Get(ctx, a.store.allCutoff()), p.HGet(ctx, a.store.userCutoffs(who.UserID), anyFingerprint)
		return nil
	})
	switch {
	case missing(err) != nil:
		return Identity{}, unavailable("reading cutoffs", err)
	case all.Val() != "" || user.Val() != "":
		return Identity{}, Ended
	}
	return who, nil
}

// again answers for the generation 0 of a session.
func (a *Authority) again(ctx context.Context, id sessionID, from Client) (Pair, Identity, Verdict, error) {
	s, err := a.store.load(ctx, id)
	switch {
	case err != nil:
		return Pair{}, Identity{}, VerdictUnavailable, unavailable("reading session", err)
	case s == nil:
		return Pair{}, Identity{}, VerdictUnknown, Unknown
	case s.ended != 0:
		err := a.endedBefore(ctx, s)
		return Pair{}, Identity{}, verdictOf(err), err
	}
	return a.take(ctx, s, refreshToken{session: id}, from)
}

// adopted names the key of a token by its digest: who reads Redis learns none.
func (s store) adopted(foreign string) string {
	sum := sha256.Sum256([]byte(foreign))
	return s.prefix + "p:" + hex.EncodeToString(sum[:])
}

// claim runs claim.lua; it returns "" when it wrote.
func (s store) claim(ctx context.Context, key, expected, value string, life time.Duration) (present string, err error) {
	answer, err := claimScript.Run(ctx, s, []string{key}, expected, value, milliseconds(life)).Slice()
	if err != nil {
		return "", err
	}
	if len(answer) != 2 {
		return "", fmt.Errorf("claim script answered %d values instead of 2", len(answer))
	}
	present, _ = answer[1].(string)
	return present, nil
}
