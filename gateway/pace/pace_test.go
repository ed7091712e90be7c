package pace_test

import (
	"testing"
	"time"

	"cocart-gateway/gateway/pace"
)

// client moves bytes at a pace, one piece every so often, and reports when it was cut off; never means that it was not.
type client struct {
	piece int
	every time.Duration
}

const never = time.Duration(0)

func (c client) cutOff(p pace.Pace, after time.Duration) time.Duration {
	begin := time.Unix(1_000_000, 0)
	deadline := time.Time{}
	for moment := begin; moment.Sub(begin) < after; moment = moment.Add(c.every) {
		if at, due := p.Deadline(moment); due {
			deadline = at
		}
		if !deadline.IsZero() && moment.Add(c.every).After(deadline) {
			return deadline.Sub(begin)
		}
		p.Moved(c.piece, c.every)
	}
	return never
}

func TestAClientThatKeepsTheRateIsNeverCutOff(t *testing.T) {
	site := pace.Pace{Stall: 5 * time.Minute, Allowance: 5 * time.Minute, Rate: 512, Slack: 5 * time.Minute / 8}
	cocart := pace.Pace{Stall: 30 * time.Second, Allowance: 30 * time.Second, Rate: 512}
	for _, row := range []struct {
		name   string
		pace   pace.Pace
		client client
	}{
		{"a good line", site, client{1 << 20, time.Second}},
		{"a bad mobile line", site, client{1000, time.Second}},
		{"a bad mobile line in pieces with long gaps", site, client{60_000, time.Minute}},
		{"exactly the rate", site, client{512, time.Second}},
		{"a CoCart body that lasts for a day", cocart, client{512, time.Second}},
		{"without a rate", pace.Pace{Stall: 5 * time.Minute}, client{1, 4 * time.Minute}},
		{"without any limit", pace.Pace{}, client{1, time.Hour}},
	} {
		if got := row.client.cutOff(row.pace, 24*time.Hour); got != never {
			t.Errorf("%s: cut off after %s", row.name, got)
		}
	}
}

func TestAClientThatTricklesIsCutOff(t *testing.T) {
	site := pace.Pace{Stall: 5 * time.Minute, Allowance: 5 * time.Minute, Rate: 512, Slack: 5 * time.Minute / 8}
	for _, row := range []struct {
		name   string
		pace   pace.Pace
		client client
		within time.Duration
	}{
		{"a byte before each timeout", site, client{1, 299 * time.Second}, 10 * time.Minute},
		{"a byte a second", site, client{1, time.Second}, 8 * time.Minute},
		{"half the rate", site, client{256, time.Second}, 20 * time.Minute},
		{"nothing", site, client{0, time.Hour}, 6 * time.Minute},
		{"a byte a second on a route of CoCart", pace.Pace{Stall: 30 * time.Second, Allowance: 30 * time.Second, Rate: 512}, client{1, time.Second}, 31 * time.Second},
		{"any rate, where the whole body has a deadline", pace.Pace{Stall: 30 * time.Second, Allowance: 30 * time.Second}, client{1 << 20, time.Second}, 30 * time.Second},
		{"a byte now and then where a body may stand still", pace.Pace{Allowance: 5 * time.Minute, Rate: 512}, client{1, time.Minute}, 6 * time.Minute},
	} {
		if got := row.client.cutOff(row.pace, 24*time.Hour); got == never || got > row.within {
			t.Errorf("%s: cut off after %s, want %s at most", row.name, got, row.within)
		}
	}
}

// Attack: a fast beginning saves up time, and then the client trickles.
func TestAFastBeginningSavesUpNoMoreThanTheAllowance(t *testing.T) {
	p := pace.Pace{Stall: 5 * time.Minute, Allowance: 5 * time.Minute, Rate: 512}
	p.Moved(1<<30, time.Second)
	if got := (client{1, time.Second}).cutOff(p, 24*time.Hour); got == never || got > 6*time.Minute {
		t.Errorf("cut off after %s", got)
	}
}

// net/http reads what is left of a request's body before the first bytes of an answer leave.
func TestTheFirstWaitIsNotTheClients(t *testing.T) {
	p := pace.Pace{Stall: time.Minute, Allowance: time.Minute, Rate: 512, First: time.Hour}
	begin := time.Unix(1_000_000, 0)
	if at, due := p.Deadline(begin); !due || at.Sub(begin) != time.Hour+time.Minute {
		t.Errorf("the first deadline is after %s", at.Sub(begin))
	}
	p.Moved(1, 30*time.Minute)
	later := begin.Add(30 * time.Minute)
	if at, due := p.Deadline(later); !due || at.Sub(later) != time.Minute {
		t.Errorf("the next one is after %s", at.Sub(later))
	}
}
