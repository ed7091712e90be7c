package attempts

import (
	"context"
	"crypto/sha1" //nolint:gosec // compares texts of our own in a script of Redis, which has no other digest
	_ "embed"     // the script
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
)

//go:embed begin.lua
var beginSource string

var beginScript = redis.NewScript(spendFunction + beginSource)

// belief is what this process takes the texts to be that an attempt depends on, until Redis confirms it.
type belief struct {
	keys  []string
	texts []string
}

// errDisbelieved: a text in Redis is different, and nothing was taken.
var errDisbelieved = errors.New("the texts in Redis are different")

// believe returns what this process remembers of texts, or nil if Redis cannot confirm it: it is away, or keeps keys on
// several servers.
func (g *Guard) believe(keys []string) *belief {
	if g.shared.apart.Load() || g.breaker.open(g.now()) {
		return nil
	}
	return &belief{keys, g.local.remembered(keys)}
}

// applyIf counts in Redis if the texts are what the process believes, in one round trip. Otherwise it returns errDisbelieved,
// and the texts that Redis has; nil if Redis cannot compare. If Redis is away it counts in this process, as
// [Guard.apply] does. The batch has draws, and at most one text.
func (g *Guard) applyIf(ctx context.Context, what *belief, b batch) (done results, at counters, now int64, texts []string, err error) {
	now = g.now()
	done, texts, err = g.shared.applyIf(context.WithoutCancel(ctx), now, what, b)
	switch {
	case err == nil:
		g.back()
		return done, g.shared, now, nil, nil
	case errors.Is(err, errDisbelieved):
		g.back()
		g.local.remember(what.keys, texts)
		return done, g.shared, now, texts, err
	case cluster.Apart(err):
		g.shared.apart.Store(true)
		return done, g.shared, now, nil, errDisbelieved
	}
	g.away(err, now)
	done, _ = g.local.apply(ctx, now, b) // never fails
	return done, g.local, now, nil, nil
}

func (s *shared) applyIf(ctx context.Context, now int64, what *belief, b batch) (done results, texts []string, err error) {
	keys, args := make([]string, 0, len(what.keys)+len(b.texts)+len(b.draws)), []any{len(what.keys), len(b.texts)}
	for i, key := range what.keys {
		keys = append(keys, s.prefix+key)
		digest := sha1.Sum([]byte(what.texts[i])) //nolint:gosec // see the import
		args = append(args, hex.EncodeToString(digest[:]))
	}
	for _, key := range b.texts {
		keys = append(keys, s.prefix+key)
	}
	for _, d := range b.draws {
		keys = append(keys, s.prefix+d.key)
		args = append(args, d.arguments(now)...)
	}
	answer, err := beginScript.Run(ctx, s.UniversalClient, keys, args...).Slice()
	if err == nil {
		done, texts, err = readBegun(answer, what, b)
	}
	if err != nil && !errors.Is(err, errDisbelieved) {
		err = fmt.Errorf("counting attempts: %w", err)
	}
	return done, texts, err
}

// readBegun reads the answer of begin.lua.
func readBegun(answer []any, what *belief, b batch) (done results, texts []string, err error) {
	unexpected := errors.New("unexpected answer of the script")
	if len(answer) == 2 {
		found, _ := answer[1].([]any)
		for _, one := range found {
			text, _ := one.(string)
			texts = append(texts, text)
		}
		if len(texts) != len(what.keys) {
			return done, nil, unexpected
		}
		return done, texts, errDisbelieved
	}
	if len(answer) != 3 {
		return done, nil, unexpected
	}
	done = results{make([]string, len(b.texts)), make([]outcome, len(b.draws))}
	if len(b.texts) > 0 {
		done.texts[0], _ = answer[1].(string)
	}
	spent, _ := answer[2].([]any)
	if len(spent) != len(b.draws) {
		return done, nil, unexpected
	}
	for i, one := range spent {
		counter, _ := one.([]any)
		if done.out[i], err = readSpent(counter); err != nil {
			return done, nil, err
		}
	}
	return done, nil, nil
}
