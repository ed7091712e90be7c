package tokens_test

import (
	"context"
	"errors"
	"testing"

	"cocart-gateway/tokens"
)

func TestWordPressIsAskedOnceAboutARefusedTokenAlsoOnTheWayBack(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	asked := 0
	judge := func(context.Context) (tokens.Identity, tokens.PluginPair, error) {
		asked++
		return tokens.Identity{}, tokens.PluginPair{}, tokens.Unknown
	}
	for range 3 {
		if _, _, err := a.PassOn(context.Background(), foreign, phone, judge, nil); !errors.Is(err, tokens.Unknown) {
			t.Errorf("%v", err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
