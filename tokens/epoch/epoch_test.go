package epoch_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/epoch"
	"cocart-gateway/tokens/tokenstest"
)

// store is a Redis with the marker in it.
type store struct {
	*testing.T
	rdb *redis.Client
}

func onEachStore(t *testing.T, behaviour func(s *store)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { behaviour(&store{t, tokenstest.Embedded(t)}) })
	t.Run("redis", func(t *testing.T) { behaviour(&store{t, tokenstest.Redis(t).Client()}) })
}

const key = "cocart:epoch"

func (s *store) watch() *epoch.Watch { return epoch.New(s.rdb, "cocart:") }

func (s *store) beat(w *epoch.Watch) epoch.Found {
	s.Helper()
	found, err := w.Beat(s.Context(), epoch.Usage{Life: time.Hour, Kept: time.Hour, LogKey: "cocart:revocations", UsedKey: "cocart:lifetimes"})
	s.must(err)
	return found
}

func (s *store) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// is compares what a beat found.
func (s *store) is(got epoch.Found, why epoch.Why, back bool) {
	s.Helper()
	if got.New != why || got.Back != back || why != "" && (!got.Open() || got.Why != why) {
		s.Errorf("found %+v, want %q, back %v", got, why, back)
	}
}

// older sets the marks back by a time, as a snapshot has them.
func (s *store) older(by time.Duration) {
	s.Helper()
	marks := s.rdb.HGet(s.Context(), key, "marks").Val()
	var all []string
	for _, mark := range strings.Fields(marks) {
		process, at, _ := strings.Cut(mark, ":")
		ms, err := time.ParseDuration(at + "ms")
		s.must(err)
		all = append(all, process+":"+decimal((ms-by).Milliseconds()))
	}
	s.must(s.rdb.HSet(s.Context(), key, "marks", strings.Join(all, " ")).Err())
}

func (s *store) marks() string { return s.rdb.HGet(s.Context(), key, "marks").Val() }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func TestAStoreThatIsWholeIsNotSuspected(t *testing.T) {
	onEachStore(t, func(s *store) {
		a, b := s.watch(), s.watch()
		if a.Begun() || a.Now() != (epoch.State{}) {
			t.Errorf("before the first beat: %+v", a.Now())
		}
		s.is(s.beat(a), "", false)
		own, _, _ := strings.Cut(s.marks(), ":")
		for range 3 {
			s.is(s.beat(b), "", false)
			s.is(s.beat(a), "", false)
		}
		if !a.Begun() || a.Now().From.IsZero() || s.rdb.PTTL(s.Context(), key).Val() <= 0 {
			t.Errorf("%+v", a.Now())
		}
		s.must(b.Leave(s.Context()))
		if left := strings.Fields(s.marks()); len(left) != 1 || !strings.HasPrefix(left[0], own+":") {
			t.Errorf("the mark of %s alone is left: %q", own, left)
		}
	})
}

func TestALossIsFoundOnceAndSeenByAll(t *testing.T) {
	for why, lose := range map[epoch.Why]func(s *store){
		epoch.Emptied: func(s *store) { s.must(s.rdb.FlushAll(s.Context()).Err()) },
		epoch.Older:   func(s *store) { s.older(time.Hour) },
	} {
		t.Run(string(why), func(t *testing.T) {
			onEachStore(t, func(s *store) {
				a, b := s.watch(), s.watch()
				s.beat(a)
				s.beat(b)
				lose(s)
				s.is(s.beat(a), why, true)
				s.is(s.beat(b), "", true) // it writes back, too
				s.is(s.beat(b), "", false)
				c := s.watch()
				s.is(s.beat(c), "", false)
				for _, w := range []*epoch.Watch{a, b, c} {
					if !w.Now().Open() || w.Now().Why != why {
						t.Errorf("%+v", w.Now())
					}
				}
				if read, err := epoch.Read(s.Context(), s.rdb, "cocart:"); err != nil || read != c.Now() {
					t.Errorf("the marker says %+v, %v; want %+v", read, err, c.Now())
				}
				s.must(epoch.Confirm(s.Context(), s.rdb, "cocart:"))
				s.beat(a)
				if read, err := epoch.Read(s.Context(), s.rdb, "cocart:"); err != nil || read.Open() || a.Now().Open() {
					t.Errorf("after the confirmation: %+v, %v", read, err)
				}
			})
		})
	}
}

