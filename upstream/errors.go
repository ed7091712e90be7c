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
	// ErrBadReply: WordPress answered, but not in a way that can be used: no JSON
	// object at login, an answer too large, a signature that does not verify.
	ErrBadReply = errors.New("WordPress sent an unusable answer")
	// ErrNoPlugin: WordPress let a login in without the must-use plugin vouching
	// for it: the plugin is not installed, or its secret is another.
	ErrNoPlugin = errors.New("the must-use plugin did not sign the login")
)
