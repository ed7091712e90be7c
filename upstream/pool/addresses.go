package pool

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// mostAddresses is how many addresses of one node are remembered: a name may have several, and changes them over time.
const mostAddresses = 16

// addresses are those at which a node was connected to, the newest last. The zero value is empty.
type addresses struct {
	mu  sync.RWMutex
	all []netip.Addr
}

func (a *addresses) connected(to net.Addr) {
	tcp, ok := to.(*net.TCPAddr)
	if !ok {
		return
	}
	at := tcp.AddrPort().Addr().Unmap().WithZone("")
	if a.has(at) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all = append(a.all, at); len(a.all) > mostAddresses {
		a.all = slices.Delete(a.all, 0, 1)
	}
}

func (a *addresses) has(at netip.Addr) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Contains(a.all, at)
}
