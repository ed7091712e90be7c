package server

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier reports the state of the process to systemd (sd_notify(3)); where the process was not started by systemd, it
// does nothing. It sends over a local datagram socket and never waits.
type Notifier struct {
	Log  *slog.Logger
	Wait time.Duration // how long Announce waits for the revocations

	announced atomic.Bool // READY was sent, and /servez says so; before, a reload is part of the start
	status    atomic.Pointer[string]
}

// NewNotifier returns a Notifier that waits ten seconds for the revocations: without Redis the gateway serves, too, and a
// service manager that waits longer would start it again.
func NewNotifier(log *slog.Logger) *Notifier {
	return &Notifier{Log: log, Wait: 10 * time.Second}
}

func (n *Notifier) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.Log.Warn("systemd could not be notified", "state", state, "cause", err.Error())
	}
}

func (n *Notifier) ready(status string) {
	n.announced.Store(true)
	n.status.Store(&status)
	n.send(daemon.SdNotifyReady + "\nSTATUS=" + status)
}

// Announced reports whether the gateway has announced that it is ready.
func (n *Notifier) Announced() bool { return n.announced.Load() }

// Reloading begins a reload, and Reloaded ends it: systemctl reload waits for both if the unit is Type=notify-reload.
func (n *Notifier) Reloading() {
	if n.announced.Load() {
		n.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec() + "STATUS=reading the configuration")
	}
}

// Reloaded reports ready again, also if nothing has changed: sd_notify(3) has no other word for that than the status.
func (n *Notifier) Reloaded(status string) {
	if n.announced.Load() {
		n.ready(status)
	}
}

func (n *Notifier) stopping() { n.send(daemon.SdNotifyStopping + "\nSTATUS=draining") }

// The time between two looks whether the revocations were read.
const (
	lookBefore = 50 * time.Millisecond
	lookAfter  = time.Second // once the gateway serves without them
)

const (
	servingAll   = "serving"
	servingBlind = "serving, without having read the revocations from Redis yet"
)

// Announce reports that the gateway is ready: once it listens and caughtUp returns true, which means that it has read the
// revocations, so that a token that was revoked under the process before is refused by this one, too. Then it notifies
// the watchdog until ctx ends.
func (n *Notifier) Announce(ctx context.Context, caughtUp func() bool) {
	waiting, done := context.WithTimeout(ctx, n.Wait)
	defer done()
	status := servingAll
	if !becomesTrue(waiting, lookBefore, caughtUp) {
		status = servingBlind
	}
	if ctx.Err() != nil {
		return
	}
	n.ready(status)
	n.Log.Debug("ready", "status", status)
	var late sync.WaitGroup
	defer late.Wait()
	if status == servingBlind {
		late.Go(func() { n.correctStatus(ctx, caughtUp) })
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	n.watchdog(ctx, every/2)
}

// correctStatus reports that the revocations were read late, unless a reload has set another status since.
func (n *Notifier) correctStatus(ctx context.Context, caughtUp func() bool) {
	if becomesTrue(ctx, lookAfter, caughtUp) && *n.status.Load() == servingBlind {
		n.send("STATUS=" + servingAll)
	}
}

// becomesTrue returns true once condition does, or false when ctx ends.
func becomesTrue(ctx context.Context, every time.Duration, condition func() bool) bool {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}

func (n *Notifier) watchdog(ctx context.Context, every time.Duration) {
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
