package upstream

import (
	"context"
	"errors"
	"fmt"
)

// User is an account of WordPress.
type User struct {
	ID    int64
	Login string // the login name
}

// MaxFind is the length of the longest text that [WordPress.FindUsers] looks up, in bytes. WordPress keeps 100 of an e-mail
// address and 60 of a login name.
const MaxFind = 320

// ErrCannotFind means that WordPress answered, but not whose a login name or an e-mail address is: the must-use plugin is not
// installed, has another secret, or is older than the question.
var ErrCannotFind = errors.New("the must-use plugin does not answer whose a login name or an e-mail address is")

// FindUsers returns the users with a login name or an e-mail address. The list has at most two entries: a login name can look like
// the e-mail address of another user. It is for operators only. WordPress answers nothing but a signed question, so that
// other clients cannot find out which accounts exist. It asks one node after another until one answers, for the time of
// ctx. Errors are [ErrCannotFind], [ErrUnavailable] and [ErrTimeout].
func (w *WordPress) FindUsers(ctx context.Context, name string) ([]User, error) {
	if name == "" || len(name) > MaxFind {
		return nil, nil // no account has it
	}
	var failed error
	for _, n := range w.Nodes() {
		r, err := n.askStatus(ctx, w.host, Assertion{Kind: Status, Proto: w.scheme, Find: name})
		switch {
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("%s: %w", n.Name(), err))
		case r.Outcome == StatusFound:
			return r.Found, nil
		default:
			failed = errors.Join(failed, fmt.Errorf("%s: %w (status: %s)", n.Name(), ErrCannotFind, r.Outcome))
		}
	}
	return nil, failed
}
