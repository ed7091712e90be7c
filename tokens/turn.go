package tokens

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What WordPress is asked for a token is asked once: whoever comes first has a claim on a key, and the others wait for
// what comes of it.

const (
	// claimLife is how long one gateway may ask WordPress about a token before another may; what asks must be done
	// by then.
	claimLife = 40 * time.Second
	askLife   = 30 * time.Second
	// askAgain is how often somebody who waits for another's answer looks for it.
	askAgain = 50 * time.Millisecond

	asking   = "asking "
	wasHeard = "issued " // and when: a refresh token of the PHP plugin that was handed out through a gateway
)

// claim is a key that nobody else writes for a while.
type claim struct {
	key, mine string
	was       string // what stood there before
}

// issued is when the token of a claim was issued, in Unix ms; 0 if nobody knows.
func (c claim) issued() int64 {
	at, _ := strings.CutPrefix(c.was, wasHeard)
	return number(at)
}

func issuedAt(at int64) string { return wasHeard + strconv.FormatInt(at, 10) }

// turn gives a claim on a key, or what others have written there that fits.
func (a *Authority) turn(ctx context.Context, key string, fits func(present string) bool) (c claim, found string, err error) {
	c = claim{key: key, mine: asking + rand.Text()}
	for {
		present, err := a.store.claim(ctx, key, c.was, c.mine, claimLife)
		switch {
		case err != nil:
			return claim{}, "", unavailable("claiming a refresh token", err)
		case present == claimed, present == c.mine: // mine: the first answer was lost, and the client asked Redis again
			return c, "", nil
		case strings.HasPrefix(present, asking):
			c.was = ""
			if pause(ctx, askAgain); ctx.Err() != nil {
				return claim{}, "", ctx.Err()
			}
		case present == "" || !fits(present): // "": it has expired meanwhile
			c.was = present
		default:
			return claim{}, present, nil
		}
	}
}

// release gives a claim back for which nothing came of the asking, and returns why.
func (a *Authority) release(ctx context.Context, c claim, why error) error {
	err := a.unclaim(ctx, c)
	switch {
	case err == nil:
		return why
	case why == nil:
		return unavailable("giving a claim back", err)
	}
	return fmt.Errorf("%w (and the claim stays until it expires: %w)", why, err)
}

// unclaim does not depend on a client that has left, or on time that was used up by asking: others wait for it.
func (a *Authority) unclaim(ctx context.Context, c claim) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), lastCall)
	defer done()
	_, err := a.store.claim(ctx, c.key, c.mine, c.was, a.cfg.RefreshTTL+outlives)
	return err
}

// claimed is what store.claim returns when it wrote.
const claimed = "claimed"

// claim runs claim.lua; it returns claimed, or else the present value.
func (s store) claim(ctx context.Context, key, expected, value string, life time.Duration) (present string, err error) {
	answer, err := claimScript.Run(ctx, s, []string{key}, expected, value, milliseconds(life)).Slice()
	if err != nil {
		return "", err
	}
	if len(answer) != 2 {
		return "", fmt.Errorf("claim script answered %d values instead of 2", len(answer))
	}
	if answer[0] == int64(1) {
		return claimed, nil
	}
	present, _ = answer[1].(string)
	return present, nil
}
