package upstream_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// ahead is the time of a machine whose clock is ahead of this one's.
func ahead(by time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(by) } }

// shopAhead is a shop that refuses, and reports to the test, each assertion that is not in its time.
func shopAhead(t *testing.T, by time.Duration) *upstreamtest.WordPress {
	wp := upstreamtest.Start(t)
	wp.Now = ahead(by)
	return wp
}

func statusAhead(t *testing.T, by time.Duration) *upstreamtest.StatusServer {
	d := upstreamtest.NewStatusServer(t)
	d.Now = ahead(by)
	return d
}

// isFrom fails unless an assertion was stamped since began, to about two seconds, by a clock that is ahead by some time. The test
// may have waited for its turn on the CPU meanwhile.
func isFrom(t *testing.T, stamped int64, ahead time.Duration, began time.Time) {
	t.Helper()
	at := time.Unix(stamped, 0).Add(-ahead)
	if at.Before(began.Add(-2*time.Second)) || at.After(time.Now().Add(2*time.Second)) {
		t.Errorf("%v: stamped at %v, now is %v", ahead, at, time.Now())
	}
}

func TestAssertionsHaveTheTimeOfTheNodeThatTheyAreFor(t *testing.T) {
	for _, by := range []time.Duration{25 * time.Second, -25 * time.Second} {
		one, two := shopAhead(t, by), shopAhead(t, -by)
		fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)))
		fr.forwarding.Assertion.Kind = upstream.Guest
		began := time.Now()
		fr.wordpress.LearnClocks(t.Context())
		for len(one.Seen()) == 0 || len(two.Seen()) == 0 {
			if status := fr.send(t, "GET", "/wp-json/cocart/v2/cart", ""); status != 200 {
				t.Fatalf("%v: %d", by, status)
			}
		}
		for wp, by := range map[*upstreamtest.WordPress]time.Duration{one: by, two: -by} {
			isFrom(t, wp.Last().Claims.IssuedAt, by, began)
		}
	}
}

// The replies of WordPress have its time: a login, and a page's capability.
func TestSignedRepliesAreReadInTheTimeOfWordPress(t *testing.T) {
	for _, by := range []time.Duration{25 * time.Second, -25 * time.Second, 75 * time.Second, -75 * time.Second} {
		wp := shopAhead(t, by)
		fr := newFront(t, wp.URL, asSite())
		fr.wordpress.LearnClocks(t.Context())
		_, capability := fr.wordpress.Capability(wp.Capability(2, "list", "", 2))
		if good := by.Abs() < 30*time.Second; (capability == nil) != good {
			t.Errorf("%v: a capability: %v", by, capability)
		}
		if by.Abs() > 30*time.Second {
			continue
		}
		if answer, err := login(t, fr.wordpress); err != nil || answer.Account == nil {
			t.Errorf("%v: a login: %v", by, err)
		}
		wp.Now = ahead(by - 75*time.Second) // valid for a minute, and ten seconds for clocks that differ
		old := wp.Capability(2, "list", "", 2)
		if _, err := fr.wordpress.Capability(old); err == nil {
			t.Errorf("%v: a capability is valid for longer", by)
		}
	}
}

func TestTheStatusIsAnsweredThoughTheClocksDiffer(t *testing.T) {
	for by, want := range map[time.Duration]upstream.Outcome{
		25 * time.Second: upstream.StatusAnswered, -25 * time.Second: upstream.StatusAnswered,
		40 * time.Second: upstream.StatusRefused, -60 * time.Second: upstream.StatusRefused,
	} {
		d := statusAhead(t, by)
		began := time.Now()
		r, err := newFront(t, d.URL, asSite()).wordpress.Nodes()[0].Status(t.Context(), "https")
		if err != nil || r.Outcome != want || (r.Clock-by).Abs() > 2*time.Second+time.Since(began) {
			t.Errorf("%v: %+v, %v", by, r, err)
		}
	}
}

// Only what the plugin signed counts: no Date of a web server, and no reply to another question.
func TestNoOtherTimeIsFollowed(t *testing.T) {
	for name, spoil := range map[string]func(*upstreamtest.StatusServer){
		"no plugin":      func(d *upstreamtest.StatusServer) { d.NoPlugin = true },
		"an old plugin":  func(d *upstreamtest.StatusServer) { d.OldPlugin = true },
		"another secret": func(d *upstreamtest.StatusServer) { d.Secret = "another secret, longer than thirty-two bytes" },
		"a recorded reply": func(d *upstreamtest.StatusServer) {
			recorded := someStatus(t)
			before(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header()["X-Cocart-Gateway-Status"] = recorded["X-Cocart-Gateway-Status"]
				upstreamtest.JSON(w, 200, "{}")
				return true
			})(d)
		},
	} {
		d := statusAhead(t, 20*time.Second)
		spoil(d)
		var issued int64
		answer := d.Before
		d.Before = func(w http.ResponseWriter, r *http.Request) bool {
			issued = claimsOf(t, r).IssuedAt
			return answer != nil && answer(w, r)
		}
		began := time.Now()
		fr := newFront(t, d.URL, asSite(), func(c *upstream.Config) { c.Now = ahead(-time.Hour) }) // a recorded reply is from now
		fr.wordpress.LearnClocks(t.Context())
		_ = fr.send(t, "GET", "/", "")
		if isFrom(t, issued, -time.Hour, began); upstream.ClockBeyond(fr.wordpress) {
			t.Errorf("%s: the clock is followed", name)
		}
	}
}

