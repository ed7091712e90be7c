package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// What becomes of a request that WordPress did not answer.
var (
	// ErrUnavailable means that no node could be reached, or that it closed the connection before it answered.
	ErrUnavailable = errors.New("WordPress is unavailable")
	// ErrBusy means that there was no place, and no room to wait, or that the request waited too long. Nothing was sent.
	ErrBusy = errors.New("WordPress is busy")
	// ErrTimeout means that the answer did not begin in time, or paused for too long.
	ErrTimeout = errors.New("WordPress did not answer in time")
)

// Classify sorts an error of a transport. The cancellation of a context stays what it is: the client left, which is
// no failure of WordPress.
func Classify(err error) error {
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
