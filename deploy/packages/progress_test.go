package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEachStepIsReportedWithItsTime(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var text strings.Builder
	p := progressOf(2, &text, func() time.Time { at = at.Add(10 * time.Second); return at })
	if err := p.step("linux/amd64", func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no space left")
	if err := p.step("checksums", func() error { return broken }); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "checksums: ") {
		t.Error(err)
	}
	if want := "[1/2] linux/amd64 in 10s, 30s since the start\n"; text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
}

func TestEverySystemIsBuiltOnce(t *testing.T) {
	var mu sync.Mutex
	built := map[target]int{}
	err := forEach(t.Context(), targets, func(_ context.Context, one target) error {
		mu.Lock()
		defer mu.Unlock()
		built[one]++
		return nil
	})
	if err != nil || len(built) != len(targets) {
		t.Errorf("%v, %v", built, err)
	}
}

func TestTheFirstErrorEndsTheRelease(t *testing.T) {
	broken, many := errors.New("no space left"), make([]target, 100)
	var begun atomic.Int32
	err := forEach(t.Context(), many, func(context.Context, target) error {
		begun.Add(1)
		return broken
	})
	if !errors.Is(err, broken) || begun.Load() == 100 {
		t.Errorf("%v after %d", err, begun.Load())
	}
}
