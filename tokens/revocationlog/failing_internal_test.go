package revocationlog

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

var errRefused = errors.New("the command was refused")

// failing is a Redis that answers with an error to one command, alone or in a pipeline, while there is one.
type failing struct{ command string }

func (*failing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f *failing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == f.command {
			cmd.SetErr(errRefused)
			return errRefused
		}
		return next(ctx, cmd)
	}
}

func (f *failing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if cmd.Name() == f.command {
				cmd.SetErr(errRefused)
				return errRefused
			}
		}
		return next(ctx, cmds)
	}
}

// refusing is a log that was read to its end, in which something was read, and whose store can fail.
func refusing(t *testing.T) (l *Log, f *failing, restored *int, read time.Time) {
	t.Helper()
	read = time.Now()
	l, restored = opened(t, read)
	written(t, l, read, revocation.NewSessionID(1))
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	f = &failing{}
	l.cfg.Client.(*redis.Client).AddHook(f)
	return l, f, restored, read
}

// Whatever fails may be the beginning of a failover. What came before the position until then is read.
func TestAfterAnyErrorALittleIsReadAgain(t *testing.T) {
	for name, fail := range map[string]func(l *Log, ctx context.Context) error{
		"a reading": (*Log).CatchUp, "a waiting reading": (*Log).Follow, "a reading by another connection": (*Log).LookBack,
	} {
		t.Run(name, func(t *testing.T) {
			l, f, restored, read := refusing(t)
			ctx, missed := t.Context(), revocation.NewSessionID(2)
			f.command = "xread"
			if err := fail(l, ctx); !errors.Is(err, errRefused) {
				t.Fatalf("got %v", err)
			}
			f.command = ""
			// The server that took over has an entry that the reader passed already.
			if err := l.cfg.Client.Del(ctx, l.cfg.Key).Err(); err != nil {
				t.Fatal(err)
			}
			written(t, l, read.Add(-overlap/2), missed)
			written(t, l, read, revocation.NewSessionID(1))
			if err := l.Follow(ctx); err != nil || !revoked(l, missed) || *restored != 0 {
				t.Errorf("%v; read: %v; written back %d times", err, revoked(l, missed), *restored)
			}
		})
	}
}

// A process that cannot find out whether the log lost something goes on asking.
func TestALossThatCouldNotBeLookedForIsFoundLater(t *testing.T) {
	l, f, restored, _ := refusing(t)
	ctx := t.Context()
	if err := l.cfg.Client.Del(ctx, l.cfg.Key).Err(); err != nil {
		t.Fatal(err)
	}
	f.command = "xrevrange"
	if err := l.LookBack(ctx); !errors.Is(err, errRefused) {
		t.Errorf("looking back: %v", err)
	}
	l.gap = true
	if err := l.Follow(ctx); !errors.Is(err, errRefused) || *restored != 0 {
		t.Errorf("following: %v; written back %d times", err, *restored)
	}
	f.command = ""
	if err := l.Follow(ctx); err != nil || *restored != 1 {
		t.Errorf("following: %v; written back %d times", err, *restored)
	}
}

// What is known must reach Redis before the log counts as whole.
func TestWhatCouldNotBeWrittenBackIsWrittenLater(t *testing.T) {
	l, _, _, _ := refusing(t)
	ctx, tries, fails := t.Context(), 0, true
	l.cfg.Restore = func(context.Context) error {
		if tries++; fails {
			return errRefused
		}
		return nil
	}
	l.LostData()
	for range 2 {
		if err := l.CatchUp(ctx); !errors.Is(err, errRefused) {
			t.Errorf("got %v", err)
		}
	}
	fails = false
	for range 2 {
		if err := l.CatchUp(ctx); err != nil {
			t.Error(err)
		}
	}
	if tries != 3 {
		t.Errorf("written back %d times, want 3", tries)
	}
}

// A failover loses an end that Redis had acknowledged. The process that wrote it writes it again, as often as that fails.
func TestOwnEntriesAreRepeatedUntilRedisHasThem(t *testing.T) {
	l, f, _, _ := refusing(t)
	ctx, id := t.Context(), revocation.NewSessionID(2)
	length := func(want int64) {
		t.Helper()
		if n := l.cfg.Client.XLen(ctx, l.cfg.Key).Val(); n != want {
			t.Errorf("the log has %d entries, want %d", n, want)
		}
	}
	if err := l.Append(ctx, revocation.SessionEnded(id, 1)); err != nil {
		t.Fatal(err)
	}
	length(2)
	l.gap, f.command = true, "xadd"
	if err := l.Follow(ctx); !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
	f.command = ""
	for range 2 {
		if err := l.CatchUp(ctx); err != nil {
			t.Error(err)
		}
	}
	length(3)
}

// A logout that Redis did not take must be possible again: until then the customer's token is valid.
func TestAnEntryThatRedisDidNotTakeRevokesNothing(t *testing.T) {
	for name, queue := range map[string][]func(redis.Pipeliner){"alone": nil, "beside others": {func(p redis.Pipeliner) { p.Ping(t.Context()) }}} {
		t.Run(name, func(t *testing.T) {
			l, f, _, _ := refusing(t)
			id := revocation.NewSessionID(2)
			f.command = "xadd"
			if err := l.Append(t.Context(), revocation.SessionEnded(id, 1), queue...); !errors.Is(err, errRefused) || revoked(l, id) {
				t.Errorf("%v; revoked: %v", err, revoked(l, id))
			}
			f.command = ""
			if err := l.Append(t.Context(), revocation.SessionEnded(id, 1), queue...); err != nil || !revoked(l, id) {
				t.Errorf("%v; revoked: %v", err, revoked(l, id))
			}
		})
	}
}

// A log with more entries than a batch is read to its end, also after a stop.
func TestALogOfManyBatchesIsReadToItsEnd(t *testing.T) {
	now, last := time.Now(), revocation.NewSessionID(1)
	fill := func(l *Log) {
		t.Helper()
		pipe := l.cfg.Client.Pipeline()
		for i := range 2 * oneBatch {
			id := revocation.NewSessionID(int64(i + 2))
			if i == 2*oneBatch-1 {
				id = last
			}
			args := l.Command(revocation.SessionEnded(id, now.UnixMilli()))
			args.ID = strconv.FormatInt(now.UnixMilli(), 10) + "-" + strconv.Itoa(i+1)
			pipe.XAdd(t.Context(), args)
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, read := range map[string]func(l *Log, ctx context.Context) error{"at the start": (*Log).CatchUp, "after a stop": (*Log).readBeside} {
		t.Run(name, func(t *testing.T) {
			l, _ := opened(t, now)
			fill(l)
			if err := read(l, t.Context()); err != nil || !revoked(l, last) || !l.CaughtUp() {
				t.Errorf("%v; read to the end: %v, %v", err, revoked(l, last), l.CaughtUp())
			}
		})
	}
}
