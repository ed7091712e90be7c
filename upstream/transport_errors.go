package upstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// What becomes of a request that WordPress did not answer.
var (
	// errUnavailable means that no node could be reached, or that it closed the connection before it answered.
	errUnavailable = errors.New("WordPress is unavailable")
	// errBusy means that there was no place, and no room to wait, or that the request waited too long. Nothing was sent.
	errBusy = errors.New("WordPress is busy")
	// errTimeout means that the answer did not begin in time, or paused for too long.
	errTimeout = errors.New("WordPress did not answer in time")
)

// classifyError sorts an error of a transport. The cancellation of a context stays what it is: the client left, which is
// no failure of WordPress.
func classifyError(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case isTimeout(err) && !isDial(err):
		return fmt.Errorf("%w: %w", errTimeout, err)
	default:
		return fmt.Errorf("%w: %w", errUnavailable, err)
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