func TestTheGatewaysClockIsWrongOnlyIfNoNodeAgreesWithIt(t *testing.T) {
	for _, row := range []struct {
		nodes []time.Duration
		want  bool
	}{
		{[]time.Duration{0}, false}, {[]time.Duration{25 * time.Second}, false}, {[]time.Duration{40 * time.Second}, true},
		{[]time.Duration{-time.Hour}, true}, {[]time.Duration{-time.Hour, time.Hour}, true}, {[]time.Duration{0, time.Hour}, false},
	} {
		nodes := []*url.URL{upstreamtest.Deaf(t)} // of which nothing is known
		for _, by := range row.nodes {
			nodes = append(nodes, mustParse(t, statusAhead(t, by).URL))
		}
		fr := newFront(t, "http://unused", asSite(), onNodes(nodes...))
		if upstream.ClockBeyond(fr.wordpress) {
			t.Error("it is wrong before anything is known")
		}
		for _, n := range fr.wordpress.Nodes()[1:] {
			_, _ = n.Status(t.Context(), "https")
		}
		if got := upstream.ClockBeyond(fr.wordpress); got != row.want {
			t.Errorf("%v: %v", row.nodes, got)
		}
		other := newFront(t, statusAhead(t, 0).URL, asSite()).wordpress
		if got := upstream.ClockBeyond(fr.wordpress, other); got != row.want {
			t.Errorf("%v, and a shop of which nothing is known: %v", row.nodes, got)
		}
		other.LearnClocks(t.Context())
		if upstream.ClockBeyond(fr.wordpress, other) {
			t.Errorf("%v, and a shop whose clock agrees", row.nodes)
		}
	}
}

// hands is a clock whose hands a test moves.
type hands struct{ off atomic.Int64 }

func (h *hands) move(by time.Duration) { h.off.Add(int64(by)) }
func (h *hands) now() time.Time        { return time.Now().Add(time.Duration(h.off.Load())) }

// follower is a gateway that follows the clock of a shop. The test decides when it looks, and what time it is.
type follower struct {
	*front
	shop                *upstreamtest.StatusServer
	own, steady, theirs hands
	ticks               chan time.Time
	questions           atomic.Int64
}

func newFollower(t *testing.T) *follower {
	f := &follower{shop: upstreamtest.NewStatusServer(t), ticks: make(chan time.Time)}
	f.shop.Now = f.theirs.now
	before(func(_ http.ResponseWriter, r *http.Request) bool {
		if claimsOf(t, r).Kind == "status" {
			f.questions.Add(1)
		}
		return false
	})(f.shop)
	f.front = newFront(t, f.shop.URL, asSite(), func(c *upstream.Config) { c.Now, c.Steady = f.own.now, f.steady.now })
	f.forwarding.Assertion.Kind = upstream.Guest
	f.wordpress.LearnClocks(t.Context())
	var following sync.WaitGroup
	following.Go(func() { f.wordpress.FollowClocks(t.Context(), f.ticks) }) // t.Context ends before cleanups
	t.Cleanup(following.Wait)
	return f
}

// passes lets time pass, and the gateway look at its clocks.
func (f *follower) passes(d time.Duration) {
	f.own.move(d)
	f.steady.move(d)
	f.theirs.move(d)
	f.looks()
}

// looks returns after the gateway has looked at its clocks and reported what it was answered: an answer during which the test
// moves a clock would be off by half of that. A look ends when the gateway takes the next tick.
func (f *follower) looks() {
	for range 2 { // asks, then reports the answers
		f.ticks <- time.Time{}
		f.ticks <- time.Time{}
		f.wordpress.AwaitClockAnswers()
	}
}

// await lets the gateway look until something is so.
func (f *follower) await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); f.looks() {
		if time.Now().After(deadline) {
			t.Fatalf("the gateway never %s\n%s", what, f.log.text())
		}
	}
}

// beyond is what load balancers are answered by.
func (f *follower) beyond() bool { return upstream.ClockBeyond(f.wordpress) }

// serves reports whether a request for CoCart is accepted by WordPress.
func (f *follower) serves(t *testing.T) bool {
	t.Helper()
	return f.send(t, "GET", "/wp-json/cocart/v2", "") == 200
}

func TestWordPressIsAskedOnceAMinute(t *testing.T) {
	f := newFollower(t)
	f.passes(50 * time.Second)
	if got := f.questions.Load(); got != 1 {
		t.Errorf("%d questions within a minute", got)
	}
	f.passes(10 * time.Second)
	f.await(t, "asks again", func() bool { return f.questions.Load() == 2 })
}

