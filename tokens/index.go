package tokens

import (
	"context"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// The index of a user's sessions is another key than the sessions, so on a cluster it cannot be written together with
// them. It may be wrong: every reader loads the sessions themselves and removes from the index what no longer exists,
// and every refresh adds its session again.

func (s store) addToIndex(ctx context.Context, p redis.Pipeliner, r *record, life int64) {
	p.ZAdd(ctx, s.index(r.userID), redis.Z{Score: float64(r.created), Member: r.id.String()})
	p.Do(ctx, "PEXPIRE", s.index(r.userID), life)
}

// indexed returns the sessions in a user's index that still exist, oldest first, and repairs the index.
func (s store) indexed(ctx context.Context, userID int64) ([]*record, error) {
	members, err := s.ZRange(ctx, s.index(userID), 0, -1).Result()
	if err != nil {
		return nil, err
	}
	listed, _, err := s.existing(ctx, userID, members)
	return listed, err
}

// existing returns the sessions of an index that still exist, and those that ended without an entry in the revocation log. It
// repairs the index.
func (s store) existing(ctx context.Context, userID int64, members []string) (alive, unlogged []*record, err error) {
	ids := make([]revocation.SessionID, 0, len(members))
	var gone []any
	for _, m := range members {
		if id, ok := revocation.ParseSessionID(m); ok {
			ids = append(ids, id)
		} else {
			gone = append(gone, m)
		}
	}
	records, err := s.loadAll(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	for i, r := range records {
		switch {
		case r == nil || r.userID != userID || r.ended != 0 && r.owed == "":
			gone = append(gone, ids[i].String())
		case r.ended != 0:
			unlogged = append(unlogged, r)
		default:
			alive = append(alive, r)
		}
	}
	if len(gone) > 0 {
		err = s.ZRem(ctx, s.index(userID), gone...).Err()
	}
	return alive, unlogged, err
}

// enforceLimit ends the user's oldest sessions beyond the limit, never the one that has just begun. members is the index.
func (a *Authority) enforceLimit(ctx context.Context, newest *record, members []string) error {
	members = slices.DeleteFunc(members, func(m string) bool { return m == newest.id.String() })
	if len(members) == 0 {
		return nil
	}
	if a.cfg.MaxSessions < 0 { // best effort, as in issue.lua
		start := int(a.cfg.Now().UnixMilli() % int64(len(members)))
		_, _, _ = a.store.existing(ctx, newest.userID, members[start:min(start+8, len(members))])
		return nil
	}
	listed, unlogged, err := a.store.existing(ctx, newest.userID, members)
	if err != nil {
		return unavailable("counting sessions", err)
	}
	for _, s := range unlogged { // an earlier login ended it, and then Redis went away
		if err := a.logEnded(ctx, s.id, ended{userID: s.userID}, s.cause, revocation.SessionEnded(s.id, s.ended)); err != nil {
			return err
		}
	}
	others := a.othersAlive(listed, newest.id)
	for _, s := range others[:max(0, len(others)+1-a.cfg.MaxSessions)] {
		if err := a.end(ctx, s.id, CauseLimit); err != nil {
			return err
		}
	}
	return nil
}

func (a *Authority) othersAlive(listed []*record, newest revocation.SessionID) []*record {
	now := a.cfg.Now()
	var alive []*record
	for _, s := range listed {
		if s.id != newest && now.Before(a.expires(s)) && !a.over(s) {
			alive = append(alive, s)
		}
	}
	return alive
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
