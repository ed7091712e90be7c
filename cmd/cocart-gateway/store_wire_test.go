package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cocart-gateway/tokens/tokenstest"
)

// redisBehindALossyWire is a cluster of one, which a client for a single server can use as well, behind a wire that
// breaks when the answer to an INCR comes back.
func redisBehindALossyWire(t *testing.T) (between string, server *tokenstest.Server) {
	t.Helper()
	wire, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(wire.Addr().String())
	_, bus, _ := net.SplitHostPort(freeAddress(t))
	server = tokenstest.Redis(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", port)
	admin := server.Client()
	if err := admin.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	tokenstest.Eventually(t, "the cluster is whole", func() bool {
		return strings.Contains(admin.ClusterInfo(context.Background()).Val(), "cluster_state:ok")
	})
	var wires sync.WaitGroup
	wires.Go(func() {
		for {
			client, err := wire.Accept()
			if err != nil {
				return
			}
			wires.Go(func() { carry(client, server.Addr()) })
		}
	})
	t.Cleanup(func() { wire.Close(); wires.Wait() })
	return wire.Addr().String(), server
}

// carry passes on both ways until the answer to an INCR would be due.
func carry(client net.Conn, server string) {
	defer client.Close()
	far, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer far.Close()
	var lossy atomic.Bool
	var back sync.WaitGroup
	back.Go(func() {
		defer client.Close()
		pass(client, far, func([]byte) bool { return !lossy.Load() })
	})
	pass(far, client, func(sent []byte) bool {
		if bytes.Contains(sent, []byte("incr")) {
			lossy.Store(true)
		}
		return true
	})
	far.Close()
	back.Wait()
}

// pass copies while each piece may be passed on.
func pass(to io.Writer, from io.Reader, may func([]byte) bool) {
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		if err != nil || !may(piece[:n]) {
			return
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return
		}
	}
}
