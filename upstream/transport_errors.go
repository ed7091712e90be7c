package upstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
