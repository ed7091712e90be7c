package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

// refuses counts how often it is asked whose a token is, and says that it is nobody's.
func (e *elsewhere) refuses(why error) func(context.Context) (tokens.Identity, error) {
	return func(context.Context) (tokens.Identity, error) {
		e.asked.Add(1)
		return tokens.Identity{}, why
	}
}

// Each asking costs WordPress a search through all of its users.
func TestWordPressIsAskedOnceAboutAForeignTokenThatItRefused(t *testing.T) {
	for name, why := range map[string]error{"that nobody knows": tokens.Unknown, "that has expired": tokens.Expired} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				one, other := w.authority(), w.authority()
				var from elsewhere
				for _, a := range []*tokens.Authority{one, other, one} {
					if _, _, err := a.Adopt(context.Background(), foreign, phone, from.refuses(why)); !errors.Is(err, why) {
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

func TestAForeignTokenThatWasNotJudgedForGoodIsAskedAboutAgain(t *testing.T) {
	for name, why := range map[string]error{
		"the plugin was not active":  fmt.Errorf("%w %w", tokens.Unknown, tokens.ErrForNow),
		"WordPress did not answer":   errors.New("502"),
		"its customer's login ended": tokens.Ended,
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority()
			var from elsewhere
			if _, _, err := a.Adopt(context.Background(), foreign, phone, from.refuses(why)); !errors.Is(err, why) {
				t.Errorf("%v", err)
			}
			w.adopt(a, from.isAlice)
		})
	}
}

func TestARefusalOfOneForeignTokenIsNoneOfAnother(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	var from elsewhere
	if _, _, err := a.Adopt(context.Background(), foreign[1:]+"0", phone, from.refuses(tokens.Unknown)); !errors.Is(err, tokens.Unknown) {
		t.Errorf("%v", err)
	}
	w.adopt(a, from.isAlice)
}

func TestARefusalThatCannotBeRememberedIsAnsweredAllTheSame(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.rdb.AddHook(claiming{failing: "set"})
	var from elsewhere
	if _, _, err := a.Adopt(context.Background(), foreign, phone, from.refuses(tokens.Unknown)); !errors.Is(err, tokens.Unknown) {
		t.Errorf("%v", err)
	}
}
