// Package pool sends requests to the servers that WordPress runs on. It knows nodes and places, and nothing of WordPress.
//
//   - pool.go: which node a request gets a place at
//   - queue.go: requests that wait for a place; abandoned.go: those whose client has left
//   - send.go: one round trip, at another node if the first one failed
//   - node.go: one node and its connections; dial.go: how they are opened; addresses.go: where they led. Package http1 speaks
//     to http origins, net/http to https origins
//   - health.go: which nodes are up
//   - body.go: bodies that outlive a failed connection, and answers that pause for too long; upload.go: uploads that are not read
//   - errors.go: what becomes of a request that got no answer; metrics.go: what is counted
package pool

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
// static file: the gateway cannot know whether PHP serves it.
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

// Group names a queue: the requests that wait together.
type Group int

const (
	CoCart Group = iota // logins and CoCart's routes
	Site                // the storefront
	Own                 // what the shop sends to itself, such as wp-cron.php
	groups = 3
)

func (g Group) String() string { return [groups]string{"cocart", "site", "own"}[g] }

// ownPlaces is how many places beyond Concurrency.Limit the shop's own requests may take at a node: where all others are
// taken by pages that wait for an answer of the shop itself, none would ever become free.
const ownPlaces = 1

// errNoOther means that every node was tried.
var errNoOther = errors.New("there is no other node")

// Config says which servers WordPress runs on and how requests reach them.
type Config struct {
	// Origins are the servers: scheme, host and port, or the scheme unix and the path of a socket.
	Origins []*url.URL
	// TLS is for https origins; nil means TLS 1.2 or newer and the authorities that the machine trusts.
	TLS *tls.Config
	// DialTimeout bounds connecting; zero means 2 s.
	DialTimeout time.Duration
	// Timeouts bound the wait for the header of an answer. Each call has one.
	Timeouts map[Call]time.Duration
	// BodyTimeout is how long the body of an answer may pause, and how long a node may take to accept a piece of an upload; zero
	// means 5 min, less than zero for ever.
	BodyTimeout time.Duration
	// ResponseHeader is the largest header of an answer, in bytes; zero means 256 KiB.
	ResponseHeader int64
	// IdleConnections is how many connections are kept open to each node; by TLS, for each timeout. Zero means 512.
	IdleConnections int
	// IdleTimeout is how long an idle connection is kept; zero means 30 s.
	IdleTimeout time.Duration
	Concurrency Concurrency
	Health      Health
	// Now is the clock.
	Now func() time.Time
}

// Pool hands out places at nodes: to the less busy of two that are up and have
// room, chosen at random, so that several gateways do not all run to the one
// that looked idle a moment ago.
//
// A request that finds no room waits in order of arrival. Newest first would be better
// if old requests had been abandoned; here an abandoned request leaves the queue at
// once, and the queue is short by number and by time. A semaphore of a library has no
// nodes, no share for the storefront and no bound on the queue.
type Pool struct {
	log     *slog.Logger
	metrics *nodeMetrics
	now     func() time.Time
	health  Health
	limits  Concurrency
	site    int // places at each node that the storefront may take

	abandoned   *abandoned
	bodyTimeout time.Duration

	mu      sync.Mutex // guards what follows and the counts in the nodes
	nodes   []*Node
	up      int // how many of them
	waiting [groups]queue
	arrival uint64
	redial  *time.Timer // wakes the waiting requests when a node may be dialled again; nil before its first use
}

// Claim is what a request asks of the pool.
type Claim struct {
	Group     Group
	tried     []*Node    // nodes that it may not have
	Departure *Departure // nil: it ends with its client
}

// Place is one request's room at a node.
type Place struct {
	pool  *Pool
	claim Claim
	node  *Node
	left  bool // guarded by pool.mu
}

// WithDefaults returns the configuration with its defaults in place of zero values.
func (c Config) WithDefaults() Config {
	c.DialTimeout = cmp.Or(c.DialTimeout, 2*time.Second)
	c.BodyTimeout = cmp.Or(c.BodyTimeout, 5*time.Minute)
	c.ResponseHeader = cmp.Or(c.ResponseHeader, 256<<10)
	c.IdleConnections = cmp.Or(c.IdleConnections, 512)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 30*time.Second)
	c.Concurrency.Wait = cmp.Or(c.Concurrency.Wait, 2*time.Second)
	c.Concurrency.SitePercent = cmp.Or(c.Concurrency.SitePercent, 75)
	c.Concurrency.Abandoned = cmp.Or(c.Concurrency.Abandoned, 100)
	c.Health.Interval = cmp.Or(c.Health.Interval, 10*time.Second)
	c.Health.Timeout = cmp.Or(c.Health.Timeout, 5*time.Second)
	c.Health.Failures = cmp.Or(c.Health.Failures, 3)
	c.Health.Successes = cmp.Or(c.Health.Successes, 1)
	return c
}

