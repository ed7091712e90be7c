package clock_test

import (
	"testing"
	"time"

	"cocart-gateway/upstream/clock"
)

// machine is the gateway's machine: its clock can be set, and the time that has passed cannot.
type machine struct{ wall, steady time.Time }

func newMachine() (*machine, *clock.Clock) {
	m := &machine{time.Unix(1_800_000_000, 400_000_000), time.Unix(1000, 0)}
	return m, clock.New(func() time.Time { return m.wall }, func() time.Time { return m.steady })
}

func (m *machine) pass(d time.Duration) { m.wall, m.steady = m.wall.Add(d), m.steady.Add(d) }
func (m *machine) set(by time.Duration) { m.wall = m.wall.Add(by) }

// hears has the clock learn what a server says whose own clock is ahead.
func (m *machine) hears(c *clock.Clock, ahead, took time.Duration) {
	c.Learn(m.wall.Add(ahead-took/2).Unix(), took)
}

func near(t *testing.T, got, want time.Duration) {
	t.Helper()
	if (got - want).Abs() > time.Second {
		t.Errorf("got %v, want about %v", got, want)
	}
}

func TestADifferenceIsFollowedUpToHalfAMinute(t *testing.T) {
	for ahead, follows := range map[time.Duration]bool{
		0: false, time.Second: false, -time.Second: false, // no more than the error of a reading
		4 * time.Second: true, -4 * time.Second: true, 25 * time.Second: true, -25 * time.Second: true,
		30 * time.Second: true, -30 * time.Second: true, 32 * time.Second: false, -32 * time.Second: false, time.Hour: false,
	} {
		m, c := newMachine()
		m.hears(c, ahead, 200*time.Millisecond)
		want := time.Duration(0)
		if follows {
			want = ahead
		}
		got := c.Now().Sub(m.wall)
		near(t, got, want)
		if !follows && got != 0 {
			t.Errorf("%v ahead: the time is %v off the gateway's own", ahead, got)
		}
		if known, _ := c.Ahead(); ahead.Abs() > clock.Tolerance+time.Second != clock.Beyond(known) {
			t.Errorf("%v ahead: beyond is %v", ahead, clock.Beyond(known))
		}
	}
}

func TestWithoutAReadingTheTimeIsTheGateways(t *testing.T) {
	m, c := newMachine()
	if _, known := c.Ahead(); known || !c.Now().Equal(m.wall) || c.Stepped() || c.Followed() != 0 {
		t.Errorf("it is %v", c.Now())
	}
}

// The server's time of a slow answer may be from its beginning or from its end.
func TestASlowAnswerChangesNothingThatItDoesNotContradict(t *testing.T) {
	for _, ahead := range []time.Duration{0, 20 * time.Second} {
		m, c := newMachine()
		if ahead != 0 {
			m.hears(c, ahead, 0)
		}
		before, _ := c.Ahead()
		m.pass(time.Minute)
		c.Learn(m.wall.Add(ahead-4*time.Second).Unix(), 5*time.Second)
		if after, _ := c.Ahead(); after != before {
			t.Errorf("%v ahead: from %v to %v", ahead, before, after)
		}
	}
	m, c := newMachine()
	m.hears(c, 20*time.Second, 5*time.Second)
	if got, _ := c.Ahead(); (got - 20*time.Second).Abs() > 3*time.Second { // half the way, and the seconds
		t.Errorf("the first answer is slow: %v", got)
	}
}

func TestTheServersClockIsFollowedWhenItIsSet(t *testing.T) {
	m, c := newMachine()
	m.hears(c, 0, 100*time.Millisecond)
	m.pass(time.Minute)
	m.hears(c, -12*time.Second, 100*time.Millisecond)
	near(t, c.Now().Sub(m.wall), -12*time.Second)
	m.pass(time.Minute)
	m.hears(c, 0, 100*time.Millisecond)
	near(t, c.Now().Sub(m.wall), 0)
}

// What is signed right after the gateway's clock was set has the right time already: the server's clock has not changed.
func TestTheGatewaysOwnClockMayBeSet(t *testing.T) {
	for _, by := range []time.Duration{25 * time.Second, -25 * time.Second} {
		m, c := newMachine()
		m.hears(c, 0, 100*time.Millisecond)
		m.pass(10 * time.Second)
		if c.Stepped() {
			t.Error("it was set, though time only passed")
		}
		m.set(by)
		near(t, c.Now().Sub(m.wall), -by)
		if !c.Stepped() {
			t.Error("it was not noticed that the clock was set")
		}
		m.hears(c, -by, 100*time.Millisecond)
		near(t, c.Now().Sub(m.wall), -by)
		if c.Stepped() {
			t.Error("a new reading does not count")
		}
		m.set(-by)
		near(t, c.Now().Sub(m.wall), 0)
	}
	m, c := newMachine()
	m.hears(c, 0, 100*time.Millisecond)
	m.set(time.Hour)
	if ahead, _ := c.Ahead(); !clock.Beyond(ahead) || !c.Now().Equal(m.wall) {
		t.Errorf("an hour is followed: %v", ahead)
	}
}

// time.Now carries the monotonic clock.
func TestTheMonotonicClockIsTheDefault(t *testing.T) {
	c := clock.New(time.Now, nil)
	c.Learn(time.Now().Add(20*time.Second).Unix(), 0)
	near(t, c.Now().Sub(time.Now().Round(0)), 20*time.Second)
	if c.Stepped() {
		t.Error("it was set")
	}
}

func TestATimeOfTheServerBeyondAllBoundsIsNoDifferenceToFollow(t *testing.T) {
	for _, theirs := range []int64{0, -1 << 62, 1<<62 - 1} {
		m, c := newMachine()
		c.Learn(theirs, time.Second)
		if ahead, _ := c.Ahead(); !clock.Beyond(ahead) || !c.Now().Equal(m.wall) {
			t.Errorf("%d: %v", theirs, ahead)
		}
	}
}

func TestATimeCostsNoAllocation(t *testing.T) {
	c := clock.New(time.Now, nil)
	c.Learn(time.Now().Unix(), 0)
	if n := testing.AllocsPerRun(100, func() { c.Now() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
