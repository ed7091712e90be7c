package repeats_test

import (
	"strconv"
	"testing"
	"time"

	"cocart-gateway/gateway/repeats"
)

func TestARefusalIsRememberedForTwoSecondsFromItsFirstAnswer(t *testing.T) {
	m, now := repeats.New(), time.Unix(1_700_000_000, 0)
	n := m.Name("192.0.2.1", "secret")
	m.Keep(n, &repeats.Answer{Status: 401}, now)
	for _, row := range []struct {
		after time.Duration
		found bool
	}{{0, true}, {repeats.Life - 1, true}, {repeats.Life, false}, {0, false}} {
		if found := m.Find(n, now.Add(row.after)) != nil; found != row.found {
			t.Errorf("after %v: found %v", row.after, found)
		}
	}
	m.Keep(n, &repeats.Answer{Status: 401}, now)
	m.Keep(n, &repeats.Answer{Status: 403}, now.Add(time.Second))
	if a := m.Find(n, now.Add(time.Second)); a == nil || a.Status != 401 {
		t.Errorf("found %+v", a)
	}
	if m.Find(n, now.Add(repeats.Life)) != nil {
		t.Error("a repetition made it live longer")
	}
	m.Keep(n, &repeats.Answer{}, now)
	if m.Find(n, now.Add(-time.Hour)) != nil {
		t.Error("found after the clock was set back")
	}
}

func TestTheMemoryIsBounded(t *testing.T) {
	m, now := repeats.New(), time.Unix(1_700_000_000, 0)
	name := func(i int) repeats.Name { return m.Name(strconv.Itoa(i)) }
	for i := range 1001 {
		m.Keep(name(i), &repeats.Answer{}, now)
	}
	if m.Find(name(0), now) != nil || m.Find(name(1), now) == nil || m.Find(name(1000), now) == nil {
		t.Error("the oldest is not the one that was forgotten")
	}
	m.Keep(name(2000), &repeats.Answer{Body: make([]byte, repeats.LongestBody+1)}, now)
	if m.Find(name(2000), now) != nil {
		t.Error("a long answer was kept")
	}
	m.Keep(repeats.Name{}, &repeats.Answer{}, now)
	if m.Find(repeats.Name{}, now) != nil {
		t.Error("a request without a name was kept")
	}
}

func TestPartsDoNotRunIntoEachOther(t *testing.T) {
	m := repeats.New()
	if m.Name("ab", "c") == m.Name("a", "bc") || m.Name("a") == m.Name("a", "") || m.Name("a") == repeats.New().Name("a") {
		t.Error("two requests have one name")
	}
}

func FuzzNames(f *testing.F) {
	m := repeats.New()
	f.Add("a", "b", "ab", "")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		if (a != c || b != d) && m.Name(a, b) == m.Name(c, d) {
			t.Errorf("%q %q and %q %q have one name", a, b, c, d)
		}
	})
}
