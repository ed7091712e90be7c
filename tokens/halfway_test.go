package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// breaking is a connection to Redis that breaks at one command of an operation: before Redis has it, or before the answer is here.
type breaking struct {
	at       int // which command, counted from 0; -1: none
	seen     int
	received bool // Redis had the command
	name     string
}

var errBroken = errors.New("the connection broke")

func (*breaking) DialHook(next redis.DialHook) redis.DialHook { return next }

// breaks reports whether the connection breaks at the next command.
func (b *breaking) breaks(cmd redis.Cmder) bool {
	b.seen++
	if b.at < 0 || b.seen-1 != b.at {
		return false
	}
	b.name = cmd.Name()
	return true
}

func (b *breaking) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !b.breaks(cmd) {
			return next(ctx, cmd)
		}
		if b.received {
			_ = next(ctx, cmd)
		}
		cmd.SetErr(errBroken)
		return errBroken
	}
}

func (b *breaking) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for i, cmd := range cmds {
			if !b.breaks(cmd) {
				continue
			}
			sent := cmds[:i]
			if b.received {
				sent = cmds
			}
			if len(sent) > 0 {
				_ = next(ctx, sent)
			}
			for _, lost := range cmds[i:] {
				lost.SetErr(errBroken)
			}
			return errBroken
		}
		return next(ctx, cmds)
	}
}

// halfway is an operation, and what must be true once it succeeded, perhaps when it was tried again.
type halfway struct {
	do    func(w *world, a *tokens.Authority, had tokens.Pair) (tokens.Pair, error)
	after func(w *world, other *tokens.Authority, had, got tokens.Pair)
}

var operations = map[string]halfway{
	"a login": {
		func(w *world, a *tokens.Authority, _ tokens.Pair) (tokens.Pair, error) {
			return a.Issue(context.Background(), alice, phone)
		},
		func(w *world, other *tokens.Authority, had, got tokens.Pair) {
			w.accessIs(other, got.Access, nil)
			w.refresh(other, got.Refresh)
			w.accessIs(other, had.Access, tokens.Revoked) // a user has one session here
			w.refreshIs(other, had.Refresh, tokens.Ended)
		},
	},
	"a refresh": {
		func(w *world, a *tokens.Authority, had tokens.Pair) (tokens.Pair, error) {
			got, _, err := a.Refresh(context.Background(), had.Refresh, phone)
			return got, err
		},
		func(w *world, other *tokens.Authority, had, got tokens.Pair) {
			w.accessIs(other, got.Access, nil)
			w.refresh(other, got.Refresh)
		},
	},
	"a logout": {
		func(w *world, a *tokens.Authority, had tokens.Pair) (tokens.Pair, error) {
			return tokens.Pair{}, a.EndSession(context.Background(), had.Session, tokens.CauseLogout)
		},
		ended,
	},
	"the end of a user's sessions": {
		func(w *world, a *tokens.Authority, had tokens.Pair) (tokens.Pair, error) {
			_, err := a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin)
			return tokens.Pair{}, err
		},
		ended,
	},
	"the end of all sessions": {
		func(w *world, a *tokens.Authority, had tokens.Pair) (tokens.Pair, error) {
			return tokens.Pair{}, a.EndAll(context.Background(), tokens.CauseAdmin)
		},
		ended,
	},
}

func ended(w *world, other *tokens.Authority, had, _ tokens.Pair) {
	w.Helper()
	w.accessIs(other, had.Access, tokens.Revoked)
	w.refreshIs(other, had.Refresh, tokens.Ended)
}

// Wherever the connection to Redis breaks, the answer is ErrUnavailable and the same request may be sent again, or what was
// asked for is done: in Redis, here, and at the other gateways.
func TestNoOperationStaysHalfDoneWhereverTheConnectionBreaks(t *testing.T) {
	for name, operation := range operations {
		for _, apart := range []bool{false, true} {
			for _, received := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, keys apart %v, received %v", name, apart, received), func(t *testing.T) {
					for at := 0; operation.breaksAt(t, at, apart, received); at++ {
						if at > 20 {
							t.Fatal("it needs more than 20 commands")
						}
					}
				})
			}
		}
	}
}

// breaksAt plays an operation that breaks at one of its commands, and reports whether it has so many.
func (h halfway) breaksAt(t *testing.T, at int, apart, received bool) bool {
	t.Helper()
	w := embedded(t)
	own := redis.NewClient(w.rdb.(*redis.Client).Options())
	t.Cleanup(func() { own.Close() })
	b := &breaking{at: -1, received: received}
	own.AddHook(b)
	a, other := tokenstest.Authority(w, own, w.clock, limit(1)), w.authority(limit(1))
	if apart {
		tokens.KeysApart(a)
	}
	had := w.login(a, alice)
	w.must(a.CatchUp(t.Context()))
	b.at, b.seen = at, 0
	got, err := h.do(w, a, had)
	b.at = -1
	if err != nil {
		if !errors.Is(err, tokens.ErrUnavailable) || got != (tokens.Pair{}) {
			t.Errorf("broken at %d, %s: %v, with tokens: %v", at, b.name, err, got != (tokens.Pair{}))
		}
		if got, err = h.do(w, a, had); err != nil {
			t.Fatalf("broken at %d, %s; again: %v", at, b.name, err)
		}
	}
	w.catchUp(other)
	h.after(w, other, had, got)
	if t.Failed() {
		t.Fatalf("broken at %d, %s", at, b.name)
	}
	return b.name != ""
}
