package chaos

import (
	"strings"
	"sync"
	"time"
)

// tally is what happened to the customers of a row.
type tally struct {
	mu sync.Mutex

	requests    int
	refused     int           // carts of customers with a live session: 401 or 403
	accepted    int           // tokens of ended sessions, later than lateAfter
	checks      int           // tokens of ended sessions that were sent
	latest      time.Duration // after its end, the latest acceptance of a token while the customers shopped
	audited     int           // acceptances when all was over, of those in accepted
	gone        int           // sessions that began after what Redis came back with: their customers log in again
	loggedOut   int           // a refresh of a live session was refused, though the customer had not asked to log out
	unavailable int           // 503
	failed      int           // other 5xx, and connections that broke
	wrongCart   int           // another customer's cart
	healed      time.Time
	lastFailure time.Time // after healed
	failures    []failure // 503 included
	examples    map[string][]string
}

// failure is a 5xx or a connection that broke.
type failure struct {
	at   time.Time
	what string
}

func (c *tally) count(change func(c *tally)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

// example keeps the first few of each kind.
func (c *tally) example(kind, text string) {
	if c.examples == nil {
		c.examples = map[string][]string{}
	}
	if len(c.examples[kind]) < 3 {
		c.examples[kind] = append(c.examples[kind], text)
	}
}

func (c *tally) story() string {
	var all []string
	for kind, some := range c.examples {
		all = append(all, kind+":\n\t"+strings.Join(some, "\n\t"))
	}
	return strings.Join(all, "\n")
}

// recovery is how long after the healing something still failed.
func (c *tally) recovery() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.healed.IsZero() || c.lastFailure.Before(c.healed) {
		return 0
	}
	return c.lastFailure.Sub(c.healed)
}
