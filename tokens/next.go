package tokens

import (
	"fmt"
	"reflect"
)

// Next makes an Authority with other settings that goes on where a is: it knows the same revocations, uses the same
// Redis and counts in the same metrics, so that nothing is forgotten and no counter starts again. KeyPrefix, Now and
// Log stay those of a. Nothing changes before TakeOver; an error names everything that is wrong, and leaves a as it is.
//
// Both may be used at once: a request that began with a ends with it, under its keys and lifetimes. A token of a key
// that is gone is refused by the next one only.
func (a *Authority) Next(cfg Config) (*Authority, error) {
	cfg.KeyPrefix, cfg.Now, cfg.Log = a.cfg.KeyPrefix, a.cfg.Now, a.cfg.Log
	next, err := newSettings(cfg.withDefaults(), a.memory)
	if err != nil {
		return nil, err
	}
	if reflect.DeepEqual(a.cfg.judgement(), next.cfg.judgement()) {
		next.keys, next.cache = a.keys, a.cache // remembered tokens name keys of a's table
		return next, nil
	}
	if next.cache, err = newVerifiedCache(next.cfg.VerifiedCache, a.metrics); err != nil {
		return nil, fmt.Errorf("tokens: making the verified token cache: %w", err)
	}
	return next, nil
}

// TakeOver makes a the one by whose settings Run goes on.
func (a *Authority) TakeOver() {
	before := a.inForce.Swap(a)
	if before.cfg.AccessTTL != a.cfg.AccessTTL {
		a.lifetimeNoted.Store(0) // others must know of the new lifetime with its first token
	}
	if before.cache != a.cache {
		before.cache.empty()
	}
}

// judgement is the part of the settings that a token in the verified cache may have been judged by. What is known to
// be looked at on every use, or to concern new tokens only, is left out; whatever else there is, or will be, empties
// the cache when it changes.
func (c Config) judgement() Config {
	c.RefreshSecrets, c.AccessTTL, c.RefreshTTL, c.SessionTTL, c.RefreshGrace = nil, 0, 0, 0, 0
	c.LostAnswer, c.MaxSessions, c.MaxStaleness, c.OnStale = "", 0, 0, ""
	c.Now, c.Log, c.ReuseBySameClient = nil, nil, ""
	return c
}
