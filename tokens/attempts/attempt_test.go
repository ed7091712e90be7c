package attempts_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

func TestTooManyWrongPasswordsLockTheAccountUntilItEndsByItself(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.wrongTimes(3, "alice", 0)
		w.says(w.wrong("alice", 0), "account")
		w.says(w.right("alice", 2), "account")
		w.says(w.right("bob", 3), "accepted")
		w.clock.Advance(5*time.Minute - time.Second)
		w.says(w.right("alice", 2), "account")
		w.clock.Advance(time.Second)
		w.says(w.right("alice", 2), "accepted")
	})
}

func TestWhatIsRefusedDoesNotMakeALockoutLonger(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.wrongTimes(3, "alice", 0)
		for range 50 {
			w.says(w.wrong("alice", 0), "account")
		}
		w.clock.Advance(5 * time.Minute)
		w.says(w.right("alice", 2), "accepted")
	})
}

func TestARightPasswordForgivesTheAccountAndNotTheAddress(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.wrongTimes(2, "alice", 2)
		w.says(w.right("alice", 2), "accepted")
		w.wrongTimes(3, "alice", 2)
		w.says(w.wrong("alice", 2), "address") // the account is locked as well, for a shorter time
		w.says(w.wrong("bob", 3), "address")
	}, func(c *attempts.Config) { c.Address = per(5, time.Hour) })
}

func TestGuessesAtOnceAreAsLimitedAsGuessesInARow(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var asked atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if a, _ := w.begin(attempts.Try{Names: []string{"alice"}, Password: "guess"}); a != nil {
					asked.Add(1)
				}
			})
		}
		all.Wait()
		if asked.Load() != 3 {
			t.Errorf("WordPress would have been asked %d times, want 3", asked.Load())
		}
	})
}

// Attempts at once read their clocks in one order and arrive in another.
func TestEachAttemptHasItsTurnThoughItsClockIsBehindTheOneBefore(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for range 3 {
			w.says(w.wrong("alice", 2), "refused")
			w.clock.Advance(-100 * time.Millisecond)
		}
		w.clock.Advance(300 * time.Millisecond)
		w.says(w.wrong("alice", 2), "account")
	})
}

func TestARightPasswordSentManyTimesAtOnceIsNotCounted(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.right("alice", 2), "accepted")
		var waiting []*attempts.Attempt
		for range 20 {
			a, said := w.begin(attempts.Try{Names: []string{"alice"}, Password: "right"})
			w.says(said, "passed")
			waiting = append(waiting, a)
		}
		// It was changed while these were under way.
		for _, a := range waiting[:3] {
			_, _ = a.Refused(ctx, 2)
		}
		w.says(w.wrong("alice", 2), "account")
		w.says(w.right("alice", 2), "account") // no oracle: right and wrong look alike
	})
}

func TestNamesOfOneAccountShareItsCounter(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.wrong("alice", 2), "refused")
		w.says(w.wrong("alice@example.com", 2), "refused")
		w.says(w.wrong("+15550100", 2), "refused")
		w.says(w.wrong("wonderland", 2), "withheld") // a spelling that was not seen before, and so not stopped before
		for _, name := range []string{"alice", "alice@example.com", "+15550100"} {
			if got := w.right(name, 2); got != "linked" && got != "withheld" {
				t.Errorf("%s: %s", name, got)
			}
		}
	})
}

func TestAKnownNameOfALockedAccountIsStoppedBeforeWordPress(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	w.wrongTimes(1, "alice@example.com", 2)
	w.wrongTimes(2, "alice", 2)
	w.says(w.wrong("alice@example.com", 2), "linked")
	other := world{TB: t, Guard: w.another(), rdb: w.rdb, clock: w.clock}
	other.says(other.wrong("alice@example.com", 2), "linked") // another replica
}

func TestANewSpellingOfALockedAccountTellsNothing(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.wrongTimes(3, "alice", 2)
		w.says(w.wrong("alice@example.com", 2), "withheld")
		w.says(w.right("wonderland", 2), "withheld")
		a, _ := w.begin(attempts.Try{Names: []string{"a new one"}})
		if err := a.Challenge(ctx, 2); scopeOf(err) != "linked" {
			t.Errorf("a challenge: %v", err)
		}
		a, _ = w.begin(attempts.Try{Names: []string{"another"}, Code: true})
		if _, err := a.CodeRefused(ctx, 2); scopeOf(err) != "linked" {
			t.Errorf("a wrong code: %v", err)
		}
	})
}