// New connects to no node yet. The error is that of registering metrics.
func New(cfg Config, reg prometheus.Registerer, log *slog.Logger) (*Pool, error) {
	m, err := newNodeMetrics(reg)
	if err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	nodes := newNodes(cfg, m, log)
	p := &Pool{
		log: log, metrics: m, now: cfg.Now, health: cfg.Health, limits: cfg.Concurrency, nodes: nodes, up: len(nodes),
		bodyTimeout: cfg.BodyTimeout,
	}
	p.site = max(1, p.limits.Limit*p.limits.SitePercent/100)
	p.abandoned = newAbandoned(cfg.Concurrency.Abandoned, m)
	for _, n := range nodes {
		m.node(n.name)
	}
	return p, nil
}

// Nodes returns them as the configuration has them.
func (p *Pool) Nodes() []*Node { return p.nodes }

// Outlive is described at [abandoned.outlive].
func (p *Pool) Outlive(client context.Context, g Group) (context.Context, *Departure, func()) {
	return p.abandoned.outlive(client, g)
}

// Bounded reports whether a request may have to wait for a place.
func (p *Pool) Bounded() bool { return p.limits.Limit > 0 }

// At reports whether a node was connected to at this address.
func (p *Pool) At(a netip.Addr) bool {
	return slices.ContainsFunc(p.nodes, func(n *Node) bool { return n.addresses.has(a) })
}

// CloseIdle drops the idle connections. Requests in flight finish.
func (p *Pool) CloseIdle() {
	for _, n := range p.nodes {
		n.closeIdle()
	}
}

// Take finds a place at a node that was not tried before, or waits for one. It
// fails with [ErrBusy], [ErrUnavailable], errNoOther or the context's error.
func (p *Pool) Take(ctx context.Context, c Claim) (*Place, error) {
	if ctx.Err() != nil {
		return nil, p.leftWaiting(ctx, c.Group)
	}
	p.mu.Lock()
	// No waiting request may use the room there is: admitWaiting would have given it to one.
	if n := p.pick(c.Group, c.tried); n != nil {
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

// Leave frees the place for the next waiting request. It may be called more than once.
func (pl *Place) Leave() {
	p := pl.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if pl.left {
		return
	}
	pl.left = true
	pl.node.count(pl.claim.Group, -1)
	p.admitWaiting()
}

// Node is where the place is. [Pool.Send] may move it to another node.
func (pl *Place) Node() *Node { return pl.node }

// Address makes the place's node the host of a URL.
func (pl *Place) Address(u *url.URL) { u.Scheme, u.Host = pl.node.scheme, pl.node.host }

// move gives the place up for one at a node that was not tried.
func (pl *Place) move(ctx context.Context, tried []*Node) error {
	pl.Leave()
	c := pl.claim
	c.tried = tried
	next, err := pl.pool.Take(ctx, c)
	if err != nil {
		return err
	}
	pl.pool.mu.Lock()
	defer pl.pool.mu.Unlock()
	pl.node, pl.left = next.node, false
	return nil
}

// occupy and what follows is called with the lock held.
func (p *Pool) occupy(n *Node, c Claim) *Place {
	n.count(c.Group, +1)
	n.probed(p.now())
	return &Place{pool: p, claim: c, node: n}
}

func (p *Pool) pick(g Group, tried []*Node) *Node {
	var free []*Node
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
func (p *Pool) usable(n *Node, tried []*Node) bool {
	if slices.Contains(tried, n) {
		return false
	}
	return !n.down || p.up == 0 && !n.unreachable.After(p.now())
}

func (p *Pool) hasRoom(n *Node, g Group) bool {
	if p.limits.Limit == 0 {
		return true
	}
	switch g {
	case Own:
		return n.active < p.limits.Limit+ownPlaces
	case Site:
		return n.active < p.limits.Limit && n.site < p.site
	}
	return n.active < p.limits.Limit
}

// queueUp adds a request to those that wait, unless no node could ever take it.
func (p *Pool) queueUp(c Claim) (*waiter, error) {
	g, tried := c.Group, c.tried
	if !slices.ContainsFunc(p.nodes, func(n *Node) bool { return p.usable(n, tried) }) {
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
	w := &waiter{Claim: c, arrival: p.arrival, ready: make(chan *Place, 1)}
	p.waiting[g].push(w)
	p.metrics.queued.WithLabelValues(g.String()).Inc()
	p.awaitRedial()
	return w, nil
}
