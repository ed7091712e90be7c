package untrusted_test

import (
	"testing"
	"time"

	"cocart-gateway/tokens/untrusted"
)

func TestTextIsCutAndCleaned(t *testing.T) {
	for _, row := range [][3]string{
		{untrusted.Shorten("short", 5), "short", "fits"},
		{untrusted.Shorten("longer", 4), "long…", "cut"},
		{untrusted.Shorten("aé", 2), "a…", "cut inside a character"},
		{untrusted.Shorten("aé\xff\n", 9), "aé\xff\n", "the log escapes the rest"},
		{untrusted.Storable("a\x00\n\x7f\xffé", 9), "aé", "cleaned"},
		{untrusted.Storable("aéé", 4), "aé", "cut inside a character"},
		{untrusted.Visible("é\n\u202e\x1b[0m"), `é\n\u202e\x1b[0m`, "escaped"},
	} {
		if row[0] != row[1] {
			t.Errorf("%s: %q, want %q", row[2], row[0], row[1])
		}
	}
}

func TestThrottleAllowsOneLineAPeriod(t *testing.T) {
	for _, period := range []time.Duration{0, time.Hour} {
		throttle, length := untrusted.Throttle{Period: period}, max(period, time.Minute)
		now := time.Unix(1_800_000_000, 0)
		for _, step := range []struct {
			after time.Duration
			want  bool
		}{{0, true}, {length - 1, false}, {1, true}, {time.Second, false}} {
			now = now.Add(step.after)
			if got := throttle.Allow(now); got != step.want {
				t.Errorf("period %s, after %s: %t", period, step.after, got)
			}
		}
	}
}
