package tokens

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/revocation"
)

// EndSession ends a session. When it returns nil, the session's refresh token is refused everywhere, and its access
// tokens are refused here from now on and elsewhere as soon as the revocation log is read. For a session that is over or
// unknown it returns nil as well: access tokens of it may still be valid, so it is revoked all the same. After
// ErrUnavailable the caller may try again; until then the access tokens stay valid, so that the customer can repeat the
// logout. It returns Malformed for a text that is not a session id. It goes on when the client has left: many apps log
// out and close the connection at once.
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
// rotation, so that requests that are on their way are answered. It returns Ended if the session had been ended for
// another cause.
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

// endAs makes a session a tombstone and appends an entry to the revocation log. It returns the cause of the end, which
// is another one if the session was over before.
func (a *Authority) endAs(ctx context.Context, id revocation.SessionID, cause Cause, e revocation.Entry) (Cause, error) {
	ctx = context.WithoutCancel(ctx)
	b, err := a.store.end(ctx, id, a.cfg.Now().UnixMilli(), cause.known(), a.cfg.tombstone(), "")
	if err != nil {
		return "", unavailable("ending session", err)
	}
	if err := a.logEnded(ctx, id, b, cause, e); err != nil {
		return "", err
	}
	return b.cause, nil
}

// logEnded does what follows after a session was made a tombstone.
func (a *Authority) logEnded(ctx context.Context, id revocation.SessionID, b ended, cause Cause, e revocation.Entry) error {
	if b.now {
		a.metrics.ended(cause, 1)
	}
	if err := a.logAndSettle(ctx, e, id, "end"); err != nil {
		return err
	}
	if b.userID > 0 {
		// Without this the next reader repairs the index.
		a.store.ZRem(ctx, a.store.index(b.userID), id.String())
	}
	return nil
}

// endCovered ends a session that a cutoff covers, and returns Ended. A session that was bound to another fingerprint since it
// was read goes on if no cutoff of that one covers it: the cutoff that was found may be that of its own change. s then has
// the fingerprint.
func (a *Authority) endCovered(ctx context.Context, s *record) error {
	now, ctx := a.cfg.Now().UnixMilli(), context.WithoutCancel(ctx)
	b, err := a.store.end(ctx, s.id, now, CauseAccount, a.cfg.tombstone(), s.fingerprint)
	if err != nil {
		return unavailable("ending session", err)
	}
	if b.bound {
		return a.reboundMeanwhile(ctx, s)
	}
	if err := a.logEnded(ctx, s.id, b, CauseAccount, revocation.SessionEnded(s.id, now)); err != nil {
		return err
	}
	return Ended
}

func (a *Authority) reboundMeanwhile(ctx context.Context, s *record) error {
	fresh, err := a.store.load(ctx, s.id)
	switch {
	case err != nil:
		return unavailable("reading session", err)
	case fresh == nil:
		return Unknown
	case fresh.ended != 0:
		return a.endedBefore(ctx, fresh)
	}
	s.fingerprint = fresh.fingerprint
	return a.checkCutoffs(ctx, s)
}

// ended is what a session was when it became a tombstone.
type ended struct {
	now    bool // by this call
	bound  bool // it lives: it has another fingerprint than the one for which it was to end
	userID int64
	cause  Cause // of its end
}

func (s store) end(ctx context.Context, id revocation.SessionID, now int64, cause Cause, keep time.Duration, fingerprint string) (ended, error) {
	c := s.endCall(id, now, cause, keep, fingerprint)
	return parseEnded(c.Script.Run(ctx, s, []string{c.Key}, c.Args...).Slice())
}

// endCall ends a session; with a fingerprint only if it still has that.
func (s store) endCall(id revocation.SessionID, now int64, cause Cause, keep time.Duration, fingerprint string) cluster.Call {
	return cluster.Call{Script: endScript, Key: s.session(id), Args: []any{now, string(cause), milliseconds(keep), fingerprint}}
}

// parseEnded reads the answer of end.lua.
func parseEnded(answer []any, err error) (ended, error) {
	if err != nil {
		return ended{}, err
	}
	if len(answer) != 3 {
		return ended{}, fmt.Errorf("end script answered %d values instead of 3", len(answer))
	}
	userID, _ := answer[1].(string)
	why, _ := answer[2].(string)
	return ended{answer[0] == int64(1), answer[0] == int64(-1), number(userID), Cause(why)}, nil
}

// logEnd writes to the revocation log that a session is over.
func (a *Authority) logEnd(ctx context.Context, id revocation.SessionID, at int64, owed string) error {
	return a.logAndSettle(ctx, revocation.SessionEnded(id, at), id, owed)
}

// logAndSettle appends an entry to the revocation log and clears what the session owed it. It goes on when the client
// has left: every gateway must know what was decided in Redis.
func (a *Authority) logAndSettle(ctx context.Context, e revocation.Entry, id revocation.SessionID, owed string) error {
	ctx = context.WithoutCancel(ctx)
	var wait replicaWait
	var beside []func(redis.Pipeliner)
	if a.cfg.WaitReplicas > 0 {
		beside = append(beside, func(pipe redis.Pipeliner) { wait = a.queueWait(ctx, pipe) })
	}
	if err := a.log.Append(ctx, e, beside...); err != nil {
		return err
	}
	written := ""
	if owed == "end" {
		written = "ended"
	}
	if err := a.waited(ctx, wait, id, written); err != nil {
		return err
	}
	// Best effort: what stays owed is written once more, which changes nothing.
	settleScript.Run(ctx, a.store, []string{a.store.session(id)}, owed)
	return nil
}

