package admin

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens/attempts"
)

// Lockouts are the counters of passwords and requests; [attempts.Guard] has them. Its errors are those of Redis.
type Lockouts interface {
	Lockouts(context.Context) ([]attempts.Lockout, error)
	ClearUser(context.Context, int64) error
	ClearAddress(context.Context, netip.Addr) error
	ClearAll(context.Context) error
}

// Clearing says which counters are cleared: those of a user, of an address with its networks, or all of them.
type Clearing struct {
	UserID  int64
	Address netip.Addr
	All     bool
}

// ClearLockouts clears counters and returns the lockouts that this ended. Counters that were not used up are cleared as well,
// and are not in the list.
func ClearLockouts(ctx context.Context, l Lockouts, what Clearing) ([]attempts.Lockout, error) {
	before, err := l.Lockouts(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case what.UserID != 0:
		err = l.ClearUser(ctx, what.UserID)
	case what.Address.IsValid():
		err = l.ClearAddress(ctx, what.Address)
	case what.All:
		err = l.ClearAll(ctx)
	}
	if err != nil {
		return nil, err
	}
	after, err := l.Lockouts(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(before, func(was attempts.Lockout) bool {
		return slices.ContainsFunc(after, func(is attempts.Lockout) bool { return was.Counter == is.Counter && was.Subject == is.Subject })
	}), nil
}

// lockoutRoutes are
//
//	GET    /lockouts                                          what is used up: {"lockouts": […]}
//	DELETE /lockouts?user_id=N | ?user=NAME | ?address=A | ?all=true  clears it: {"cleared": […]}
func (h *Handler) lockoutRoutes(l Lockouts) []route {
	return []route{
		{"GET", "/lockouts", nil, func(w http.ResponseWriter, r *http.Request) error {
			all, err := l.Lockouts(r.Context())
			if err != nil {
				return respond.Fail(respond.StoreUnavailable).WithMessage(err.Error())
			}
			respond.JSON(w, r, http.StatusOK, map[string]any{"lockouts": append([]attempts.Lockout{}, all...)})
			return nil
		}},
		{"DELETE", "/lockouts", []string{"user_id", "user", "address", "all"}, func(w http.ResponseWriter, r *http.Request) error {
			what, err := h.clearingOf(r)
			if err != nil {
				return err
			}
			cleared, err := ClearLockouts(r.Context(), l, what)
			if err != nil {
				return respond.Fail(respond.StoreUnavailable).WithMessage(err.Error())
			}
			h.logChange(r, "clear lockouts", slog.Int("lockouts", len(cleared)))
			respond.JSON(w, r, http.StatusOK, map[string]any{"cleared": append([]attempts.Lockout{}, cleared...)})
			return nil
		}},
	}
}

// clearingOf requires exactly one parameter, so that a forgotten one clears nothing.
func (h *Handler) clearingOf(r *http.Request) (what Clearing, err error) {
	q := r.URL.Query()
	if what.UserID, err = h.userIn(r, q); err != nil {
		return what, err
	}
	if text := q.Get("address"); text != "" {
		if what.Address, err = netip.ParseAddr(text); err != nil {
			return what, badRequest("address must be an IP address.")
		}
	}
	what.All = q.Get("all") == "true"
	given := 0
	for _, is := range []bool{what.UserID != 0, what.Address.IsValid(), what.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return what, badRequest("Name what to clear: one of user_id=N, user=NAME, address=A and all=true.")
	}
	return what, nil
}
