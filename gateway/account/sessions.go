package account

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
)

// Authority is what this package uses of [tokens.Authority].
type Authority interface {
	Sessions(ctx context.Context, userID int64) iter.Seq2[tokens.Session, error]
	SessionState(ctx context.Context, id string) (tokens.Session, tokens.State, error)
	EndSession(ctx context.Context, id string, cause tokens.Cause) error
}

// Sessions are those of one user.
type Sessions struct {
	Authority Authority
	UserID    int64
	// Current is the session of the request; "" for a browser of the storefront or of staff,
	// and for a token of the old plugin.
	Current string
	Cause   tokens.Cause // of the sessions that end
}

// listed is a session as its user sees it. The id is no token: tokens carry it beside a
// signature or a MAC.
type listed struct {
	ID       string    `json:"id"`
	Device   string    `json:"device"`
	Address  string    `json:"address"`
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used"` // to about five minutes
	Expires  time.Time `json:"expires"`   // unless it is refreshed before
	Current  bool      `json:"current"`
}

// Write answers with the live sessions, oldest first. It returns tokens.ErrUnavailable
// while Redis is away.
func (s Sessions) Write(w http.ResponseWriter, r *http.Request) error {
	all := []listed{}
	for one, err := range s.Authority.Sessions(r.Context(), s.UserID) {
		if err != nil {
			return err
		}
		all = append(all, listed{one.ID, Device(one.Device), one.Address, one.Created.UTC(), one.LastUsed.UTC(), one.Expires.UTC(), one.ID == s.Current})
	}
	respond.JSON(w, r, http.StatusOK, struct {
		Sessions []listed `json:"sessions"`
	}{all})
	return nil
}

// End ends one session and returns 1, or 0 if it had ended before, so that a client whose
// answer got lost may ask again. The error for the id of another user's session is that
// for an unknown one: an attacker must not learn which ids exist. It goes on when the
// client has left.
func (s Sessions) End(ctx context.Context, id string) (ended int, err error) {
	ctx = context.WithoutCancel(ctx)
	one, state, err := s.Authority.SessionState(ctx, id)
	switch {
	case err != nil && !errors.Is(err, tokens.Malformed):
		return 0, err
	case err != nil, one.UserID != s.UserID, state == tokens.StateUnknown, state == tokens.StateExpired:
		return 0, respond.Fail(respond.NotYourSession)
	case state == tokens.StateLive:
		ended = 1
	}
	// A session that is over ends again: what an earlier call could not write to the
	// revocation log is written now.
	return ended, s.Authority.EndSession(ctx, id, s.Cause)
}

// EndOthers ends every session but the current one and returns how many. After an error
// some may have ended; it may be repeated.
func (s Sessions) EndOthers(ctx context.Context) (ended int, err error) {
	ctx = context.WithoutCancel(ctx)
	for one, err := range s.Authority.Sessions(ctx, s.UserID) {
		if err != nil {
			return ended, err
		}
		if one.ID == s.Current {
			continue
		}
		if err := s.Authority.EndSession(ctx, one.ID, s.Cause); err != nil {
			return ended, err
		}
		ended++
	}
	return ended, nil
}

// WriteEnded answers how many sessions ended.
func WriteEnded(w http.ResponseWriter, r *http.Request, ended int) {
	respond.JSON(w, r, http.StatusOK, map[string]int{"ended": ended})
}
