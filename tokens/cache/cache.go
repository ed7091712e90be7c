// Package cache keeps the values that this process uses most, up to a number of them. otter does the work.
//
// Each package that sees an instantiated type of otter, even as a field of a type of another package, compiles all of otter
// for it. Here one instantiation is behind an interface; it took 30 s off the compilation of the gateway for one system.
package cache

import "github.com/maypok86/otter/v2"

// Cache keeps values under names. It is safe for concurrent use. A nil Cache keeps nothing.
type Cache[V any] struct{ entries entries }

// entries is what the gateway needs of *otter.Cache[string, any].
type entries interface {
	GetIfPresent(name string) (any, bool)
	Set(name string, value any) (any, bool)
	Invalidate(name string) (any, bool)
	InvalidateAll()
}

// New returns a cache of at most size values. It starts no goroutine.
func New[V any](size int) (*Cache[V], error) {
	e, err := newEntries(size)
	return &Cache[V]{e}, err
}

func newEntries(size int) (entries, error) {
	return otter.New(&otter.Options[string, any]{
		MaximumSize: size,
		Executor:    func(maintain func()) { maintain() }, // at once, so that no goroutine is left behind
	})
}

// Get returns the value that was put under a name, unless other names have displaced it.
func (c *Cache[V]) Get(name string) (value V, ok bool) {
	if c == nil {
		return value, false
	}
	kept, ok := c.entries.GetIfPresent(name)
	if !ok {
		return value, false
	}
	value, ok = kept.(V)
	return value, ok
}

// Put keeps a value under a name in place of an earlier one.
func (c *Cache[V]) Put(name string, value V) {
	if c != nil {
		c.entries.Set(name, value)
	}
}

// Remove forgets the value under a name.
func (c *Cache[V]) Remove(name string) {
	if c != nil {
		c.entries.Invalidate(name)
	}
}

// Empty forgets all values.
func (c *Cache[V]) Empty() {
	if c != nil {
		c.entries.InvalidateAll()
	}
}
