package revocationlog

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// opened is a log in an embedded store, with its view; restored counts the losses.
func opened(t *testing.T, now time.Time) (l *Log, restored *int) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	restored = new(int)
	return New(Config{Client: rdb, Key: "revocations", View: &revocation.View{}, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
		Restore:     func(context.Context) error { *restored++; return nil },
		EndAgain:    func(context.Context, []revocation.Entry) error { return nil },
		Unavailable: func(_ string, cause error) error { return cause }}), restored
}

// written is an entry that another gateway wrote at a time.
func written(t *testing.T, l *Log, at time.Time, id revocation.SessionID) {
	t.Helper()
	args := l.Command(revocation.SessionEnded(id, at.UnixMilli()))
	args.ID = strconv.FormatInt(at.UnixMilli(), 10) + "-1"
	if err := l.cfg.Client.XAdd(context.Background(), args).Err(); err != nil {
		t.Fatal(err)
	}
}

func revoked(l *Log, id revocation.SessionID) bool {
	return l.cfg.View.Ended(revocation.Token{Session: id, Created: id.Created()})
}

// A failover can leave a log whose newest entry is older than what was read: reading on would skip what comes.
func TestALogThatWentBackIsReadFromItsStart(t *testing.T) {
	now, ctx, id := time.Now(), context.Background(), revocation.NewSessionID(1)
	l, restored := opened(t, now)
	if err := l.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	l.position = strconv.FormatInt(now.Add(time.Hour).UnixMilli(), 10) + "-0"
	l.ends = []string{l.position}
	written(t, l, now, id)
	if err := l.LookBack(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	if !revoked(l, id) || *restored != 1 {
		t.Errorf("revoked: %v, written back %d times", revoked(l, id), *restored)
	}
}

// The log is emptied, and another gateway writes an entry before this one looks back: the entry that was read last is there.
func TestALossIsNoticedBehindALaterEntry(t *testing.T) {
	now, ctx := time.Now(), context.Background()
	l, restored := opened(t, now)
	follow := func(at time.Time) {
		t.Helper()
		written(t, l, at, revocation.NewSessionID(1))
		if err := l.Follow(ctx); err != nil {
			t.Fatal(err)
		}
	}
	follow(now)
	follow(now.Add(time.Millisecond))
	if err := l.LookBack(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.cfg.Client.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	follow(now.Add(2 * time.Millisecond))
	if err := l.LookBack(ctx); err != nil {
		t.Fatal(err)
	}
	follow(now.Add(3 * time.Millisecond))
	if *restored != 1 {
		t.Errorf("written back %d times", *restored)
	}
	for i := range 3 * manyBatches {
		follow(now.Add(time.Duration(4+i) * time.Millisecond))
	}
	if n := len(l.ends); n > manyBatches || *restored != 1 {
		t.Errorf("%d ends are kept; written back %d times", n, *restored)
	}
}

// A new master may hold, before what was read, entries that were never seen.
func TestAfterAGapALittleIsReadAgain(t *testing.T) {
	read, ctx, id := time.Now(), context.Background(), revocation.NewSessionID(1)
	l, _ := opened(t, read)
	written(t, l, read.Add(-overlap/2), id)
	written(t, l, read.Add(time.Second), revocation.NewSessionID(2))
	l.position, l.gap = strconv.FormatInt(read.UnixMilli(), 10)+"-1", true
	if err := l.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	if !revoked(l, id) {
		t.Error("an entry before the position was not read")
	}
}

func TestOwnEntriesAreBounded(t *testing.T) {
	var o ownEntries
	now := time.Unix(1_800_000_000, 0)
	for i := range 3 * ownKept {
		o.add(revocation.AllCutoff(int64(i)), now)
	}
	kept := o.recent(now)
	if last := kept[len(kept)-1]; len(kept) > ownKept || len(kept) < ownKept/2 || last != revocation.AllCutoff(3*ownKept-1) {
		t.Errorf("kept %d entries up to %v", len(kept), last)
	}
	if left := o.recent(now.Add(ownLife)); len(left) != 0 {
		t.Errorf("%d entries are repeated for ever", len(left))
	}
}

// A reader whose connection leads to a server that is behind does not make this process miss what the others wrote.
func TestAReaderThatIsBehindIsOvertaken(t *testing.T) {
	now, ctx, id := time.Now(), context.Background(), revocation.NewSessionID(1)
	l, _ := opened(t, now)
	behind, _ := opened(t, now)
	l.setReader(behind.cfg.Client)
	if err := l.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	written(t, l, now, id)
	if err := l.LookBack(ctx); err != nil {
		t.Fatal(err)
	}
	if !revoked(l, id) {
		t.Error("an entry was not read")
	}
}

// The clock of the machine is set back, or the machine sleeps, while Redis is away.
func TestTheAgeOfAViewFollowsTheLaterOfTwoClocks(t *testing.T) {
	began := time.Now()
	for name, row := range map[string]struct{ wall, steady, want time.Duration }{
		"both go on":                     {time.Minute, time.Minute, time.Minute},
		"the clock was set back":         {-time.Hour, time.Minute, time.Minute},
		"the machine slept":              {time.Minute, time.Second, time.Minute},
		"the clock was set back at once": {-time.Hour, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := opened(t, began)
			wall, steady := began, began
			l.cfg.Now, l.cfg.Steady = func() time.Time { return wall }, func() time.Time { return steady }
			if err := l.CatchUp(context.Background()); err != nil {
				t.Fatal(err)
			}
			wall, steady = wall.Add(row.wall), steady.Add(row.steady)
			if got := l.Age(wall); got != row.want {
				t.Errorf("the view is %s old, want %s", got, row.want)
			}
		})
	}
}

// What depends on the own entries is written after a gap. While that fails, as with a server of a cluster that is down, the log is
// read all the same, and the next look back tries again.
func TestWhatDependsOnOwnEntriesIsWrittenUntilItSucceeds(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	l, _ := opened(t, now)
	var tried []int // with how many entries
	fails := errors.New("a server is down")
	l.cfg.EndAgain = func(_ context.Context, entries []revocation.Entry) error {
		tried = append(tried, len(entries))
		return fails
	}
	ctx := context.Background()
	if err := l.Append(ctx, revocation.SessionEnded(revocation.NewSessionID(now.UnixMilli()), now.UnixMilli())); err != nil {
		t.Fatal(err)
	}
	broken, cancel := context.WithCancel(ctx)
	cancel()
	if l.LookBack(ctx) != nil || l.CatchUp(broken) == nil || l.CatchUp(ctx) != nil {
		t.Fatal("there was no gap")
	}
	for range 2 {
		if err := l.LookBack(ctx); err != nil {
			t.Error(err)
		}
	}
	fails = nil
	for range 2 {
		if err := l.LookBack(ctx); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(tried, []int{1, 1, 1}) {
		t.Errorf("tried with %v entries", tried)
	}
}
