package upstream

import (
	"errors"

	"cocart-gateway/upstream/pool"
)

var (
	// ErrUnavailable means that WordPress could not be reached or closed the connection
	// before it answered. It may have acted on the request.
	ErrUnavailable = pool.ErrUnavailable
	// ErrBusy means that the request found no place at WordPress and no room to wait, or
	// waited too long. Nothing was sent.
	ErrBusy = pool.ErrBusy
	// ErrTimeout means that WordPress did not begin to answer in time. It may still act
	// on the request.
	ErrTimeout = pool.ErrTimeout
	// ErrBadReply means that the answer of WordPress is unusable: it is not a JSON object
	// at a login, is too large, or has a signature that does not verify.
	ErrBadReply = errors.New("WordPress sent an unusable answer")
	// ErrNoPlugin means that WordPress accepted a login that the must-use plugin did not
	// sign: the plugin is not installed, or its secret differs.
	ErrNoPlugin = errors.New("the must-use plugin did not sign the login")
)