// The store is emptied, and a process that begins makes a new marker before one that runs looks.
func TestAMarkerThatAnotherProcessMadeAnewIsNotTakenForTheOld(t *testing.T) {
	onEachStore(t, func(s *store) {
		a, b := s.watch(), s.watch()
		s.beat(a)
		s.must(s.rdb.FlushAll(s.Context()).Err())
		s.is(s.beat(b), "", false)
		s.is(s.beat(a), "", true)
		s.is(s.beat(a), "", false)
	})
}

// A failover loses the last writes. They are written back, and nothing is reported.
func TestLastWritesThatAreMissingAreNoLoss(t *testing.T) {
	onEachStore(t, func(s *store) {
		a := s.watch()
		s.beat(a)
		s.older(2 * time.Second)
		s.is(s.beat(a), "", true)
		s.is(s.beat(a), "", false)
	})
}

// A process that was frozen for long did not lose anything.
func TestAProcessThatWasSilentFindsNoLoss(t *testing.T) {
	onEachStore(t, func(s *store) {
		a, b := s.watch(), s.watch()
		s.beat(a)
		mark := s.rdb.HGet(s.Context(), key, "marks").Val()
		s.is(s.beat(b), "", false)
		// The marks as they are when a was silent for two minutes: b sees that, and a goes on.
		s.must(s.rdb.HSet(s.Context(), key, "marks", strings.Replace(mark, ":", ":-", 1)).Err())
		s.is(s.beat(a), "", false)
	})
}

func TestAProcessThatBeginsSeesWhatIsMissing(t *testing.T) {
	type row struct {
		before func(s *store)
		want   epoch.Why
		began  bool // the marker says that the store was empty: tokens from before it cannot be of this store
	}
	now := time.Now()
	logged := func(s *store, at time.Time, seq int) {
		s.must(s.rdb.XAdd(s.Context(), &redis.XAddArgs{Stream: "cocart:revocations", ID: decimal(at.UnixMilli()) + "-" + strconv.Itoa(seq), Values: []any{"kind", "all", "at", 1}}).Err())
	}
	entry := func(s *store) { logged(s, now, 5) }
	// instead is a store with a marker, whose log has another entry in place of the one that was read.
	instead := func(was, is time.Time, seq int) func(s *store) {
		return func(s *store) {
			logged(s, was, 5)
			running := s.watch()
			s.beat(running)
			s.beat(running) // it read no entry since
			s.must(s.rdb.Del(s.Context(), "cocart:revocations").Err())
			logged(s, is, seq)
		}
	}
	used := func(s *store) {
		s.must(s.rdb.ZAdd(s.Context(), "cocart:lifetimes", redis.Z{Score: 1, Member: "1"}).Err())
	}
	for name, r := range map[string]row{
		"an empty store":                       {func(*store) {}, "", true},
		"a store of the last release":          {func(s *store) { used(s); entry(s) }, "", false},
		"the same, where no session has ended": {used, "", false},
		"the same, with a log alone":           {entry, "", false},
		"without the log": {func(s *store) {
			entry(s)
			s.beat(s.watch())
			s.must(s.rdb.Del(s.Context(), "cocart:revocations").Err())
		}, epoch.LogBehind, false},
		"with an earlier entry at the end":             {instead(now, now.Add(-time.Millisecond), 6), epoch.LogBehind, false},
		"with an earlier one of the same moment":       {instead(now, now, 4), epoch.LogBehind, false},
		"with the same one":                            {instead(now, now, 5), "", false},
		"with a later one":                             {instead(now, now.Add(time.Millisecond), 0), "", false},
		"without one that was to be trimmed meanwhile": {instead(now.Add(-2*time.Hour), now.Add(-3*time.Hour), 1), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(s *store) {
				r.before(s)
				found := s.beat(s.watch())
				s.is(found, r.want, false)
				if found.From.IsZero() == r.began {
					s.Errorf("made in an empty store: %s", found.From)
				}
			})
		})
	}
}

