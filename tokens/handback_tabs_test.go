package tokens_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
)

// Nobody who waits for the first tab is told to try again because that one went on with a session of ours.
func TestTabsOfASessionThatThePluginGivesNothingForConverge(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority(backToThePlugin)
		session := w.login(a, alice)
		p := &oldPlugin{w: w, err: fmt.Errorf("no tokens: %w", tokens.ErrKeep)}
		refreshed := make([]string, 10)
		var tabs sync.WaitGroup
		for i := range refreshed {
			tabs.Go(func() {
				pair, _, err := a.HandBack(context.Background(), session.Refresh, phone, p.asked)
				if err != nil {
					t.Error(err)
				}
				refreshed[i] = pair.Refresh
			})
		}
		tabs.Wait()
		if slices.Sort(refreshed); len(slices.Compact(refreshed)) != 1 {
			t.Error("tabs diverge")
		}
	})
}

// leaving has the client leave once Redis has answered a command with an argument that begins so.
type leaving struct {
	claiming
	after string
	leave context.CancelFunc
}

func (l leaving) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && slices.ContainsFunc(cmd.Args(), func(arg any) bool { text, _ := arg.(string); return strings.HasPrefix(text, l.after) }) {
			l.leave()
		}
		return err
	}
}

func TestAClientThatLeavesBeforeWordPressIsAskedKeepsNobodyWaiting(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	ctx, leave := context.WithCancel(context.Background())
	w.rdb.AddHook(leaving{after: "asking ", leave: leave})
	p := &oldPlugin{w: w}
	if _, _, err := a.HandBack(ctx, session.Refresh, phone, p.asked); err == nil || p.issued.Load() != 0 {
		t.Fatalf("the client did not leave: %v", err)
	}
	keys, err := w.rdb.Keys(context.Background(), "*h:*").Result()
	if err != nil || len(keys) != 0 {
		t.Errorf("a claim stays: %v %v", keys, err)
	}
}

func TestAClientThatNeverStoresTheNewTokenIsNotToldAnExpiredPair(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin, policy(tokens.Always))
	session := w.login(a, alice)
	p := &oldPlugin{w: w}
	w.use(a, w.handBack(a, session.Refresh, p).Access)
	w.clock.Advance(11 * 24 * time.Hour)
	again := w.handBack(a, session.Refresh, p)
	w.accessIs(a, again.Access, nil)
	if once := w.handBack(a, session.Refresh, p); once.Access != again.Access || p.issued.Load() != 2 {
		t.Error("it is asked for at each refresh")
	}
}
