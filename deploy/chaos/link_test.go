package chaos

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// link is the network between gateways and one Redis.
type link struct {
	to string
	l  net.Listener

	mu    sync.Mutex
	delay time.Duration // of each packet, in each direction
	held  chan struct{} // closed when packets flow again; nil: they flow
	cut   bool          // connections are reset
	open  map[net.Conn]bool
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{to: to, l: listener, open: map[net.Conn]bool{}}
	t.Cleanup(func() { listener.Close(); l.heal(); l.reset() })
	go l.serve()
	return l
}

func (l *link) address() string { return l.l.Addr().String() }

func (l *link) serve() {
	for {
		c, err := l.l.Accept()
		if err != nil {
			return
		}
		go l.join(c)
	}
}

func (l *link) join(from net.Conn) {
	l.mu.Lock()
	cut := l.cut
	l.mu.Unlock()
	if cut {
		abort(from)
		return
	}
	to, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.to)
	if err != nil {
		abort(from)
		return
	}
	l.mu.Lock()
	l.open[from], l.open[to] = true, true
	l.mu.Unlock()
	go l.copy(to, from)
	l.copy(from, to)
}

func (l *link) copy(to, from net.Conn) {
	defer func() {
		l.mu.Lock()
		delete(l.open, from)
		delete(l.open, to)
		l.mu.Unlock()
		from.Close()
		to.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		delay, held := l.delay, l.held
		l.mu.Unlock()
		time.Sleep(delay)
		if held != nil {
			<-held
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// abort closes with a reset.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

func (l *link) slow(delay time.Duration) { l.set(func() { l.delay = delay }) }
func (l *link) drop()                    { l.set(func() { l.held = make(chan struct{}) }) }
func (l *link) sever()                   { l.set(func() { l.cut = true }); l.reset() }

func (l *link) heal() {
	l.set(func() {
		if l.held != nil {
			close(l.held)
		}
		l.held, l.delay, l.cut = nil, 0, false
	})
}

func (l *link) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		abort(c)
	}
}
