package tokens_test

import (
	"context"
	"errors"
	"testing"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

func TestRedisDiesAndShoppersKeepShoppingOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t)
	w := &world{t, server.Client(), tokenstest.NewClock()}
	a := w.authority(cached)
	tokenstest.Follow(t, a)
	pair, ctx := w.login(a, alice), context.Background()
	server.Stop()

	w.accessIs(a, pair.Access, nil)
	_, issue := a.Issue(ctx, alice, phone)
	_, _, refresh := a.Refresh(ctx, pair.Refresh, phone)
	_, resume := a.Resume(ctx, pair.Session)
	_, user := a.EndUser(ctx, 2, "", tokens.CauseAdmin)
	_, show := a.Session(ctx, pair.Session)
	var list error
	for _, err := range a.Sessions(ctx, 2) {
		list = err
	}
	for doing, err := range map[string]error{"login": issue, "refresh": refresh, "resume": resume, "end user": user, "show": show, "list": list,
		"end session": a.EndSession(ctx, pair.Session, tokens.CauseLogout), "end all": a.EndAll(ctx, tokens.CauseAdmin),
		"ready": a.Ready(ctx), "catch up": a.CatchUp(ctx)} {
		if !errors.Is(err, tokens.ErrUnavailable) {
			t.Errorf("%s without Redis: %v, want ErrUnavailable", doing, err)
		}
	}
	w.accessIs(a, pair.Access, nil) // no end was written, so none was made
	w.refreshIs(a, "garbage", tokens.Malformed)

	server.Start()
	w.refresh(a, pair.Refresh)
	tokenstest.Eventually(t, "it is ready again", func() bool { return a.Ready(ctx) == nil })
}

func TestRestartsOfTheGatewayLoseNothing(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		pair := w.login(w.authority(), alice)
		again := w.authority()
		w.accessIs(again, pair.Access, nil)
		w.refresh(again, pair.Refresh)
	})
}

func TestNotReadyBeforeTheRevocationsWereRead(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	if err := a.Ready(context.Background()); !errors.Is(err, tokens.ErrUnavailable) {
		t.Errorf("ready before reading: %v", err)
	}
	w.catchUp(a)
	w.must(a.Ready(context.Background()))
}
