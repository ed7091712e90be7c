package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notifier tells systemd how the process is (sd_notify(3)); where no systemd asked, it does nothing. It sends over a
// local datagram socket and never waits.
type notifier struct {
	log       *slog.Logger
	announced atomic.Bool // ready was told, and /servez says so; before, a reload is part of the start
	status    atomic.Pointer[string]
	patience  time.Duration // how long ready waits for the revocations
}

func (n *notifier) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.log.Warn("systemd could not be told", "state", state, "cause", err.Error())
	}
}

func (n *notifier) ready(status string) {
	n.announced.Store(true)
	n.status.Store(&status)
	n.send(daemon.SdNotifyReady + "\nSTATUS=" + status)
}

// reloading begins a reload, reloaded ends it: systemctl reload waits for both where the unit is Type=notify-reload.
func (n *notifier) reloading() {
	if n.announced.Load() {
		n.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec() + "STATUS=reading the configuration")
	}
}

// reloaded says ready again also if nothing has changed: sd_notify(3) has no word for that but the status.
func (n *notifier) reloaded(status string) {
	if n.announced.Load() {
		n.ready(status)
	}
}

func (n *notifier) stopping() { n.send(daemon.SdNotifyStopping + "\nSTATUS=draining") }

// How long readiness waits for the revocations. Without Redis the gateway serves all the same, and a service manager
// that waits longer would only start it again.
const (
	revocationsWithin = 10 * time.Second
	askAgain          = 50 * time.Millisecond
	askLater          = time.Second // once it serves without them
)

const (
	servingAll   = "serving"
	servingBlind = "serving, without having read the revocations from Redis yet"
)

// announce says that the gateway is ready: once it listens and has read the revocations, so that a token that was
// revoked under the process before is refused by this one, too. Then it keeps the watchdog quiet until ctx ends.
func (p *program) announce(ctx context.Context) {
	patience, done := context.WithTimeout(ctx, p.notify.patience)
	defer done()
	status := servingAll
	if !p.awaitRevocations(patience, askAgain) {
		status = servingBlind
	}
	if ctx.Err() != nil {
		return
	}
	p.notify.ready(status)
	p.log.Debug("ready", "status", status)
	var late sync.WaitGroup
	defer late.Wait()
	if status == servingBlind {
		late.Go(func() { p.announceSight(ctx) })
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	p.notify.watchdog(ctx, every/2)
}

// announceSight takes back that the revocations were not read, unless a reload has said something else since.
func (p *program) announceSight(ctx context.Context) {
	if p.awaitRevocations(ctx, askLater) && *p.notify.status.Load() == servingBlind {
		p.notify.send("STATUS=" + servingAll)
	}
}

func (p *program) awaitRevocations(ctx context.Context, every time.Duration) bool {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !p.authority.CaughtUp() {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}

func (n *notifier) watchdog(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		n.send(daemon.SdNotifyWatchdog)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
