//go:build !unix

package server

// Descriptors returns false: Windows has no such limit.
func Descriptors() (limit uint64, ok bool) { return 0, false }
