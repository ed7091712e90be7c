package tokenstest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// firstPort is another one in each process.
var (
	firstPort = rand.Uint32()
	portsUsed atomic.Uint32
)

// FreeAddress returns an address on loopback where nothing listens. Its port is below those that systems assign to
// clients and to listeners on port 0 (32768 to 60999 on Linux). Each call returns another one. It is for programs that
// need a port as an argument, and for a server that returns to its port; all others listen on port 0.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+(firstPort+portsUsed.Add(1))%20_000)
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("a thousand ports are all in use")
	return ""
}

func freePort(t testing.TB) string {
	t.Helper()
	_, port, err := net.SplitHostPort(FreeAddress(t))
	must(t, err)
	return port
}
