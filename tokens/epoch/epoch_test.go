package epoch_test

import (
	"context"
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

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func TestAStoreThatIsWholeIsNotSuspected(t *testing.T) {
	onEachStore(t, func(s *store) {
		a, b := s.watch(), s.watch()
		for range 3 {
			s.is(s.beat(a), "", false)
			s.is(s.beat(b), "", false)
		}
		if !a.Begun() || a.Now().From.IsZero() || s.rdb.PTTL(s.Context(), key).Val() <= 0 {
			t.Errorf("%+v", a.Now())
		}
		s.must(b.Leave(s.Context()))
		if marks := s.rdb.HGet(s.Context(), key, "marks").Val(); len(strings.Fields(marks)) != 1 {
			t.Errorf("marks %q", marks)
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
				s.must(epoch.Confirm(s.Context(), s.rdb, "cocart:"))
				s.beat(a)
				if read, err := epoch.Read(s.Context(), s.rdb, "cocart:"); err != nil || read.Open() || a.Now().Open() {
					t.Errorf("after the confirmation: %+v, %v", read, err)
				}
			})
		})
	}
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
	}
	entry := func(s *store) {
		s.must(s.rdb.XAdd(s.Context(), &redis.XAddArgs{Stream: "cocart:revocations", Values: []any{"kind", "all", "at", 1}}).Err())
	}
	used := func(s *store) {
		s.must(s.rdb.ZAdd(s.Context(), "cocart:lifetimes", redis.Z{Score: 1, Member: "1"}).Err())
	}
	for name, r := range map[string]row{
		"an empty store":                       {func(*store) {}, ""},
		"a store of the last release":          {func(s *store) { used(s); entry(s) }, ""},
		"the same, where no session has ended": {used, ""},
		"without the log": {func(s *store) {
			entry(s)
			s.beat(s.watch())
			s.must(s.rdb.Del(s.Context(), "cocart:revocations").Err())
		}, epoch.LogBehind},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(s *store) {
				r.before(s)
				s.is(s.beat(s.watch()), r.want, false)
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
