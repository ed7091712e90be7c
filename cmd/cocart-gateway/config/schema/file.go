package schema

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long the contents of a file may take that is not a regular one.
type patience struct {
	open time.Duration // until some program has opened a pipe to write to it
	end  time.Duration // until the contents end
}

// usualPatience is enough for a program that asks a server for secrets, and less than systemd waits for a start.
var usualPatience = patience{open: 5 * time.Second, end: time.Minute}

// ReadBounded reads a file. A file longer than limit is an error, and so is a pipe or a terminal whose contents do not end
// within a minute, and a named pipe that no program writes to.
func ReadBounded(path string, limit int64) ([]byte, *Mistake) {
	return readBounded(path, limit, usualPatience)
}

func readBounded(path string, limit int64, p patience) ([]byte, *Mistake) {
	f, info, err := openNow(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	data, err := readUpTo(f, limit, p)
	switch {
	case errors.Is(err, errNoWriter):
		return nil, &Mistake{"the file is a pipe that no program writes to", "must be a file, or a pipe with a program that writes to it",
			"start that program before the gateway, or name a regular file"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &Mistake{fmt.Sprintf("the file is not a regular one, and its contents did not end within %s", p.end), "must end",
			"check the program that writes to it, or name a regular file"}
	case err != nil:
		return nil, unreadable(err)
	case int64(len(data)) > limit:
		return nil, &Mistake{fmt.Sprintf("the file is larger than %d KiB", limit>>10),
			"must not be larger", "check that it is the right file"}
	case len(data) == 0 && info.Mode()&fs.ModeNamedPipe != 0:
		return nil, &Mistake{"the file is a pipe without contents", "must have contents: a pipe can be read once, when the gateway starts",
			"name a regular file, which a reload can read again"}
	}
	return data, nil
}

// ReadRegular reads a file that the gateway reads again while it runs, as it does with certificates. Any other file than a
// regular one is an error, since the second reading of a pipe finds nothing or does not end. So is a file longer than limit.
func ReadRegular(path string, limit int64) ([]byte, error) {
	f, info, err := openNow(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := irregular(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d KiB", limit>>10)}
	}
	return data, err
}

var errIrregular = errors.New("not a regular file")

func irregular(path string, info fs.FileInfo) error {
	switch {
	case info.Mode().IsRegular():
		return nil
	case info.IsDir():
		return &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	}
	return &fs.PathError{Op: "read", Path: path, Err: errIrregular}
}

// IsSpecial reports whether path is now a pipe, a terminal or another file whose contents cannot be read twice.
func IsSpecial(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// Regular reads a file that must be a regular one: see [ReadRegular]. Where no such file is, r.File decides, which may have
// its earlier contents.
func (s Source) Regular(path string, limit int64) ([]byte, *Mistake) {
	if IsSpecial(path) {
		return nil, &Mistake{"the file is not a regular one", "must be a regular file, since the gateway reads it again while it runs",
			"write what is in it to a regular file"}
	}
	return s.File(path, limit)
}

// openNow opens a file without waiting for a program that writes to it.
func openNow(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

var errNoWriter = errors.New("no program writes to the pipe")

// readUpTo reads up to limit bytes and one more.
func readUpTo(f *os.File, limit int64, p patience) ([]byte, error) {
	contents := io.LimitReader(f, limit+1)
	began := time.Now()
	if f.SetReadDeadline(began.Add(p.end)) != nil { // a regular file, or another one that never makes a reader wait
		return io.ReadAll(contents)
	}
	begun, err := awaitContents(f, began.Add(p.open))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(contents) // ends at once if no program has the pipe open for writing
	if err == nil && len(data) == 0 && !begun {
		err = errNoWriter
	}
	return data, err
}

// awaitContents waits until f has contents, or had a writer that is gone. A pipe that no program has opened for writing yet
// reads like one at its end: only poll(2) tells them apart.
func awaitContents(f *os.File, until time.Time) (begun bool, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return false, err
	}
	failed := conn.Control(func(fd uintptr) {
		wanted := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			var events int
			events, err = unix.Poll(wanted, int(max(0, time.Until(until)/time.Millisecond)))
			begun = events > 0
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	return begun, cmp.Or(failed, err)
}

func unreadable(err error) *Mistake {
	reason := err
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pathErr.Err
	}
	return &Mistake{"the file cannot be read: " + reason.Error(), "must be a readable file",
		"check the path and the permissions of the user the gateway runs as"}
}
