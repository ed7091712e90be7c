package migration_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
)

// Each asking costs WordPress a search through all of its users.
func TestARefusedForeignTokenIsAskedAboutOnce(t *testing.T) {
	for name, why := range map[string]error{"that the plugin does not know": tokens.Unknown, "that has expired": tokens.Expired} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				one, other := w.authority(), w.authority()
				from := &plugin{w: w, err: why}
				for _, a := range []*tokens.Authority{one, other, one} {
					if _, _, err := migration.New(a, false).Refresh(context.Background(), foreign, phone, from); !errors.Is(err, why) {
						t.Errorf("%v", err)
					}
				}
				if n := from.asked.Load(); n != 1 {
					t.Errorf("asked %d times", n)
				}
				ttl, err := w.rdb.PTTL(context.Background(), onlyKey(w, "cocart:n:*")).Result()
				w.must(err)
				if ttl <= 9*time.Minute || ttl > 10*time.Minute {
					t.Errorf("that is remembered for %s", ttl)
				}
			})
		})
	}
}

func onlyKey(w *world, pattern string) string {
	w.Helper()
	keys, err := w.rdb.Keys(context.Background(), pattern).Result()
	if w.must(err); len(keys) != 1 {
		w.Fatalf("%s: %v", pattern, keys)
	}
	return keys[0]
}

func TestAForeignTokenWithoutAFinalAnswerIsAskedAboutAgain(t *testing.T) {
	for name, why := range map[string]error{
		"the plugin was not active":  fmt.Errorf("%w %w", tokens.Unknown, migration.ErrForNow),
		"WordPress did not answer":   errors.New("502"),
		"its customer's login ended": tokens.Ended,
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority()
			from := &plugin{w: w, err: why}
			if _, _, err := migration.New(a, false).Refresh(context.Background(), foreign, phone, from); !errors.Is(err, why) {
				t.Errorf("%v", err)
			}
			w.adopt(a, &plugin{w: w})
		})
	}
}

func TestARefusalConcernsOneForeignToken(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	from := &plugin{w: w, err: tokens.Unknown}
	if _, _, err := migration.New(a, false).Refresh(context.Background(), foreign[1:]+"0", phone, from); !errors.Is(err, tokens.Unknown) {
		t.Errorf("%v", err)
	}
	w.adopt(a, &plugin{w: w})
}

func TestARefusalThatRedisDoesNotStoreIsStillAnswered(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.rdb.AddHook(&disturbed{failing: "set"})
	from := &plugin{w: w, err: tokens.Unknown}
	if _, _, err := migration.New(a, false).Refresh(context.Background(), foreign, phone, from); !errors.Is(err, tokens.Unknown) {
		t.Errorf("%v", err)
	}
}

func TestARefusedTokenIsAskedAboutOnceOnTheWayBack(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	p := &plugin{w: w, err: tokens.Unknown}
	for range 3 {
		if _, err := w.passOn(a, foreign, p); !errors.Is(err, tokens.Unknown) {
			t.Errorf("%v", err)
		}
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
