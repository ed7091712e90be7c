package chaos

import (
	"context"
	"fmt"
	"time"

	"cocart-gateway/tokens/tokenstest"
)

// allRows are those of the campaign, in the order in which they run.
func allRows() []row {
	var all []row
	for _, part := range [][]row{redisRows(), lostDataRows(), networkRows(), failoverRows(), processRows()} {
		all = append(all, part...)
	}
	return all
}

// alone starts a Redis without persistence unless options say so, and three gateways.
func alone(options ...string) func(*world) {
	return func(w *world) {
		w.redis = tokenstest.Redis(w.t, append([]string{"--enable-debug-command", "yes"}, options...)...)
		w.startGateways(func(int) string { return fmt.Sprintf("{address: %q}", w.redis.Addr()) }, "")
	}
}

var (
	noPersistence = []string{"--appendonly", "no", "--save", ""}
	snapshots     = []string{"--appendonly", "no", "--save", ""} // taken by the rows themselves
)

// command sends one to the Redis of a row, from a client of its own.
func (w *world) command(words ...any) {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	if err := c.Do(context.Background(), words...).Err(); err != nil {
		w.t.Errorf("%v: %v", words, err)
	}
}

func nothing(*world) func() { return func() {} }

func redisRows() []row {
	return []row{
		{id: "baseline", what: "nothing is broken", set: alone(), fault: nothing, lasts: 4 * time.Second, short: true},
		{id: "A1", what: "Redis killed, no persistence", set: alone(noPersistence...), lasts: 6 * time.Second, goal: goal{loggedOut: true},
			fault: killRedis},
		{id: "A2", what: "Redis killed, append-only file", set: alone("--appendfsync", "everysec"), lasts: 6 * time.Second, short: true, fault: killRedis},
		{id: "A3", what: "Redis frozen", set: alone(), lasts: 30 * time.Second, short: true, fault: func(w *world) func() {
			pid := w.redis.PID()
			freeze(pid)
			return func() { thaw(pid) }
		}},
		{id: "A4", what: "CLIENT PAUSE ALL", set: alone(), lasts: 8 * time.Second, fault: pause("ALL")},
		{id: "A4w", what: "CLIENT PAUSE WRITE", set: alone(), lasts: 8 * time.Second, fault: pause("WRITE")},
		{id: "A6", what: "memory full, noeviction", set: alone(), lasts: 8 * time.Second, short: true, fault: func(w *world) func() {
			w.command("CONFIG", "SET", "maxmemory", "1")
			return func() { w.command("CONFIG", "SET", "maxmemory", "0") }
		}},
		{id: "A7", what: "Redis takes no writes", set: alone(), lasts: 8 * time.Second, fault: func(w *world) func() {
			w.command("CONFIG", "SET", "min-replicas-to-write", "1")
			return func() { w.command("CONFIG", "SET", "min-replicas-to-write", "0") }
		}},
	}
}

func killRedis(w *world) func() {
	w.redis.Kill()
	return w.redis.Start
}

func pause(what string) func(*world) func() {
	return func(w *world) func() {
		w.command("CLIENT", "PAUSE", "60000", what)
		return func() { w.command("CLIENT", "UNPAUSE") }
	}
}

const restarting = 100 // requests that a kill cuts

// lostDataRows are those in which Redis forgets what it acknowledged.
func lostDataRows() []row {
	return []row{
		{id: "A5", what: "FLUSHALL", set: alone(), lasts: 4 * time.Second, goal: goal{loggedOut: true}, fault: func(w *world) func() {
			w.command("FLUSHALL")
			return func() {}
		}},
		{id: "A5n", what: "FLUSHALL, then another gateway starts, behind HAProxy", set: balanced(), lasts: 4 * time.Second, short: true, goal: goal{loggedOut: true, failed: restarting},
			fault: func(w *world) func() { w.command("FLUSHALL"); return w.restartLast }},
		{id: "F2", what: "Redis returns with a snapshot from before many refreshes", set: alone(snapshots...), lasts: 8 * time.Second,
			fault: func(w *world) func() { return w.snapshot() }},
		{id: "F2n", what: "the same, then another gateway starts, behind HAProxy", set: balanced(snapshots...), lasts: 8 * time.Second, short: true,
			goal: goal{failed: restarting}, fault: func(w *world) func() {
				heal := w.snapshot()
				return func() { heal(); w.restartLast() }
			}},
	}
}

// snapshot lets Redis save, and at the end of the fault takes it back to that.
func (w *world) snapshot() func() {
	before := time.Now()
	w.command("SAVE")
	return func() {
		w.redis.Kill()
		w.mu.Lock()
		w.saved, w.back = before, time.Now() // there are no logins while it is away
		w.mu.Unlock()
		w.redis.Start()
	}
}

// restartLast starts the last gateway again, as a machine does that had a power cut, once the others had a second to
// notice what happened.
func (w *world) restartLast() {
	time.Sleep(time.Second)
	g := w.gateways[2]
	g.kill()
	g.start()
}
