package main

import "testing"

func TestTooFewFileDescriptorsAreLoggedAtTheStart(t *testing.T) {
	start(t, settings{"limits.connections": "10000000"}).said.await(t, "raise LimitNOFILE of the unit")
}
