// Package filewatch notices that the contents of files change, by reading the files at regular intervals.
//
// It compares contents, not names or times, and uses no events of the file system: editors replace a file by renaming
// another one, Kubernetes replaces a symbolic link two folders above the file, and network file systems send no events.
package filewatch

import (
	"context"
	"time"
)

// Interval is the time between two looks at the files. A change takes effect after two intervals at most.
const Interval = time.Second

// Source is loaded from files. Its methods may be called from any goroutine.
type Source interface {
	// Current returns a digest of what the files hold now. A file that cannot be read counts, too.
	Current() string
	// Loaded returns the digest of what the files held when they were last loaded, also if that was refused.
	Loaded() string
}

// Follow calls load whenever the files of s hold something else than what was loaded, until ctx ends. It looks at the
// files at each tick. A file is often written in several steps, so load is called once two looks in a row find the same.
// load must load the files, or it is called again.
func Follow(ctx context.Context, tick <-chan time.Time, s Source, load func()) {
	var last string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		now := s.Current()
		if now == last && now != s.Loaded() {
			load()
		}
		last = now
	}
}
