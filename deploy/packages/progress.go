package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

// progress writes a line for each step of a release that ended.
type progress struct {
	to    io.Writer
	now   func() time.Time
	began time.Time

	mu    sync.Mutex
	done  int // guarded by mu
	steps int // never changes
}

// progressOf counts n steps from now on.
func progressOf(n int, to io.Writer, now func() time.Time) *progress {
	return &progress{to: to, now: now, began: now(), steps: n}
}

// step runs one step and reports its end.
func (p *progress) step(name string, run func() error) error {
	began := p.now()
	if err := run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	_, err := fmt.Fprintf(p.to, "[%d/%d] %s in %s, %s since the start\n", p.done, p.steps, name, seconds(p.now().Sub(began)), seconds(p.now().Sub(p.began)))
	return err
}

func seconds(d time.Duration) string { return d.Round(time.Second).String() }

// forEach runs one call for each target, as many at once as there are processors: the compiler uses all of them, but the
// linker and the archives only one. The first error ends those that have not begun.
func forEach(ctx context.Context, targets []target, run func(context.Context, target) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	waiting := make(chan target)
	var workers sync.WaitGroup
	for range min(len(targets), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for t := range waiting {
				if err := run(ctx, t); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, t := range targets {
		if ctx.Err() != nil {
			break
		}
		select {
		case waiting <- t:
		case <-ctx.Done():
		}
	}
	close(waiting)
	workers.Wait()
	return context.Cause(ctx)
}
