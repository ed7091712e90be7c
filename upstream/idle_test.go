package upstream_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cocart-gateway/upstream"
)

// The gateway hangs up before a web server with a shorter timeout does: else a POST could go into a connection that is just
// being closed there, and be lost.
func TestAnIdleConnectionIsClosedByTheGateway(t *testing.T) {
	opened, closed := make(chan net.Conn, 9), make(chan net.Conn, 9)
	shop := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	shop.Config.ConnState = func(c net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened <- c
		case http.StateClosed:
			closed <- c
		}
	}
	shop.Start()
	t.Cleanup(shop.Close)
	fr := newFront(t, shop.URL, asSite(), func(c *upstream.Config) { c.IdleTimeout = 10 * time.Millisecond })
	for range 2 {
		resp, err := http.Post(fr.URL, "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		select {
		case c := <-closed:
			if c != <-opened {
				t.Error("another connection was closed than the one that was opened")
			}
		case <-time.After(20 * time.Second): // less than without the setting
			t.Fatal("an idle connection stays open")
		}
	}
}