func TestSpellingsThatWordPressTakesForOneAreOne(t *testing.T) {
	for name, spellings := range map[string][]string{
		"case and blanks": {"alice", " Alice ", "ALICE\t", "a lice"},
		"accents":         {"zoe", "zoë", "zoe\u0308", "ZOË", "Zóé"},
		"width":           {"alice", "ａｌｉｃｅ", "ＡＬＩＣＥ"},
		"invisible":       {"alice", "ali\u200bce", "\ufeffalice", "al\u00adice", "a\x00lice"},
		"sanitize_user":   {"alice", "<b>alice</b>", "al%41ice", "ali&amp;ce"},
		"letters":         {"bjorn", "bjørn", "BJØRN"},
		"not UTF-8":       {"alicey", "alice\xff"}, // remove_accents takes it for ISO 8859-1
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, tokenstest.Embedded(t), func(c *attempts.Config) { c.Account = per(len(spellings), time.Hour) })
			for _, s := range spellings {
				w.says(w.wrong(s, 0), "refused")
			}
			w.says(w.wrong(spellings[0], 0), "account")
		})
	}
}

// One request with the names of seven customers locked all seven; WordPress checked one of them.
func TestOnlyTheAccountWhosePasswordWasCheckedIsCharged(t *testing.T) {
	names := []string{"mallory", "alice", "bob", "carol"}
	onEachStore(t, func(t *testing.T, w *world) {
		for range 3 {
			a, said := w.begin(attempts.Try{Names: names, Password: "x"})
			w.says(said, "passed")
			_, _ = a.Refused(ctx, 9)
		}
		w.says(w.wrong("mallory", 9), "account")
		for i, name := range names[1:] {
			w.wrongTimes(3, name, int64(i+2))
		}
		// A locked name refuses the request wherever it stands.
		_, said := w.begin(attempts.Try{Names: []string{"dave", "alice"}})
		w.says(said, "linked")
	})
}

func TestAnUnknownNameIsChargedAsTheFirst(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	for range 3 {
		a, _ := w.begin(attempts.Try{Names: []string{"nobody", "alice"}})
		_, _ = a.Refused(ctx, 0)
	}
	w.says(w.wrong("nobody", 0), "account")
	w.wrongTimes(3, "alice", 0)
}

func TestARequestUnderWayLocksNoCustomerThatItNames(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	for i := range 10 {
		_, said := w.begin(attempts.Try{Names: []string{fmt.Sprint("mallory", i), "alice"}})
		w.says(said, "passed")
	}
	w.says(w.right("alice", 2), "accepted")
}

// However many are under way at once, no more answers than the limit can be read.
func TestGuessesByASecondNameAreWithheldAfterTheLimit(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var waiting []*attempts.Attempt
		for i := range 20 {
			a, said := w.begin(attempts.Try{Names: []string{fmt.Sprint("decoy", i), "alice"}})
			w.says(said, "passed")
			waiting = append(waiting, a)
		}
		readable := 0
		for _, a := range waiting {
			if _, err := a.Refused(ctx, 2); err == nil {
				readable++
			}
		}
		if readable != 3 {
			t.Errorf("%d answers could be read, want 3", readable)
		}
	})
}

func TestSeveralChecksInOneRequestChargeEachAccount(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, _ := w.begin(attempts.Try{Names: []string{"alice"}})
		locks, err := a.Settle(ctx, attempts.Check{User: 2, Result: attempts.Wrong, Times: 2},
			attempts.Check{User: 3, Result: attempts.Wrong, Times: 50}, attempts.Check{User: 4, Result: attempts.Right},
			attempts.Check{User: 5, Result: attempts.Wrong})
		if err != nil || len(locks) != 1 || locks[0].Account != "user:3" || locks[0].Until != w.clock.Now().Add(5*time.Minute) {
			t.Errorf("%+v %v", locks, err)
		}
		w.wrongTimes(1, "alice", 2)
		w.says(w.wrong("alice", 2), "linked")
		w.says(w.wrong("bob", 3), "withheld")
		w.wrongTimes(3, "carol", 4)
		w.wrongTimes(2, "dave", 5)
		w.says(w.wrong("dave", 5), "linked")
	})
}

