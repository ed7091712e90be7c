package tokens

import "github.com/maypok86/otter/v2"

// verifiedCache remembers good tokens by their whole text, so that no two tokens can share an entry. A hit saves the
// signature and the JSON, and nothing else: see current.
type verifiedCache struct {
	entries *otter.Cache[string, *verified] // nil when off
	metrics *metrics
}

func newVerifiedCache(size int, m *metrics) (verifiedCache, error) {
	if size == 0 {
		return verifiedCache{metrics: m}, nil
	}
	entries, err := otter.New(&otter.Options[string, *verified]{
		MaximumSize: size,
		Executor:    func(maintain func()) { maintain() }, // here and now: no goroutine is left behind
	})
	return verifiedCache{entries: entries, metrics: m}, err
}

func (c verifiedCache) get(token string) (*verified, bool) {
	if c.entries == nil {
		return nil, false
	}
	v, ok := c.entries.GetIfPresent(token)
	if ok {
		c.metrics.cacheHits.Inc()
	} else {
		c.metrics.cacheMisses.Inc()
	}
	return v, ok
}

func (c verifiedCache) empty() {
	if c.entries != nil {
		c.entries.InvalidateAll()
	}
}

func (c verifiedCache) put(token string, v *verified) {
	if c.entries != nil {
		c.entries.Set(token, v)
	}
}
