package migration

import (
	"context"
	"crypto/rand"
	_ "embed" // the script
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/budget"
)

// WordPress is asked once about a token: the first gateway holds a claim on a key, the others wait for the result.

//go:embed claim.lua
var claimSource string

var claimScript = redis.NewScript(claimSource)

const (
	// claimLife is how long one gateway may ask WordPress about a token before another may; askLife ends before.
	claimLife = 40 * time.Second
	askLife   = 30 * time.Second
	// lookAgain is how often a gateway that waits for the result of another looks for it.
	lookAgain = 50 * time.Millisecond
	// releaseTime is the time to release a claim when the request has none left.
	releaseTime = 2 * time.Second

	claimPrefix = "asking "
)

// claim is a key that no other gateway writes for a while.
type claim struct {
	key, mine string
	was       string // the value before
}

// claim returns a claim on a key, or the value that another gateway wrote there, if it is a result.
func (e *Exchange) claim(ctx context.Context, key string, isResult func(present string) bool) (c claim, result string, err error) {
	c = claim{key: key, mine: claimPrefix + rand.Text()}
	for {
		present, written, err := e.compareAndSet(ctx, key, c.was, c.mine, claimLife)
		switch {
		case err != nil:
			return claim{}, "", unavailable("claiming a refresh token", err)
		case written, present == c.mine: // mine: the first answer was lost, and the client repeated the command
			return c, "", nil
		case strings.HasPrefix(present, claimPrefix):
			c.was = ""
			select {
			case <-ctx.Done():
				return claim{}, "", ctx.Err()
			case <-time.After(lookAgain):
			}
			ctx = budget.Within(ctx, &budget.Budget{}) // what takes long is WordPress, which another gateway asks
		case present == "" || !isResult(present): // "": it has expired meanwhile
			c.was = present
		default:
			return claim{}, present, nil
		}
	}
}

// release gives up a claim that has no result, and returns why.
func (e *Exchange) release(ctx context.Context, c claim, why error) error {
	// Neither a client that left nor a deadline that the asking used up may keep the claim: others wait for it.
	ctx, done := context.WithTimeout(budget.Apart(ctx), releaseTime)
	defer done()
	_, _, err := e.compareAndSet(ctx, c.key, c.mine, c.was, e.cfg.Life)
	switch {
	case err == nil:
		return why
	case why == nil:
		return unavailable("releasing a claim", err)
	}
	return fmt.Errorf("%w (and the claim stays until it expires: %w)", why, err)
}

// compareAndSet runs claim.lua; it returns the present value where it is not the expected one.
func (e *Exchange) compareAndSet(ctx context.Context, key, expected, value string, life time.Duration) (present string, written bool, err error) {
	answer, err := claimScript.Run(ctx, e.cfg.Redis, []string{key}, expected, value, life.Milliseconds()).Slice()
	if err != nil {
		return "", false, err
	}
	if len(answer) != 2 {
		return "", false, fmt.Errorf("the claim script answered %d values instead of 2", len(answer))
	}
	present, _ = answer[1].(string)
	return present, answer[0] == int64(1), nil
}

func unavailable(doing string, cause error) error {
	return fmt.Errorf("%s: %w: %w", doing, tokens.ErrUnavailable, cause)
}

// ignoreMissing turns redis' "no such key" into no error.
func ignoreMissing(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}
