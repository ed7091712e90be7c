package upstreamtest

import (
	"fmt"
	"net/url"
	"syscall"
	"testing"
)

// Deaf is an address that refuses every connection until the test ends: its port
// is taken, and no program listens there. A port that was merely free a moment ago may
// be another program's by now.
func Deaf(t testing.TB) *url.URL {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(socket) }) // it was ours alone
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return &url.URL{Scheme: "http", Host: fmt.Sprint("127.0.0.1:", name.(*syscall.SockaddrInet4).Port)}
}
