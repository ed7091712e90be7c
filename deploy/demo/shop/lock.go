package shop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cocart-gateway/deploy/demo/child"
)

// lock keeps two shops out of one directory. There are two files: only the process that started
// the shop holds owner; programs is inherited by all the shop's programs, so it is free only when
// the last of them is gone, also after their starter was killed.
type lock struct{ owner, programs *os.File }

// acquire fails at once where another starter lives, and waits for programs whose starter is dead:
// they are ending.
func acquire(ctx context.Context, p place) (*lock, error) {
	l := &lock{}
	err := l.take(ctx, p)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shop directory %s: %w", p.Dir, err), l.release())
	}
	return l, nil
}

func (l *lock) take(ctx context.Context, p place) (err error) {
	if l.owner, err = openLock(p, "lock"); err != nil {
		return err
	}
	free, err := tryLock(l.owner)
	if err != nil {
		return err
	}
	if !free {
		return fmt.Errorf("another shop runs there (process %s); stop it, or choose another directory", signature(l.owner))
	}
	if err := sign(l.owner); err != nil {
		return err
	}
	if l.programs, err = openLock(p, "lock.programs"); err != nil {
		return err
	}
	return awaitProgramsGone(ctx, l.programs)
}

func awaitProgramsGone(ctx context.Context, programs *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := child.Await(ctx, func() (bool, error) { return tryLock(programs) })
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("programs of an earlier run are still busy there")
	}
	return err
}

func openLock(p place, name string) (*os.File, error) {
	return p.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}

func tryLock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func signature(file *os.File) string {
	text := make([]byte, 20)
	n, _ := file.ReadAt(text, 0)
	return strings.TrimSpace(string(text[:n]))
}

func sign(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// release leaves the files: removing one would let two takers lock two files of one name.
func (l *lock) release() error {
	var problems []error
	for _, file := range []*os.File{l.programs, l.owner} {
		if file != nil {
			problems = append(problems, file.Close())
		}
	}
	return errors.Join(problems...)
}
