package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// While the gateway leaves, each answer is the last on its connection, by HTTP/1.1 and by HTTP/2.
func TestClientsAreToldThatTheirConnectionEnds(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		var l leaving
		connections := map[string]bool{}
		server := httptest.NewUnstartedServer(l.telling(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			connections[r.RemoteAddr] = true
			_, _ = w.Write([]byte("hello"))
		})))
		server.EnableHTTP2 = proto == "HTTP/2.0"
		server.StartTLS()
		client := server.Client()
		for range 2 {
			if got := mustGet(t, client, server.URL); got.proto != proto || got.close {
				t.Errorf("before: %+v", got)
			}
		}
		l.begun.Store(true)
		for range 2 {
			if got := mustGet(t, client, server.URL); got.status != http.StatusOK || proto == "HTTP/1.1" && !got.close {
				t.Errorf("while leaving: %+v", got)
			}
		}
		if len(connections) != 2 {
			t.Errorf("%s: %d connections, want the one from before and one more", proto, len(connections))
		}
		server.Close()
	}
}

// An upgrade has a Connection header of its own, which must stay; one that is asked for and not given has none.
func TestAnUpgradeIsNotToldThatItsConnectionEnds(t *testing.T) {
	var l leaving
	l.begun.Store(true)
	for status, want := range map[int]string{http.StatusSwitchingProtocols: "", http.StatusOK: "close"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Upgrade", "websocket")
		l.telling(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })).ServeHTTP(w, r)
		if got := w.Header().Get("Connection"); got != want {
			t.Errorf("%d: Connection: %s, want %s", status, got, want)
		}
	}
}
