package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestIdleConnectionsToWordPressEndWhenTheConfigurationSaysSo(t *testing.T) {
	closed := make(chan struct{}, 9)
	shop := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	shop.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	shop.Start()
	t.Cleanup(shop.Close)
	r := start(t, settings{"upstream.url": shop.URL, "upstream.idle_timeout": "10ms"})
	r.do("GET", "/", "")
	select {
	case <-closed:
	case <-time.After(20 * time.Second): // less than the default
		t.Error("an idle connection stays open")
	}
}
