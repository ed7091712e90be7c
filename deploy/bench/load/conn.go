package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// conn is one connection, with at most one request on its way.
type conn struct {
	fd     int
	sent   time.Time
	answer answer
	in     []byte
	out    []byte
}

const room = 64 << 10 // of an answer

func open(address netip.AddrPort) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &conn{fd: fd}
	// A loopback listener accepts at once, so connecting may block.
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}); err != nil {
		c.close()
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	if err := errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) close() { _ = unix.Close(c.fd) } // nothing of it is needed

// send writes the request in c.out. It is short, and the connection is empty, so that it fits into the socket.
func (c *conn) send() error {
	c.answer, c.in, c.sent = answer{}, c.in[:0], time.Now()
	n, err := unix.Write(c.fd, c.out)
	if err == nil && n < len(c.out) {
		err = fmt.Errorf("the socket takes %d of %d bytes", n, len(c.out))
	}
	return err
}

// receive reads what there is, and says whether the answer is complete.
func (c *conn) receive() (bool, error) {
	if len(c.in) == cap(c.in) {
		c.in = slices.Grow(c.in, room)
	}
	n, err := unix.Read(c.fd, c.in[len(c.in):cap(c.in)])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, errors.New("the server closed the connection")
	}
	c.in = c.in[:len(c.in)+n]
	return c.answer.complete(c.in), nil
}

// value is a string field of the JSON answer; "" if it has none. Tokens have no escapes.
func (c *conn) value(field string) string {
	_, rest, found := bytes.Cut(c.in[c.answer.head:], []byte(`"`+field+`":"`))
	value, _, ended := bytes.Cut(rest, []byte(`"`))
	if !found || !ended {
		return ""
	}
	return string(value)
}
