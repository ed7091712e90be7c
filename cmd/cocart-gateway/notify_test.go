package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// Without Redis it serves all the same, and says so; but not for ever after Redis came back.
func TestSystemdIsToldWhenTheRevocationsWereReadLate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	notes, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	p, err := assemble(withLines(t, "redis: {address: embedded}\n"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.notify.Wait = 0
	s := &systemd{t: t, notes: notes}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()

	running.Go(func() { p.notify.Announce(ctx, p.caughtUp) })
	s.reported("READY=1\nSTATUS=serving, without having read the revocations from Redis yet")
	running.Go(func() { _ = p.watch(ctx) }) // ends with the test
	if got := s.next("serving"); got != "STATUS=serving" {
		t.Errorf("systemd was told %q", got)
	}
}
