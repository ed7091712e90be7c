package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// While the gateway drains, each answer is the last on its connection, by HTTP/1.1 and by HTTP/2.
func TestClientsOfADrainingGatewayConnectAgain(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		var s Server
		connections := map[string]bool{}
		web := httptest.NewUnstartedServer(s.lastAnswers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			connections[r.RemoteAddr] = true
			_, _ = w.Write([]byte("hello"))
		})))
		web.EnableHTTP2 = proto == "HTTP/2.0"
		web.StartTLS()
		ask := func() *http.Response {
			resp, err := web.Client().Get(web.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
			return resp
		}
		for range 2 {
			if got := ask(); got.Proto != proto || got.Close {
				t.Errorf("before: %s, close: %t", got.Proto, got.Close)
			}
		}
		s.draining.Store(true)
		for range 2 {
			if got := ask(); got.StatusCode != http.StatusOK || proto == "HTTP/1.1" && !got.Close {
				t.Errorf("while draining: %d, close: %t", got.StatusCode, got.Close)
			}
		}
		if len(connections) != 2 {
			t.Errorf("%s: %d connections, want the one from before and one more", proto, len(connections))
		}
		web.Close()
	}
}

// An upgrade has a Connection header of its own, which must stay; an upgrade that is refused has none.
func TestAnUpgradeKeepsItsConnectionHeaderWhileDraining(t *testing.T) {
	var s Server
	s.draining.Store(true)
	for status, want := range map[int]string{http.StatusSwitchingProtocols: "", http.StatusOK: "close"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Upgrade", "websocket")
		s.lastAnswers(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })).ServeHTTP(w, r)
		if got := w.Header().Get("Connection"); got != want {
			t.Errorf("%d: Connection: %s, want %s", status, got, want)
		}
	}
}

func TestAListenerThatFailsEndsTheDrainDelay(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s := New(Options{Config: func() *config.Config { return &config.Config{} }, Log: log, Notifier: NewNotifier(log),
		After: func(time.Duration) <-chan time.Time { return nil }}) // which never ends
	broken, failed := errors.New("the socket is gone"), make(chan error, 1)
	failed <- broken
	if err := s.drain(failed); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestConnectionsThatWereCutOffAreAnError(t *testing.T) {
	for n, want := range map[int]string{
		0: "<nil>",
		1: "draining: requests were still in flight after 30s, on 1 connection, which was cut off",
		7: "draining: requests were still in flight after 30s, on 7 connections, which were cut off",
	} {
		if got := fmt.Sprint(cutOff(n, 30*time.Second)); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
