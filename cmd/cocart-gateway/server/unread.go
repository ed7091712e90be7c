//go:build unix

package server

import (
	"net"
	"syscall"
)

// unread reports whether the kernel has something from the client that the server has not read.
func unread(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	_ = raw.Control(func(fd uintptr) { // not Read, which waits for the one under way
		n, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK) // does not wait; 0: the client has closed
	})
	return n > 0
}
