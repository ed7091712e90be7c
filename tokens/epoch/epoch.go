// Package epoch finds out whether Redis lost data. A marker in Redis says which store this is and which processes use it;
// each of them renews its mark every second. After a loss the marker is missing, has an older mark than the process wrote, or
// is older than the start of the server. What was found stays in the marker until an operator confirms the data.
//
// What follows from a loss is decided in package tokens.
package epoch

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed beat.lua
	beatSource string
	//go:embed leave.lua
	leaveSource string

	beatScript  = redis.NewScript(beatSource)
	leaveScript = redis.NewScript(leaveSource)
)

// Why says how a loss was found.
type Why string

// The closed list of signs of a loss.
const (
	Emptied   Why = "emptied"    // the marker that this process saw is gone
	Older     Why = "older"      // the mark of this process is older than the one that it wrote
	Restarted Why = "restarted"  // Redis started without an append-only file after the last mark of a process that did not end in order
	LogBehind Why = "log_behind" // the revocation log ends before an entry that a process read
)

// State is what the marker says. Times are those of Redis.
type State struct {
	From time.Time // when the marker was made in an empty store; zero: there were data, or an operator confirmed them
	Lost time.Time // the last loss that no operator confirmed; zero: none
	Why  Why       // of Lost
}

// Open reports whether data were lost, and no operator confirmed what is left.
func (s State) Open() bool { return !s.Lost.IsZero() }

// Found is what a process learned by one Beat.
type Found struct {
	State
	New  Why  // the loss that this process found first; "" = none
	Back bool // the store lost writes: what this process knows must be written back
}

// Usage describes how the store is used, for Beat.
type Usage struct {
	Life    time.Duration // of the marker
	Kept    time.Duration // how long an entry of the revocation log is kept
	Newest  string        // id of the entry that this process read last; "" = none
	LogKey  string
	UsedKey string // a sorted set that is there once a token was handed out
}

// Watch is what one process knows of the marker. One goroutine beats; any may read Now.
type Watch struct {
	client  redis.UniversalClient
	key     string
	process string

	state atomic.Pointer[State] // as it was at the last Beat; nil before the first one

	id, n, mark string // what the marker had at the last Beat; only the goroutine that beats touches these
}

// New returns the watch of a process that begins. It does no I/O.
func New(client redis.UniversalClient, prefix string) *Watch {
	return &Watch{client: client, key: Key(prefix), process: rand.Text(), mark: "0"}
}

// Key returns the key of the marker.
func Key(prefix string) string { return prefix + "epoch" }

// Now returns the state as it was at the last Beat.
func (w *Watch) Now() State {
	if s := w.state.Load(); s != nil {
		return *s
	}
	return State{}
}

// Begun reports whether there was a Beat.
func (w *Watch) Begun() bool { return w.state.Load() != nil }

// Beat renews the mark of this process, and looks what became of it. It needs one round trip, the first one three more.
func (w *Watch) Beat(ctx context.Context, u Usage) (Found, error) {
	began, id := w.id == "", u.Newest
	var first beginning
	if began {
		var err error
		if first, err = w.begin(ctx, u); err != nil {
			return Found{}, err
		}
		id = first.newest
	}
	answer, err := beatScript.Run(ctx, w.client, []string{w.key}, w.process, w.id, w.n, w.mark, rand.Text(),
		u.Life.Milliseconds(), first.started, first.used, id, u.Kept.Milliseconds()).StringSlice()
	if err != nil {
		return Found{}, err
	}
	if len(answer) != 8 {
		return Found{}, fmt.Errorf("the marker script answered %d values instead of 8", len(answer))
	}
	w.id, w.n, w.mark = answer[0], answer[1], answer[5]
	state := stateOf(answer[2], answer[3], answer[4])
	w.state.Store(&state)
	// A process that begins knows nothing that could be written back.
	return Found{State: state, New: Why(answer[7]), Back: answer[6] != "fine" && !began}, nil
}

// beginning is what a process that begins finds in the store.
type beginning struct {
	started int64 // Unix ms; 0 = unknown
	used    int   // 1 if gateways used the store before
	newest  string
}

func (w *Watch) begin(ctx context.Context, u Usage) (b beginning, err error) {
	newest, err := w.client.XRevRangeN(ctx, u.LogKey, "+", "-", 1).Result()
	if err != nil {
		return b, err
	}
	if len(newest) > 0 {
		b.newest = newest[0].ID
	}
	members, err := w.client.ZRange(ctx, u.UsedKey, 0, 0).Result()
	if err != nil {
		return b, err
	}
	b.used = min(1, len(members)+len(newest))
	b.started, err = w.started(ctx)
	return b, err
}

// started returns when the server started that has the marker (Unix ms by its clock); 0 if it does not say, or if it appends
// every write to a file and so comes back with nearly all of them.
func (w *Watch) started(ctx context.Context) (int64, error) {
	var server redis.Cmdable = w.client
	if c, ok := w.client.(*redis.ClusterClient); ok {
		master, err := c.MasterForKey(ctx, w.key)
		if err != nil {
			return 0, err
		}
		server = master
	}
	info, err := server.Info(ctx).Result()
	if err != nil {
		return 0, nil //nolint:nilerr // a server that does not describe itself is not suspected
	}
	facts := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			facts[name] = value
		}
	}
	clock, _ := strconv.ParseInt(facts["server_time_usec"], 10, 64) // missing: 0
	up, _ := strconv.ParseInt(facts["uptime_in_seconds"], 10, 64)
	if facts["aof_enabled"] != "0" || clock == 0 {
		return 0, nil
	}
	return clock/1000 - up*1000, nil
}

// Leave removes the mark of this process, which ends in order.
func (w *Watch) Leave(ctx context.Context) error {
	if w.id == "" {
		return nil
	}
	return leaveScript.Run(ctx, w.client, []string{w.key}, w.process).Err()
}

// Read returns what the marker says, without marking anything. Without a marker the State is zero.
func Read(ctx context.Context, client redis.UniversalClient, prefix string) (State, error) {
	f, err := client.HMGet(ctx, Key(prefix), "from", "lost", "why").Result()
	if err != nil {
		return State{}, err
	}
	text := func(i int) string { s, _ := f[i].(string); return s }
	return stateOf(text(0), text(1), text(2)), nil
}

// Confirm notes that an operator found the data to be good: nothing counts as lost any more.
func Confirm(ctx context.Context, client redis.UniversalClient, prefix string) error {
	return client.HDel(ctx, Key(prefix), "from", "lost", "why").Err()
}

func stateOf(from, lost, why string) State {
	at := func(text string) time.Time {
		if ms, _ := strconv.ParseInt(text, 10, 64); ms > 0 {
			return time.UnixMilli(ms)
		}
		return time.Time{}
	}
	return State{From: at(from), Lost: at(lost), Why: Why(why)}
}
