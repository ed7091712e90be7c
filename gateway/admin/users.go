package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/gateway/admin/listing"
	"cocart-gateway/upstream"
)

// Users finds users of WordPress by login name or e-mail address; [upstream.WordPress] does.
type Users interface {
	FindUsers(ctx context.Context, name string) ([]upstream.User, error)
}

// Errors of FindUser, besides those of Users.
var (
	ErrNoSuchUser    = errors.New("no user of WordPress has this login name or e-mail address")
	ErrAmbiguousUser = errors.New("two users of WordPress have this name, one as login name and one as e-mail address")
)

// FindUser returns the id of the user that an operator named: by id, login name or e-mail address. A name of digits is an id.
// An id is not looked up, so it works without WordPress. Errors are listing.ErrUser, those above and those of Users.
func FindUser(ctx context.Context, users Users, name string) (int64, error) {
	if isNumber(name) {
		id, err := strconv.ParseInt(name, 10, 64)
		if err != nil || id < 1 {
			return 0, listing.ErrUser
		}
		return id, nil
	}
	found, err := users.FindUsers(ctx, name)
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, ErrNoSuchUser
	case len(found) == 1:
		return found[0].ID, nil
	}
	var all []string
	for _, u := range found {
		all = append(all, fmt.Sprintf("%d (login name %q)", u.ID, u.Login))
	}
	return 0, fmt.Errorf("%w; name one of them by id: %s", ErrAmbiguousUser, strings.Join(all, ", "))
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(strings.TrimPrefix(text, "-"), "0123456789") == ""
}

var errNotUser = badRequest(sentence(listing.ErrUser))

// maxLookup is how long the API waits for WordPress to name a user.
const maxLookup = 10 * time.Second

// userIn returns the user whom the parameters user_id or user name, or 0 without either.
func (h *Handler) userIn(r *http.Request, q url.Values) (int64, error) {
	id, name := q.Get("user_id"), q.Get("user")
	switch {
	case id != "" && name != "":
		return 0, badRequest("Name the user by user_id or by user, not by both.")
	case id != "" && !isNumber(id):
		return 0, errNotUser
	case id == "" && name == "":
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxLookup)
	defer cancel()
	return FindUser(ctx, h.wordpress, id+name)
}
