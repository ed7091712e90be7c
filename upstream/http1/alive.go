//go:build unix

package http1

import "syscall"

// alive reports whether the server has neither closed an idle connection nor sent anything on it: what comes without a
// request must not be taken for the answer to the next one. The read does not wait, and the deadline of the last answer, which
// may be over, does not count for it, as it would with RawConn.Read.
func (c *conn) alive() bool {
	if c.raw == nil {
		return true
	}
	c.dead = true
	if err := c.raw.Control(c.look); err != nil {
		return false
	}
	return !c.dead
}

// lookAt is c.look: it finds out whether there is anything to read.
func (c *conn) lookAt(fd uintptr) {
	var one [1]byte
	n, err := syscall.Read(int(fd), one[:])
	if n > 0 {
		c.t.cfg.Excess()
	}
	c.dead = err != syscall.EAGAIN && err != syscall.EINTR //nolint:errorlint // a system call returns no other error
}