// Machine and Redis lose power together. Redis comes back with a snapshot, and there is no gateway that knows better.
func TestAStartWithASnapshotIsSuspectedOnRealRedis(t *testing.T) {
	for name, r := range map[string]struct {
		options []string
		ordered bool
		want    epoch.Why
	}{
		"a snapshot":               {[]string{"--appendonly", "no"}, false, epoch.Restarted},
		"the gateway had ended":    {[]string{"--appendonly", "no"}, true, ""},
		"every write is in a file": {nil, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := tokenstest.Redis(t, append([]string{"--save", ""}, r.options...)...)
			s := &store{t, server.Client()}
			a := s.watch()
			s.beat(a)
			s.older(time.Minute / 2) // the snapshot is older than the start by more than what clocks leave open
			if r.ordered {
				s.must(a.Leave(context.Background()))
			}
			s.must(s.rdb.Save(s.Context()).Err())
			server.Kill()
			server.Start()
			s.rdb = server.Client()
			s.is(s.beat(s.watch()), r.want, false)
		})
	}
}

// refusing is a Redis that refuses one command.
type refusing struct{ command string }

var errRefused = errors.New("the command was refused")

func (refusing) DialHook(next redis.DialHook) redis.DialHook { return next }
func (r refusing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == r.command {
			cmd.SetErr(errRefused)
			return errRefused
		}
		return next(ctx, cmd)
	}
}
func (refusing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// A gateway that took such a beginning for an empty store would hide a loss.
func TestABeginningThatFailsFindsNothingAndIsTriedAgain(t *testing.T) {
	for _, command := range []string{"xrevrange", "zrange", "evalsha"} {
		t.Run(command, func(t *testing.T) {
			s := &store{t, tokenstest.Embedded(t)}
			broken := redis.NewClient(s.rdb.Options())
			t.Cleanup(func() { broken.Close() })
			broken.AddHook(refusing{command})
			w := epoch.New(broken, "cocart:")
			if _, err := w.Beat(t.Context(), epoch.Usage{Life: time.Hour, Kept: time.Hour, LogKey: "cocart:revocations", UsedKey: "cocart:lifetimes"}); !errors.Is(err, errRefused) {
				t.Errorf("got %v", err)
			}
			if w.Begun() || s.rdb.Exists(t.Context(), key).Val() != 0 {
				t.Errorf("begun: %v; a marker: %v", w.Begun(), s.rdb.Exists(t.Context(), key).Val())
			}
			if err := w.Leave(t.Context()); err != nil {
				t.Errorf("leaving: %v", err)
			}
		})
	}
}

// Some hosts of Redis allow no INFO.
func TestAServerThatDoesNotDescribeItselfIsNotSuspected(t *testing.T) {
	s := &store{t, tokenstest.Embedded(t)}
	s.rdb.AddHook(refusing{"info"})
	s.is(s.beat(s.watch()), "", false)
	s.is(s.beat(s.watch()), "", false)
}

func TestAMarkerThatCannotBeReadIsAnError(t *testing.T) {
	s := &store{t, tokenstest.Embedded(t)}
	s.must(s.rdb.Set(t.Context(), key, "not a marker", 0).Err())
	if read, err := epoch.Read(t.Context(), s.rdb, "cocart:"); err == nil {
		t.Errorf("got %+v", read)
	}
	if err := epoch.Confirm(t.Context(), s.rdb, "cocart:"); err == nil {
		t.Error("it was confirmed")
	}
}

// A process that ended without leaving must not be taken for one that runs, and its mark must not stay for ever.
func TestTheMarkOfASilentProcessIsSetAsideAndLeaves(t *testing.T) {
	for silence, want := range map[time.Duration]string{time.Second: "there", 2 * time.Minute: "set aside", 6 * 24 * time.Hour: "set aside", 8 * 24 * time.Hour: "gone"} {
		t.Run(silence.String(), func(t *testing.T) {
			onEachStore(t, func(s *store) {
				s.beat(s.watch())
				process, _, _ := strings.Cut(s.marks(), ":")
				s.older(silence)
				s.beat(s.watch())
				got := "gone"
				if _, at, found := strings.Cut(s.marks(), process+":"); found && strings.HasPrefix(at, "-") {
					got = "set aside"
				} else if found {
					got = "there"
				}
				if got != want {
					s.Errorf("it is %s, want %s: %s", got, want, s.marks())
				}
			})
		})
	}
}

// described is a Redis that says of itself that it started so long ago, and whether it appends each write to a file.
type described struct {
	up   time.Duration
	file string
}

func (described) DialHook(next redis.DialHook) redis.DialHook { return next }
func (d described) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if info, ok := cmd.(*redis.StringCmd); ok && cmd.Name() == "info" {
			info.SetVal("# Server\r\nserver_time_usec:" + decimal(time.Now().UnixMicro()) + "\r\nuptime_in_seconds:" + decimal(int64(d.up/time.Second)) + "\r\n# Persistence\r\naof_enabled:" + d.file + "\r\n")
			return nil
		}
		return next(ctx, cmd)
	}
}
func (described) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestAStartAfterTheLastMarkIsSuspected(t *testing.T) {
	const hour = time.Hour
	for name, r := range map[string]struct {
		marks []time.Duration // how old they are
		redis described
		want  epoch.Why
	}{
		"before the mark":               {[]time.Duration{30 * time.Second}, described{hour, "0"}, ""},
		"behind the mark":               {[]time.Duration{30 * time.Second}, described{10 * time.Second, "0"}, epoch.Restarted},
		"behind one of two marks":       {[]time.Duration{50 * time.Second, 0}, described{10 * time.Second, "0"}, ""},
		"the same in the other order":   {[]time.Duration{0, 50 * time.Second}, described{10 * time.Second, "0"}, ""},
		"behind a process long silent":  {[]time.Duration{2 * hour}, described{hour, "0"}, epoch.Restarted},
		"every write is in a file":      {[]time.Duration{30 * time.Second}, described{10 * time.Second, "1"}, ""},
		"it does not say whether it is": {[]time.Duration{30 * time.Second}, described{10 * time.Second, ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &store{t, tokenstest.Embedded(t)}
			for _, age := range r.marks {
				s.beat(s.watch())
				all := strings.Fields(s.marks())
				process, _, _ := strings.Cut(all[len(all)-1], ":")
				all[len(all)-1] = process + ":" + decimal(time.Now().Add(-age).UnixMilli())
				s.must(s.rdb.HSet(t.Context(), key, "marks", strings.Join(all, " ")).Err())
			}
			s.rdb.AddHook(r.redis)
			s.is(s.beat(s.watch()), r.want, false)
		})
	}
}

// Processes that are killed again and again leave their marks, which every process reads and writes each second.
func TestOfSilentProcessesTheLastMarksAreKept(t *testing.T) {
	onEachStore(t, func(s *store) {
		living := s.watch()
		s.beat(living)
		marks, now := s.marks(), time.Now().UnixMilli()
		for i := range 1000 {
			marks += " killed" + strconv.Itoa(i) + ":" + decimal(now-120_000)
		}
		s.must(s.rdb.HSet(s.Context(), key, "marks", marks).Err())
		s.beat(s.watch())
		got := s.marks()
		if n := len(strings.Fields(got)); n != 2+64 || !strings.Contains(got, "killed999:-") || !strings.Contains(got, "killed936:-") {
			s.Errorf("%d marks: %.200s", n, got)
		}
		s.is(s.beat(living), "", false)
	})
}
