package tokens

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// EndSession ends a session. When it returns nil, its refresh token is refused everywhere, and its access tokens
// are refused here from now on and elsewhere as soon as the revocation log is read. A session that is already over,
// or unknown, is no error: its access tokens may still live, so it is revoked all the same. ErrUnavailable: do it
// again; until then its access tokens stay good, so that the one who asked can ask again. A text that is no session
// id is Malformed. A client that leaves calls nothing off: many an app logs out and hangs up at once.
func (a *Authority) EndSession(ctx context.Context, session string, cause Cause) error {
	id, ok := revocation.ParseSessionID(session)
	if !ok {
		return Malformed
	}
	return a.end(ctx, id, cause)
}

func (a *Authority) end(ctx context.Context, id revocation.SessionID, cause Cause) error {
	_, err := a.endAs(ctx, id, cause, revocation.SessionEnded(id, a.cfg.Now().UnixMilli()))
	return err
}

// EndWithGrace ends a session as EndSession does, but its access tokens stay valid for Config.RefreshGrace, as after a
// rotation: requests that are on their way are answered. Ended when the session had been ended for another cause.
func (a *Authority) EndWithGrace(ctx context.Context, session string, cause Cause) error {
	id, ok := revocation.ParseSessionID(session)
	if !ok {
		return Malformed
	}
	was, err := a.endAs(ctx, id, cause, revocation.GenerationsEnded(id, math.MaxUint64, a.cfg.Now().Add(a.cfg.RefreshGrace).UnixMilli()))
	if err == nil && was != cause {
		return Ended
	}
	return err
}

// endAs makes a session a tombstone and writes the revocation.Entry of the revocation log. It returns the cause of the end, which
// is another one where the session was over.
func (a *Authority) endAs(ctx context.Context, id revocation.SessionID, cause Cause, e revocation.Entry) (Cause, error) {
	ctx = context.WithoutCancel(ctx)
	b, err := a.store.bury(ctx, id, a.cfg.Now().UnixMilli(), cause.known(), a.cfg.tombstone())
	if err != nil {
		return "", unavailable("ending session", err)
	}
	if b.now {
		a.metrics.ended(cause, 1)
	}
	if err := a.tell(ctx, e, id, "end"); err != nil {
		return "", err
	}
	if b.userID > 0 {
		// A reader of the index repairs it, should this be lost.
		a.store.ZRem(ctx, a.store.index(b.userID), id.String())
	}
	return b.cause, nil
}

// buried is what a session was when it became a tombstone.
type buried struct {
	now    bool // by this call
	userID int64
	cause  Cause // of its end
}

func (s store) bury(ctx context.Context, id revocation.SessionID, now int64, cause Cause, keep time.Duration) (buried, error) {
	answer, err := endScript.Run(ctx, s, []string{s.session(id)}, now, string(cause), milliseconds(keep)).Slice()
	if err != nil {
		return buried{}, err
	}
	if len(answer) != 3 {
		return buried{}, fmt.Errorf("end script answered %d values instead of 3", len(answer))
	}
	userID, _ := answer[1].(string)
	why, _ := answer[2].(string)
	return buried{answer[0] == int64(1), number(userID), Cause(why)}, nil
}

// tellEnd tells the log that a session is over, then this process, and settles what the session owed.
func (a *Authority) tellEnd(ctx context.Context, id revocation.SessionID, at int64, owed string) error {
	return a.tell(ctx, revocation.SessionEnded(id, at), id, owed)
}

// tellRotation tells the log when the access tokens of earlier generations die.
func (a *Authority) tellRotation(ctx context.Context, id revocation.SessionID, s step) error {
	from, err := strconv.ParseInt(s.owed, 10, 64)
	if err != nil {
		return unavailable("reading what the revocation log is owed", err)
	}
	return a.tell(ctx, revocation.GenerationsEnded(id, s.generation, from), id, s.owed)
}

// tell is not called off either: what was decided in Redis is to be known everywhere.
func (a *Authority) tell(ctx context.Context, e revocation.Entry, id revocation.SessionID, owed string) error {
	ctx = context.WithoutCancel(ctx)
	if err := a.log.append(ctx, e); err != nil {
		return err
	}
	// Best effort: what stays owed is told once more, which changes nothing.
	settleScript.Run(ctx, a.store, []string{a.store.session(id)}, owed)
	return nil
}

