package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Concurrency bounds what PHP works on at once. Every request counts, also for a
// static file: whether PHP will be asked for one is not to be seen from here.
type Concurrency struct {
	// Limit is for each node; zero means no bound, and then nothing ever waits.
	Limit int
	// Queue is how many requests of each group may wait beyond that.
	Queue int
	// Wait is how long at most; zero means 2 s.
	Wait time.Duration
	// SitePercent is the part of Limit that the storefront may take, so that a
	// flood of pages leaves room for logins and carts; zero means 75.
	SitePercent int
	// Abandoned is how many requests that change something may be under way
	// although their client has left; zero means 100, less than zero none. It
	// counts without a Limit, too.
	Abandoned int
}

// group is who waits in one queue.
type group int

const (
	ours   group = iota // logins and CoCart's routes
	others              // the storefront
	own                 // what the shop sends to itself, such as wp-cron.php
	groups = 3
)

func (g group) String() string { return [groups]string{"cocart", "site", "own"}[g] }

func groupOf(f *Forwarding) group {
	switch {
	case f.Own:
		return own
	case f.Assertion.Kind == Site:
		return others
	}
	return ours
}

// ownPlaces is how many places beyond Concurrency.Limit the shop's own requests may take at a node: where all others are
// taken by pages that wait for an answer of the shop itself, none would ever become free.
const ownPlaces = 1

// errNoOther means that every node was tried.
var errNoOther = errors.New("there is no other node")

// pool hands out places at nodes: to the less busy of two that are up and have
// room, chosen at random, so that several gateways do not all run to the one
// that looked idle a moment ago.
//
// Who finds no room waits, first come, first served. Newest first would be kinder
// where those in front have given up; here they leave the queue the moment they
// do, and the queue is short by number and by time. A semaphore of a library
// would know neither nodes, nor a share for the storefront, nor a bound on who
// waits.
type pool struct {
	log     *slog.Logger
	metrics *nodeMetrics
	now     func() time.Time
	health  Health
	limits  Concurrency
	site    int // places at each node that the storefront may take

	mu      sync.Mutex // guards what follows and the counts in the nodes
	nodes   []*node
	up      int // how many of them
	waiting [groups]queue
	arrival uint64
}

// claim is what a request asks of the pool.
type claim struct {
	group     group
	tried     []*node    // nodes that it may not have
	departure *departure // nil: it ends with its client
}

// place is one request's room at a node.
type place struct {
	pool  *pool
	claim claim
	node  *node
	left  bool // guarded by pool.mu
}

func newPool(cfg Config, nodes []*node, m *nodeMetrics, log *slog.Logger, now func() time.Time) *pool {
	p := &pool{log: log, metrics: m, now: now, health: cfg.Health.orDefaults(), limits: cfg.Concurrency, nodes: nodes, up: len(nodes)}
	p.limits.Wait = orDefault(p.limits.Wait, 2*time.Second)
	p.site = max(1, p.limits.Limit*orDefault(p.limits.SitePercent, 75)/100)
	for _, n := range nodes {
		m.node(n.name)
	}
	return p
}

// take finds a place at a node that was not tried before, or waits for one. It
// fails with [ErrBusy], [ErrUnavailable], errNoOther or the context's error.
func (p *pool) take(ctx context.Context, c claim) (*place, error) {
	if ctx.Err() != nil {
		return nil, p.leftWaiting(ctx, c.group)
	}
	p.mu.Lock()
	// Whoever waits may have none of the room there is, or admitWaiting would have handed it out.
	if n := p.pick(c.group, c.tried); n != nil {
		defer p.mu.Unlock()
		return p.occupy(n, c), nil
	}
	w, err := p.queueUp(c)
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return p.wait(ctx, w)
}

// leave gives a place to whoever waits for it. It may be called more than once.
func (pl *place) leave() {
	p := pl.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if pl.left {
		return
	}
	pl.left = true
	pl.node.count(pl.claim.group, -1)
	p.admitWaiting()
}

// move gives the place up for one at a node that was not tried.
func (pl *place) move(ctx context.Context, tried []*node) error {
	pl.leave()
	c := pl.claim
	c.tried = tried
	next, err := pl.pool.take(ctx, c)
	if err != nil {
		return err
	}
	pl.pool.mu.Lock()
	defer pl.pool.mu.Unlock()
	pl.node, pl.left = next.node, false
	return nil
}

// occupy and what follows is called with the lock held.
func (p *pool) occupy(n *node, c claim) *place {
	n.count(c.group, +1)
	n.probed(p.now())
	return &place{pool: p, claim: c, node: n}
}

func (p *pool) pick(g group, tried []*node) *node {
	var one, two *node // two of those there are, each pair as likely as any other
	seen := 0
	for _, n := range p.nodes {
		if !p.usable(n, tried) || !p.hasRoom(n, g) {
			continue
		}
		seen++
		switch at := chance(seen); {
		case seen == 1:
			one = n
		case seen == 2:
			two = n
		case at == 0:
			one = n
		case at == 1:
			two = n
		}
	}
	switch {
	case two == nil, one.active < two.active:
		return one
	case two.active < one.active, chance(2) == 0:
		return two
	}
	return one
}

// usable nodes are those that are up. When none is, the checks may be wrong, and
// a request has nothing to lose: then all are, but for those whose connections
// ran into dial_timeout just now, since each attempt would again.
func (p *pool) usable(n *node, tried []*node) bool {
	if slices.Contains(tried, n) {
		return false
	}
	return !n.down || p.up == 0 && !n.unreachable.After(p.now())
}

func (p *pool) hasRoom(n *node, g group) bool {
	if p.limits.Limit == 0 {
		return true
	}
	switch g {
	case own:
		return n.active < p.limits.Limit+ownPlaces
	case others:
		return n.active < p.limits.Limit && n.site < p.site
	}
	return n.active < p.limits.Limit
}

// queueUp adds a request to those that wait, unless nobody could ever let it in.
func (p *pool) queueUp(c claim) (*waiter, error) {
	g, tried := c.group, c.tried
	if !slices.ContainsFunc(p.nodes, func(n *node) bool { return p.usable(n, tried) }) {
		if len(tried) > 0 {
			return nil, errNoOther
		}
		return nil, fmt.Errorf("%w: it could not be reached a moment ago", ErrUnavailable)
	}
	if p.waiting[g].clients >= p.limits.Queue {
		p.metrics.shed.WithLabelValues(g.String(), shedFull).Inc()
		return nil, fmt.Errorf("%w: %d requests wait already", ErrBusy, p.limits.Queue)
	}
	p.arrival++
	w := &waiter{claim: c, arrival: p.arrival, ready: make(chan *place, 1)}
	p.waiting[g].push(w)
	p.metrics.queued.WithLabelValues(g.String()).Inc()
	return w, nil
}
