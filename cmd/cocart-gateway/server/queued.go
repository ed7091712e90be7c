//go:build unix

package server

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// longestQueue is the most connections that are taken out of the queue of a listener: the queue of Linux is as long
// (net.core.somaxconn), and clients must not be able to fill it for ever.
const longestQueue = 4096

// queued takes the connections that the kernel has accepted and the gateway has not.
func queued(l net.Listener) (all []net.Conn) {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) { // fails if the listener is closed already
		for len(all) < longestQueue {
			switch conn, err := acceptOne(int(fd)); {
			case err == nil:
				all = append(all, conn)
			case !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ECONNABORTED):
				return // the queue is empty, or there are too few file descriptors
			}
		}
	})
	return all
}

// acceptOne does not wait, because the sockets of listeners do not. net.FileConn makes the connection what Accept makes it.
func acceptOne(listener int) (net.Conn, error) {
	fd, _, err := syscall.Accept(listener)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	if conn.RemoteAddr() == nil { // the client has hung up
		return nil, errors.Join(syscall.ECONNABORTED, conn.Close())
	}
	return conn, nil
}
