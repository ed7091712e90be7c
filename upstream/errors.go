package upstream

import (
	"errors"
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
