package attempts

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestNothingIsRememberedOfAnAttemptWhoseClientLeft(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialTimeout: time.Second})
	defer rdb.Close()
	g, err := New(Config{Account: Limit{3, time.Minute}, Address: Limit{3, time.Minute}, Wait: time.Minute, Secret: make([]byte, 32)}, strings.ToLower, rdb)
	if err != nil {
		t.Fatal(err)
	}
	a, err := g.Begin(context.Background(), Try{Names: []string{"alice"}, Password: "x"})
	if err != nil {
		t.Fatal(err)
	}
	a.Left()
	if n := len(g.flights.flight); n != 0 {
		t.Errorf("%d counters are remembered", n)
	}
}

// The names in a line are chosen by clients, of whom an attacker is many.
func TestTheTurnsOfAllLinesAreBounded(t *testing.T) {
	w := newWaiting()
	now := int64(1)
	for line := range allTurns/mostTurns + 20 {
		for who := range mostTurns + 10 {
			w.turn(decimal(line), decimal(who), now, now+1000, 1000, now+10_000)
		}
	}
	count := func() (n int) {
		for _, l := range w.lines {
			n += len(l.turns)
		}
		return n
	}
	if n := count(); n != allTurns || n != w.turns {
		t.Errorf("%d turns are kept, and counted as %d; want %d", n, w.turns, allTurns)
	}
	now += sweepEvery
	if first, again := w.turn("new", "who", now, now+1000, 1000, now+10_000), w.turn("new", "who", now, now+1000, 1000, now+10_000); first != again {
		t.Error("once those before it came, a client does not keep its turn")
	}
	if n := count(); n != 1 || n != w.turns {
		t.Errorf("%d turns are left, and counted as %d", n, w.turns)
	}
}

func decimal(n int) string { return strconv.Itoa(n) }

// Two attempts each took the one counter that the other one lacks, and both give it back: both try again.
func TestAttemptsThatRefuseEachOtherTryAgain(t *testing.T) {
	f := newFlights()
	one, other := &Attempt{name: "a:account:name", account: "user:2"}, &Attempt{name: "a:account:name", account: "user:2"}
	before, beforeOther := f.enter(one), f.enter(other)

	one.returned = []string{"a:account:user:2"}
	first := f.refused(one, "a:account:name", before, 1)
	other.returned = []string{"a:account:name"}
	second := f.refused(other, "a:account:user:2", beforeOther, 1)

	for _, turn := range []<-chan bool{first, second} {
		if turn == nil || len(turn) != 1 || !<-turn {
			t.Error("an attempt does not try again")
		}
	}
	if len(f.flight) != 0 {
		t.Errorf("%d counters are remembered", len(f.flight))
	}
}

// A counter that the refused attempts did not take stays exhausted: none of them tries again.
func TestAttemptsRefusedByAnExhaustedCounterDoNotTryAgain(t *testing.T) {
	f := newFlights()
	one, other := &Attempt{name: "a:account:name", account: "user:2"}, &Attempt{name: "a:account:name", account: "user:2"}
	before, beforeOther := f.enter(one), f.enter(other)

	one.returned, other.returned = []string{"a:account:name"}, []string{"a:account:name"}
	first := f.refused(one, "a:account:user:2", before, 1)
	if second := f.refused(other, "a:account:user:2", beforeOther, 1); second != nil {
		t.Error("the last attempt waits")
	}
	if first == nil || <-first {
		t.Error("the first attempt tries again")
	}
}
