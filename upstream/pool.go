package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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

// ownPlaces is how many places beyond Concurrency.Limit the shop's own requests may take at a node: where all others are
// taken by pages that wait for an answer of the shop itself, none would ever become free.
const ownPlaces = 1

// errNoOther means that every node was tried.
var errNoOther = errors.New("there is no other node")

// poolConfig says which servers WordPress runs on and how requests reach them.
type poolConfig struct {
	// Origins are the servers: scheme, host and port, or the scheme unix and the path of a socket.
	Origins []*url.URL
	// TLS is for https origins; nil means TLS 1.2 or newer and the authorities that the machine trusts.
	TLS *tls.Config
	// DialTimeout bounds connecting; zero means 2 s.
	DialTimeout time.Duration
	// Timeouts bound the wait for the header of an answer. Each call has one.
	Timeouts map[call]time.Duration
	// BodyTimeout is how long the body of an answer may pause; zero means 5 min, less than zero for ever.
	BodyTimeout time.Duration
	// ResponseHeader is the largest header of an answer, in bytes; zero means 256 KiB.
	ResponseHeader int64
	// IdleConnections is how many connections are kept open to each node for each timeout; zero means 512.
	IdleConnections int
	// IdleTimeout is how long an idle connection is kept; zero means 30 s.
	IdleTimeout time.Duration
	Concurrency Concurrency
	Health      Health
	// Now is the clock.
	Now func() time.Time
}

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

	abandoned   *abandoned
	bodyTimeout time.Duration

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

// newPool connects to no node yet. The error is that of registering metrics.
func newPool(cfg poolConfig, reg prometheus.Registerer, log *slog.Logger) (*pool, error) {
	m, err := newNodeMetrics(reg)
	if err != nil {
		return nil, err
	}
	nodes := newNodes(cfg, m)
	p := &pool{
		log: log, metrics: m, now: cfg.Now, health: cfg.Health.orDefaults(), limits: cfg.Concurrency, nodes: nodes, up: len(nodes),
		bodyTimeout: cmp.Or(cfg.BodyTimeout, 5*time.Minute),
	}
	p.limits.Wait = cmp.Or(p.limits.Wait, 2*time.Second)
	p.site = max(1, p.limits.Limit*cmp.Or(p.limits.SitePercent, 75)/100)
	p.abandoned = newAbandoned(cfg.Concurrency.Abandoned, m)
	for _, n := range nodes {
		m.node(n.name)
	}
	return p, nil
}

// allNodes returns them as the configuration has them.
func (p *pool) allNodes() []*node { return p.nodes }

// outlive is described at [abandoned.outlive].
func (p *pool) outlive(client context.Context, g group) (context.Context, *departure, func()) {
	return p.abandoned.outlive(client, g)
}

// bounded reports whether a request may have to wait for a place.
func (p *pool) bounded() bool { return p.limits.Limit > 0 }

// at reports whether a node was connected to at this address.
func (p *pool) at(a netip.Addr) bool {
	return slices.ContainsFunc(p.nodes, func(n *node) bool { return n.addresses.has(a) })
}

// closeIdle drops the idle connections. Requests in flight finish.
func (p *pool) closeIdle() {
	for _, n := range p.nodes {
		n.closeIdle()
	}
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

// address makes the place's node the host of a URL.
func (pl *place) address(u *url.URL) { u.Scheme, u.Host = pl.node.scheme, pl.node.host }

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
	var free []*node
	for _, n := range p.nodes {
		if p.usable(n, tried) && p.hasRoom(n, g) {
			free = append(free, n)
		}
	}
	switch len(free) {
	case 0:
		return nil
	case 1:
		return free[0]
	}
	at := chance(len(free))
	one, two := free[at], free[(at+1+chance(len(free)-1))%len(free)]
	if two.active < one.active { // of two that are equally busy, one is random already
		return two
	}
	return one
}

// chance returns a random number below n, for choices whose prediction helps no attacker: which of two nodes, when to
// check. It is not for secrets.
func chance(n int) int {
	return rand.IntN(n) //nolint:gosec // see above
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
		return nil, fmt.Errorf("%w: it could not be reached a moment ago", errUnavailable)
	}
	if p.waiting[g].clients >= p.limits.Queue {
		p.metrics.shed.WithLabelValues(g.String(), shedFull).Inc()
		return nil, fmt.Errorf("%w: %d requests wait already", errBusy, p.limits.Queue)
	}
	p.arrival++
	w := &waiter{claim: c, arrival: p.arrival, ready: make(chan *place, 1)}
	p.waiting[g].push(w)
	p.metrics.queued.WithLabelValues(g.String()).Inc()
	return w, nil
}
