//go:build !unix

package server

import "net"

// queued returns nothing: connections that the gateway has not accepted are lost with the listener.
func queued(net.Listener) []net.Conn { return nil }