func TestEveryPasswordOfARequestCountsForItsAddress(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), func(c *attempts.Config) { c.Address = per(10, time.Hour) })
	a, _ := w.begin(attempts.Try{Names: []string{"alice"}})
	_, _ = a.Settle(ctx, attempts.Check{User: 2, Result: attempts.Wrong, Times: 2}, attempts.Check{User: 3, Result: attempts.Wrong, Times: 3})
	if a.State().Remaining != 5 {
		t.Errorf("%+v", a.State())
	}
}

func TestAnAnswerWithoutAReportChargesEveryName(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	for range 3 {
		a, _ := w.begin(attempts.Try{Names: []string{"decoy", "alice"}})
		if _, err := a.Unreported(ctx); err != nil {
			t.Fatal(err)
		}
	}
	w.says(w.wrong("alice", 0), "account")
	w.says(w.wrong("decoy", 0), "account")
}

func TestAWrongMappingOfANameMendsItself(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	w.wrongTimes(3, "alice", 2)
	w.says(w.right("bobs-phone", 9), "accepted") // of user 9 until now
	w.says(w.wrong("bobs-phone", 2), "withheld") // alice's number now
	w.says(w.wrong("bobs-phone", 2), "linked")
}

func TestAddressesAreCountedIPv6ByNetwork(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for i := range 4 {
			a, said := w.begin(attempts.Try{Names: []string{string(rune('a' + i))}, Client: addr("2001:db8:1:2::%x", i+1)})
			w.says(said, "passed")
			_, _ = a.Refused(ctx, 0)
		}
		_, said := w.begin(attempts.Try{Names: []string{"z"}, Client: addr("2001:db8:1:2:ffff::1%%eth0")})
		w.says(said, "address")
		for _, free := range []string{"2001:db8:1:3::1", "192.0.2.8", "::ffff:192.0.2.9"} {
			_, said = w.begin(attempts.Try{Names: []string{"y"}, Client: addr("%s", free)})
			w.says(said, "passed")
		}
	}, func(c *attempts.Config) { c.Address = per(4, time.Hour) })
}

func TestEverybodyTogetherIsLimited(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for i := range 5 {
			a, _ := w.begin(attempts.Try{Names: []string{string(rune('a' + i))}, Client: addr("192.0.2.%d", i)})
			_, _ = a.Refused(ctx, 0)
		}
		_, said := w.begin(attempts.Try{Names: []string{"z"}, Client: addr("192.0.2.99")})
		w.says(said, "overall")
	}, func(c *attempts.Config) { c.Overall = per(5, time.Minute) })
}

func TestAnAttemptThatOneLimitRefusesCostsNoOther(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.wrongTimes(3, "alice", 0)
		for range 20 {
			w.says(w.wrong("alice", 0), "account")
		}
		w.wrongTimes(1, "bob", 0)
		w.says(w.wrong("bob", 0), "address")
	}, func(c *attempts.Config) { c.Address = per(4, time.Hour) })
}

func TestSecondFactorsHaveACounterOfTheirOwn(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		code := attempts.Try{Names: []string{"alice"}, Password: "right", Code: true}
		for range 10 { // asked for, again and again
			a, said := w.begin(attempts.Try{Names: []string{"alice"}, Password: "right"})
			w.says(said, "passed")
			if err := a.Challenge(ctx, 2); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			a, said := w.begin(code)
			w.says(said, "passed")
			if _, err := a.CodeRefused(ctx, 2); err != nil {
				t.Fatal(err)
			}
		}
		if a, said := w.begin(code); a != nil {
			_, err := a.CodeRefused(ctx, 2)
			said = scopeOf(err)
			w.says(said, "second_factor")
		} else {
			w.says(said, "second_factor")
		}
		w.wrongTimes(3, "alice", 2) // none of it was a wrong password
		w.clock.Advance(5 * time.Minute)
		a, said := w.begin(code)
		w.says(said, "passed")
		if err := a.Accepted(ctx, 2); err != nil {
			t.Fatal(err)
		}
		w.says(w.right("alice", 2), "accepted")
	})
}

