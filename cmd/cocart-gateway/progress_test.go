//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return screen, program
}

func TestProgressIsForTerminalsOnly(t *testing.T) {
	screen, program := openTerminal(t)
	ticks := make(chan time.Time)
	every := func(time.Duration) <-chan time.Time { return ticks }
	p := terminal{err: program, every: every}.progress("Reading sessions")
	p.Count(1200)
	ticks <- time.Time{}
	var seen strings.Builder
	for !strings.Contains(seen.String(), "Reading sessions: 1200 (1s)") {
		text := make([]byte, 100)
		n, err := screen.Read(text)
		if err != nil {
			t.Fatalf("%q: %v", seen.String(), err)
		}
		seen.Write(text[:n])
	}
	p.End()
	file, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if (terminal{err: file, every: every}).progress("x") != nil || (terminal{err: &bytes.Buffer{}, every: every}).progress("x") != nil {
		t.Error("progress goes to a file")
	}
}
