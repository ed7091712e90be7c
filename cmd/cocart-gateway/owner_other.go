//go:build !unix

package main

import "io/fs"

// ownerOf returns false: files have no such owners on Windows.
func ownerOf(fs.FileInfo) (user, group int, ok bool) { return 0, 0, false }