// EndUser ends every session of a user that exists now; with a fingerprint, only those that carry it (the account
// changed since). It returns how many sessions it ended. Later logins are not affected. It also revokes the tokens that
// the PHP plugin issued to the user. Its promises and ErrUnavailable are those of EndSession.
func (a *Authority) EndUser(ctx context.Context, userID int64, fingerprint string, cause Cause) (ended int, err error) {
	if userID <= 0 {
		return 0, fmt.Errorf("ending the sessions of a user: %d is not a user id", userID)
	}
	ctx = context.WithoutCancel(ctx)
	listed, err := a.store.indexed(ctx, userID)
	if err != nil {
		return 0, unavailable("finding the sessions of a user", err)
	}
	cutoff := a.cutoff(listed)
	if err := a.store.keepUserCutoff(ctx, userID, fingerprint, cutoff, milliseconds(a.cfg.RefreshTTL+outlives)); err != nil {
		return 0, unavailable("storing user cutoff", err)
	}
	if err := a.log.Append(ctx, revocation.UserCutoff(userID, fingerprint, cutoff)); err != nil {
		return 0, err
	}
	return a.endCutOff(ctx, listed, fingerprint, cause)
}

// cutoff returns now, or a later time if a session was created by a clock that is ahead of ours.
func (a *Authority) cutoff(listed []*record) int64 {
	cutoff := max(a.cfg.Now().UnixMilli(), a.newest.Load())
	for _, s := range listed {
		cutoff = max(cutoff, s.created)
	}
	return cutoff
}

// endCutOff makes tombstones of sessions that a cutoff covers. The log needs no entries for them.
func (a *Authority) endCutOff(ctx context.Context, listed []*record, fingerprint string, cause Cause) (n int, err error) {
	var calls []cluster.Call
	for _, s := range listed {
		if fingerprint == "" || s.fingerprint == fingerprint {
			calls = append(calls, a.store.endCall(s.id, a.cfg.Now().UnixMilli(), cause.known(), a.cfg.tombstone(), fingerprint))
		}
	}
	for some := range slices.Chunk(calls, endBatch) {
		err = errors.Join(err, cluster.Run(ctx, a.store.UniversalClient, some))
		for _, c := range some {
			if b, failed := parseEnded(c.Cmd.Slice()); failed == nil && b.now {
				n++
			}
		}
	}
	a.metrics.ended(cause, n)
	if err != nil {
		return n, unavailable("ending session", err)
	}
	return n, nil
}

// endBatch is how many sessions end in one round trip.
const endBatch = 500

// EndAll ends all sessions that exist now, also those that a gateway began whose clock is ahead. It does not visit them; they
// are refused when they are used. Their number is therefore not known and not counted. Later logins are not affected.
func (a *Authority) EndAll(ctx context.Context, cause Cause) error {
	ctx = context.WithoutCancel(ctx)
	newest, err := a.store.Get(ctx, a.store.newest()).Result()
	if missing(err) != nil {
		return unavailable("reading the time of the newest session", err)
	}
	cutoff := max(a.cutoff(nil), number(newest))
	if err := raiseScript.Run(ctx, a.store, []string{a.store.allCutoff()}, milliseconds(a.cfg.RefreshTTL+outlives), "", cutoff).Err(); err != nil {
		return unavailable("storing the cutoff of all", err)
	}
	if err := a.log.Append(ctx, revocation.AllCutoff(cutoff)); err != nil {
		return err
	}
	a.cfg.Log.Warn("all sessions ended", "cause", string(cause.known()))
	return nil
}

const (
	// everyFingerprint is the field of a user's cutoffs that covers all sessions.
	everyFingerprint = "*"
	// anyFingerprint is the field of the latest cutoff of any fingerprint: see LatestEnd.
	anyFingerprint = "any"
)

func fingerprintField(fingerprint string) string { return "f:" + fingerprint }

// keepUserCutoff keeps a cutoff as long as a session that was created before it can live: each refresh reads it. It takes back
// no later one, which a gateway wrote whose clock is ahead.
func (s store) keepUserCutoff(ctx context.Context, userID int64, fingerprint string, cutoff, life int64) error {
	return raiseScript.Run(ctx, s, []string{s.userCutoffs(userID)}, life, cutoffField(fingerprint), cutoff, anyFingerprint, cutoff).Err()
}

func cutoffField(fingerprint string) string {
	if fingerprint == "" {
		return everyFingerprint
	}
	return fingerprintField(fingerprint)
}

// cutoffs are the cutoffs in Redis that may cover a session.
type cutoffs struct {
	all  *redis.StringCmd
	user *redis.SliceCmd
}

func (s store) cutoffs(ctx context.Context, p redis.Pipeliner, r *record) cutoffs {
	return cutoffs{p.Get(ctx, s.allCutoff()),
		p.HMGet(ctx, s.userCutoffs(r.userID), everyFingerprint, fingerprintField(r.fingerprint))}
}

// err returns why they could not be read.
func (c cutoffs) err() error { return errors.Join(missing(c.all.Err()), c.user.Err()) }

// latest returns the latest of them; 0 without any.
func (c cutoffs) latest() int64 {
	latest := number(c.all.Val())
	for _, v := range c.user.Val() {
		text, _ := v.(string)
		latest = max(latest, number(text))
	}
	return latest
}

// cover reports whether one of them covers a session.
func (c cutoffs) cover(s *record) bool { return s.created <= c.latest() }

// tombstone returns how long an ended session is remembered.
func (c Config) tombstone() time.Duration { return min(tombstoneLife, c.RefreshTTL) }