// WordPress's clock may be set between two questions.
func TestARefusedAssertionHasTheClockAskedFor(t *testing.T) {
	for _, by := range []time.Duration{25 * time.Second, -45 * time.Second} { // 30 s valid, and ten for clocks that differ
		f := newFollower(t)
		f.passes(10 * time.Second)
		f.theirs.move(-by)
		if f.serves(t) {
			t.Fatal("WordPress accepts any time")
		}
		if by < 0 { // beyond what is followed
			f.await(t, "notices", f.beyond)
			continue
		}
		f.await(t, "follows", func() bool { return f.serves(t) })
	}
}

// The gateway's own clock may be set: its next assertion is in time already, and is so without an answer of WordPress.
func TestTheGatewaysOwnClockMayBeSetWhileItServes(t *testing.T) {
	f := newFollower(t)
	for _, by := range []time.Duration{25 * time.Second, -50 * time.Second, 25 * time.Second} {
		f.own.move(by)
		if !f.serves(t) {
			t.Errorf("refused after the clock was set by %v", by)
		}
	}
	f.own.move(time.Hour)
	if !f.beyond() || f.serves(t) {
		t.Error("an hour is followed")
	}
	f.own.move(-time.Hour)
	if f.beyond() || !f.serves(t) {
		t.Error("refused after the clock was put right")
	}
}

// A clock that was set is read anew: if the machine slept, the monotonic clock stood still meanwhile.
func TestAMachineThatSleptReadsTheClockAnew(t *testing.T) {
	f := newFollower(t)
	f.passes(10 * time.Second)
	asked := f.questions.Load()
	f.own.move(20 * time.Second)
	f.theirs.move(20 * time.Second)
	f.await(t, "asks again", func() bool { return f.questions.Load() > asked })
	f.await(t, "is in time", func() bool { return f.serves(t) })
}

// shows compares the metric with seconds, to about one.
func (f *follower) shows(t *testing.T, seconds float64) {
	t.Helper()
	series := `cocart_gateway_upstream_clock_ahead_seconds{node="` + strings.TrimPrefix(f.shop.URL, "http://") + `"}`
	if got := f.metric(t, series); math.Abs(got-seconds) > 1.2 {
		t.Errorf("the metric says %v s ahead, want %v", got, seconds)
	}
}

func TestADifferenceThatIsTooLargeIsLookedAtOftenAndLoggedOnce(t *testing.T) {
	f := newFollower(t)
	const beyond, differs, agrees = "differ by more than 30s", "assertions have WordPress's time", "agree again"
	want := func(step string, errors, warnings, ends int) {
		t.Helper()
		if e, w, n := f.log.count(beyond), f.log.count(differs), f.log.count(agrees); e != errors || w != warnings || n != ends {
			t.Errorf("%s: %d errors, %d warnings, %d ends\n%s", step, e, w, n, f.log.text())
		}
	}
	f.theirs.move(12 * time.Second)
	f.passes(time.Minute)
	f.await(t, "warns", func() bool { return f.log.count(differs) > 0 })
	f.passes(time.Minute)
	f.passes(time.Minute)
	want("12 s", 0, 1, 0)
	f.shows(t, 12)
	f.theirs.move(28 * time.Second)
	f.passes(time.Minute)
	f.await(t, "notices", f.beyond)
	f.looks()
	asked := f.questions.Load()
	f.passes(5 * time.Second)
	f.await(t, "asks again after 5 s", func() bool { return f.questions.Load() > asked })
	want("40 s", 1, 1, 0)
	f.shows(t, 40)
	f.theirs.move(-40 * time.Second)
	f.passes(5 * time.Second)
	f.await(t, "agrees", func() bool { return f.log.count(agrees) > 0 })
	f.passes(time.Minute)
	want("0 s", 1, 1, 1)
	f.shows(t, 0)
	if !strings.Contains(f.log.text(), "ahead=40s") && !strings.Contains(f.log.text(), "ahead=41s") && !strings.Contains(f.log.text(), "ahead=39s") {
		t.Errorf("the log does not say by how much\n%s", f.log.text())
	}
}

// A node that has not answered yet is taken to have the time of the others: it is the gateway's clock that differs.
func TestANodeThatIsNotKnownHasTheTimeOfTheOthers(t *testing.T) {
	wp := shopAhead(t, 25*time.Second)
	fr := newFront(t, "http://unused", asSite(), onNodes(upstreamtest.Deaf(t), mustParse(t, wp.URL)))
	fr.wordpress.LearnClocks(t.Context())
	for range 20 { // some go to the other node first
		if answer, err := login(t, fr.wordpress); err != nil || answer.Account == nil {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
}

// claimsOf reads the assertion of a request without a check of its signature.
func claimsOf(t *testing.T, r *http.Request) (c upstreamtest.Claims) {
	t.Helper()
	_, rest, _ := strings.Cut(r.Header.Get("X-CoCart-Gateway"), ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
	}
	return c
}

func (b *lockedBuffer) text() string {
	b.Lock()
	defer b.Unlock()
	return b.String()
}