// Begin does not know whose a name is that WordPress has not named yet, and of several names in a request none is kept.
func TestARightSecondFactorUnderANameOfAnUnknownAccountPassesNoLock(t *testing.T) {
	for what, names := range map[string][]string{"a new name": {"alice@example.com"}, "two names": {"alice@example.com", "bob"}} {
		t.Run(what, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				for range 2 {
					a, said := w.begin(attempts.Try{Names: []string{"alice"}, Password: "right", Code: true})
					w.says(said, "passed")
					if _, err := a.CodeRefused(ctx, 2); err != nil {
						t.Fatal(err)
					}
				}
				guess := func(result attempts.Result) string {
					a, said := w.begin(attempts.Try{Names: names, Password: "right", Code: true})
					if a == nil {
						return said
					}
					_, err := a.Settle(ctx, attempts.Check{User: 2, Result: result})
					return scopeOf(err)
				}
				w.says(guess(attempts.Right), "second_factor")
				w.says(guess(attempts.WrongCode), "second_factor")
				w.says(guess(attempts.Right), "second_factor")
				a, said := w.begin(attempts.Try{Names: names, Password: "right"})
				w.says(said, "passed") // without a code
				w.says(scopeOf(a.Accepted(ctx, 2)), "passed")
			})
		})
	}
}

func TestAWrongPasswordWithACodeIsNoWrongCode(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	for range 3 {
		a, said := w.begin(attempts.Try{Names: []string{"alice"}, Password: "x", Code: true})
		w.says(said, "passed")
		_, _ = a.Refused(ctx, 2)
	}
	w.clock.Advance(5 * time.Minute)
	_, said := w.begin(attempts.Try{Names: []string{"alice"}, Code: true})
	w.says(said, "passed")
}

func TestWhatNobodyJudgedIsNotCounted(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for range 20 {
			a, said := w.begin(attempts.Try{Names: []string{"alice"}, Code: true})
			w.says(said, "passed")
			a.Undecided(ctx)
		}
	})
}

func TestALockIsTold(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	w.wrongTimes(2, "alice", 2)
	a, _ := w.begin(attempts.Try{Names: []string{"alice"}})
	lock, err := a.Refused(ctx, 2)
	if want := (attempts.Lock{Account: "user:2", Scope: attempts.Account, Until: w.clock.Now().Add(5 * time.Minute)}); err != nil || lock != want || a.Account() != "user:2" {
		t.Errorf("%+v %v of %s, want %+v", lock, err, a.Account(), want)
	}
	var e *attempts.Exceeded
	_, err = w.Begin(ctx, attempts.Try{Names: []string{"alice"}, Client: home})
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if want := (attempts.State{Limit: 3, Reset: time.UnixMicro(w.clock.Now().Add(15 * time.Minute).UnixMicro()), RetryAfter: 300}); e.State != want {
		t.Errorf("%+v, want %+v", e.State, want)
	}
}

func TestALimitThatIsOffIsNone(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), func(c *attempts.Config) {
		c.Account, c.Address, c.Overall, c.SecondFactor, c.Refresh = attempts.Limit{}, attempts.Limit{}, attempts.Limit{}, attempts.Limit{}, attempts.Limit{}
	})
	for range 20 {
		w.says(w.wrong("alice", 2), "refused")
		a, _ := w.begin(attempts.Try{Names: []string{"alice"}, Code: true})
		if lock, err := a.CodeRefused(ctx, 2); lock != (attempts.Lock{}) || err != nil || a.State() != nil {
			t.Errorf("%+v %v %v", lock, err, a.State())
		}
		if s, err := w.Allow(ctx, attempts.Refresh, home); s != nil || err != nil {
			t.Errorf("%v %v", s, err)
		}
	}
}

// WordPress may read a name otherwise than we do, or its account may be gone: then no password of the account was checked.
func TestANameThatWordPressDoesNotKnowLocksNoAccount(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.wrong("alice", 2), "refused")
		for range 2 {
			a, said := w.begin(attempts.Try{Names: []string{"alice"}, Password: "guess"})
			if a == nil {
				t.Fatal(said)
			}
			if locks, err := a.Settle(ctx, attempts.Check{Result: attempts.Unknown}); err != nil || len(locks) != 0 {
				t.Fatal(locks, err)
			}
			if a.Account() == "user:2" {
				t.Error("the log would name the account")
			}
		}
		w.says(w.wrong("alice", 2), "account") // the name has no tries left
		w.says(w.wrong("alice@example.com", 2), "refused")
	})
}
