package attempts

import "sync"

// waiting gives each client that a shared counter refused a turn of its own. A counter admits one more every interval; a
// server that logs in a hundred customers would otherwise repeat all of them in the same second, 99 in vain. The turn is a
// hint of this process: it changes no counter, and a client that comes earlier is counted like any other.
type waiting struct {
	mu    sync.Mutex
	lines map[string]*line // by the key of the counter
	turns int              // in all lines
	swept int64            // when lines without a waiting client were last dropped
}

type line struct {
	last  int64            // the latest turn that was given
	turns map[string]int64 // by account
}

const (
	mostLines = 10_000
	mostTurns = 1_000   // in one line
	allTurns  = 100_000 // an attacker with many addresses fills many lines, with names of its choice

	sweepEvery = int64(1_000_000) // microseconds: looking at all lines takes some time
)

func newWaiting() *waiting { return &waiting{lines: map[string]*line{}} }

// turn returns when a client may come back. The first client waits until first, and no client longer than until latest. A
// client that is refused again keeps its turn.
func (w *waiting) turn(key, who string, now, first, interval, latest int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.makeRoom(now)
	l := w.lines[key]
	if l == nil {
		l = &line{turns: map[string]int64{}}
		w.lines[key] = l
	}
	if turn := l.turns[who]; turn > now && who != "" {
		return turn
	}
	turn := first
	if l.last >= first {
		turn = min(l.last+interval, latest)
	}
	l.last = max(turn, first)
	w.keep(l, who, turn, now)
	return turn
}

func (w *waiting) keep(l *line, who string, turn, now int64) {
	had := len(l.turns)
	defer func() { w.turns += len(l.turns) - had }()
	if len(l.turns) >= mostTurns {
		for other, t := range l.turns {
			if t <= now {
				delete(l.turns, other)
			}
		}
	}
	if _, there := l.turns[who]; there || len(l.turns) < mostTurns && w.turns < allTurns {
		l.turns[who] = turn
	}
}

// makeRoom drops the lines without a waiting client, or any of them if all have one.
func (w *waiting) makeRoom(now int64) {
	if len(w.lines) < mostLines && w.turns < allTurns {
		return
	}
	if now-w.swept >= sweepEvery {
		w.swept = now
		for key, l := range w.lines {
			if l.last <= now {
				w.drop(key)
			}
		}
	}
	for key := range w.lines {
		if len(w.lines) < mostLines {
			return
		}
		w.drop(key)
	}
}

func (w *waiting) drop(key string) {
	w.turns -= len(w.lines[key].turns)
	delete(w.lines, key)
}
