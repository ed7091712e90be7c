package upstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrUnavailable: WordPress could not be reached or hung up before it
	// answered. Nothing is known about whether it acted on the request.
	ErrUnavailable = errors.New("WordPress is unavailable")
	// ErrBusy: as many requests as WordPress may work on are under way, and as many
	// as may wait for it do, or this one has waited too long. Nothing was sent.
	ErrBusy = errors.New("WordPress is busy")
	// ErrTimeout: WordPress did not begin to answer in time. It may still act on
	// the request.
	ErrTimeout = errors.New("WordPress did not answer in time")
	// ErrBadReply: WordPress answered, but not in a way that can be used: no JSON
	// object at login, an answer too large, a signature that does not verify.
	ErrBadReply = errors.New("WordPress sent an unusable answer")
	// ErrNoPlugin: WordPress let a login in without the must-use plugin vouching
	// for it: the plugin is not installed, or its secret is another.
	ErrNoPlugin = errors.New("the must-use plugin did not sign the login")
)

// classifyError sorts a transport error. A cancelled context stays what it is:
// the client left, which is nobody's failure.
func classifyError(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case isTimeout(err) && !isDial(err):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

// unquoted says nothing of an answer that net/http could not read, whose errors
// quote a line of it: a cookie, perhaps, and errors are logged.
type unquoted struct{ error }

func (e unquoted) Error() string {
	said, _, _ := strings.Cut(e.error.Error(), ` "`)
	return said
}

func (e unquoted) Unwrap() error { return e.error }

func withoutQuotes(err error) error {
	if err == nil {
		return nil
	}
	return unquoted{err}
}
