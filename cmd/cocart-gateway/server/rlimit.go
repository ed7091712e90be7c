//go:build unix

package server

import "syscall"

// Descriptors returns the number of file descriptors that this process may use, as package os has raised it to the hard
// limit. ok is false if the system does not say.
func Descriptors() (limit uint64, ok bool) {
	var r syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r)
	return uint64(r.Cur), err == nil //nolint:unconvert // a signed number on FreeBSD
}
