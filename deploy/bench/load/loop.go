package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long the answers of the last requests are awaited.
const patience = 5 * time.Second

type loop struct {
	plan    Plan
	address netip.AddrPort
	epoll   int
	conns   map[int32]*conn
	free    []string // chains that no request uses
	n       int      // requests so far
	times   []time.Duration
	result  Result
	end     time.Time
}

// Run carries out the plan. It is an error if no connection can be made; wrong answers are in the result.
func Run(p Plan) (Result, error) {
	address, err := netip.ParseAddrPort(p.Address)
	if err := errors.Join(err, p.check()); err != nil {
		return Result{}, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return Result{}, err
	}
	l := &loop{plan: p, address: address, epoll: epoll, conns: map[int32]*conn{}, free: p.Chains}
	defer l.close()
	for range p.Connections {
		if err := l.open(); err != nil {
			return Result{}, err
		}
	}
	return l.run()
}

func (l *loop) close() {
	for _, c := range l.conns {
		c.close()
	}
	_ = unix.Close(l.epoll)
}

func (l *loop) open() error {
	c, err := open(l.address)
	if err != nil {
		return err
	}
	l.conns[int32(c.fd)] = c
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)})
}

func (l *loop) run() (Result, error) {
	begin := time.Now()
	l.end = begin.Add(l.plan.Time)
	for _, c := range l.conns {
		if err := l.next(c); err != nil {
			return Result{}, err
		}
	}
	events := make([]unix.EpollEvent, 256)
	last := begin
	for len(l.conns) > 0 {
		n, err := unix.EpollWait(l.epoll, events, int(patience.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return Result{}, err
		}
		if n == 0 && err == nil {
			l.result.Wrong += len(l.conns)
			l.example([]byte(fmt.Sprintf("%d requests had no answer within %s", len(l.conns), patience)))
			break
		}
		last = time.Now()
		for _, e := range events[:max(n, 0)] {
			if err := l.ready(l.conns[e.Fd], last); err != nil {
				return Result{}, err
			}
		}
	}
	l.result.Took, l.result.Chains = last.Sub(begin), l.free
	l.result.times(l.times)
	return l.result, nil
}

// ready reads an answer and sends the next request.
func (l *loop) ready(c *conn, now time.Time) error {
	whole, err := c.receive()
	if err != nil {
		l.result.Wrong++
		l.example([]byte(err.Error()))
		return l.again(c)
	}
	if !whole {
		return nil
	}
	l.times = append(l.times, now.Sub(c.sent))
	l.result.Requests++
	if c.answer.status != l.plan.Status {
		l.result.Wrong++
		l.example(c.in)
	}
	l.carry(c)
	if l.over(now) {
		l.drop(c)
		return nil
	}
	if c.answer.last {
		return l.again(c)
	}
	return l.next(c)
}

// carry takes from the answer what a later request sends. A chain that broke ends.
func (l *loop) carry(c *conn) {
	if l.plan.Field == "" {
		return
	}
	if v := c.value(l.plan.Field); v != "" {
		l.free = append(l.free, v)
	}
}

func (l *loop) next(c *conn) error {
	carried := ""
	if l.plan.Field != "" {
		if len(l.free) == 0 {
			l.drop(c)
			return nil
		}
		carried, l.free = l.free[0], l.free[1:]
	}
	c.out = appendRequest(c.out[:0], l.plan.Requests[l.n%len(l.plan.Requests)], l.n, carried)
	l.n++
	if err := c.send(); err != nil {
		l.result.Wrong++
		l.example([]byte(err.Error()))
		return l.again(c)
	}
	return nil
}

func (l *loop) over(now time.Time) bool { return now.After(l.end) && l.result.Requests >= l.plan.Least }

// again replaces a connection that the server closed.
func (l *loop) again(c *conn) error {
	l.drop(c)
	if l.over(time.Now()) {
		return nil
	}
	if err := l.open(); err != nil {
		return err
	}
	for _, fresh := range l.conns {
		if fresh.sent.IsZero() {
			return l.next(fresh)
		}
	}
	return nil
}

func (l *loop) drop(c *conn) {
	delete(l.conns, int32(c.fd))
	c.close()
}

func (l *loop) example(text []byte) {
	if l.result.Example == "" {
		l.result.Example = string(text[:min(len(text), 300)])
	}
}
