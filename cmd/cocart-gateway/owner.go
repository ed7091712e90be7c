//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the numbers of the user and the group that own a file. ok is false if the system does not say.
func ownerOf(info fs.FileInfo) (user, group int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
