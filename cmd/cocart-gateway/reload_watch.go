package main

import (
	"context"
	"sync"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/filewatch"
)

// startReloading reads the configuration again on SIGHUP and, with reload: watch, when its files change, until stop. stop
// waits for a reload under way and lets no other begin.
func (p *program) startReloading() (stop func()) {
	if p.from == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.followHangups(ctx) })
	if p.cfg.Reload == config.ReloadWatch {
		running.Go(func() {
			filewatch.Follow(ctx, p.every(filewatch.Interval), p.from, func() { p.reload("file") })
		})
	}
	return func() {
		cancel()
		running.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.closed = true
	}
}

func (p *program) followHangups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.from.hangups:
			p.hangup()
		}
	}
}

func (p *program) hangup() {
	if p.cfg.Reload == config.ReloadOff {
		p.log.Warn("SIGHUP changes nothing: reload is off")
		p.notify.Reloading() // systemctl reload waits for it
		p.notify.Reloaded("serving; nothing was reloaded, since reload is off")
		return
	}
	p.reload("signal")
}
