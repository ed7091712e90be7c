//go:build !unix

package server

import "net"

// unread returns false: what the server has not read is lost.
func unread(net.Conn) bool { return false }