// EndUser ends every session of a user that exists now; with a fingerprint, only those that carry it (the account
// changed since). It counts the sessions it ended. A login that follows is not touched. What it promises, and what
// ErrUnavailable means, is as for EndSession. Tokens that the PHP plugin issued die with either.
func (a *Authority) EndUser(ctx context.Context, userID int64, fingerprint string, cause Cause) (ended int, err error) {
	if userID <= 0 {
		return 0, fmt.Errorf("ending the sessions of a user: %d is not a user id", userID)
	}
	ctx = context.WithoutCancel(ctx)
	listed, err := a.store.listed(ctx, userID)
	if err != nil {
		return 0, unavailable("finding the sessions of a user", err)
	}
	cutoff := a.cutoff(listed)
	if err := a.store.keepUserCutoff(ctx, userID, fingerprint, cutoff, milliseconds(a.cfg.RefreshTTL+outlives)); err != nil {
		return 0, unavailable("storing user cutoff", err)
	}
	if err := a.log.append(ctx, revocation.UserCutoff(userID, fingerprint, cutoff)); err != nil {
		return 0, err
	}
	return a.buryCutOff(ctx, listed, fingerprint, cause)
}

// cutoff is now, or later where a session that exists was created by a clock that is ahead of ours.
func (a *Authority) cutoff(listed []*record) int64 {
	cutoff := max(a.cfg.Now().UnixMilli(), a.newest.Load())
	for _, s := range listed {
		cutoff = max(cutoff, s.created)
	}
	return cutoff
}

// buryCutOff needs to tell the log nothing more: the cutoff covers them all.
func (a *Authority) buryCutOff(ctx context.Context, listed []*record, fingerprint string, cause Cause) (ended int, err error) {
	for _, s := range listed {
		if fingerprint != "" && s.fingerprint != fingerprint {
			continue
		}
		b, err := a.store.bury(ctx, s.id, a.cfg.Now().UnixMilli(), cause.known(), a.cfg.tombstone())
		if err != nil {
			return ended, unavailable("ending session", err)
		}
		if b.now {
			a.metrics.ended(cause, 1)
			ended++
		}
	}
	return ended, nil
}

// EndAll ends every session of everybody that exists now, in one write: they are not visited, but refused when they
// come. Their number is therefore not known and not counted.
func (a *Authority) EndAll(ctx context.Context, cause Cause) error {
	ctx = context.WithoutCancel(ctx)
	cutoff := a.cutoff(nil)
	if err := a.store.Set(ctx, a.store.allCutoff(), cutoff, a.cfg.RefreshTTL+outlives).Err(); err != nil {
		return unavailable("storing the cutoff of all", err)
	}
	if err := a.log.append(ctx, revocation.AllCutoff(cutoff)); err != nil {
		return err
	}
	a.cfg.Log.Warn("all sessions ended", "cause", string(cause.known()))
	return nil
}

const (
	// everyFingerprint is the field of a user's cutoffs that holds for all sessions.
	everyFingerprint = "*"
	// anyFingerprint is the field that holds the latest cutoff, of whatever fingerprint: see askWhose.
	anyFingerprint = "any"
)

func fingerprintField(fingerprint string) string { return "f:" + fingerprint }

// keepUserCutoff keeps the cutoff as long as a session can live that was not refreshed since: a refresh looks at it.
func (s store) keepUserCutoff(ctx context.Context, userID int64, fingerprint string, cutoff, life int64) error {
	field := everyFingerprint
	if fingerprint != "" {
		field = fingerprintField(fingerprint)
	}
	_, err := s.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, s.userCutoffs(userID), field, cutoff, anyFingerprint, cutoff)
		p.Do(ctx, "PEXPIRE", s.userCutoffs(userID), life)
		return nil
	})
	return err
}

// cutoffs are what may have ended a session among others, as they stand in Redis.
type cutoffs struct {
	all  *redis.StringCmd
	user *redis.SliceCmd
}

func (s store) cutoffs(ctx context.Context, p redis.Pipeliner, r *record) cutoffs {
	return cutoffs{p.Get(ctx, s.allCutoff()),
		p.HMGet(ctx, s.userCutoffs(r.userID), everyFingerprint, fingerprintField(r.fingerprint))}
}

// end tells whether a session is over by any of them.
func (c cutoffs) end(s *record) bool {
	at := make([]int64, 2)
	for i, v := range c.user.Val() {
		text, _ := v.(string)
		at[i] = number(text)
	}
	return s.created <= max(number(c.all.Val()), at[0], at[1])
}

// tombstone is how long an ended session is remembered.
func (c Config) tombstone() time.Duration { return min(tombstoneLife, c.RefreshTTL) }
