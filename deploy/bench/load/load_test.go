package load_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/deploy/bench/load"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func run(t *testing.T, p load.Plan) load.Result {
	t.Helper()
	p.Connections, p.Time, p.Least = max(p.Connections, 4), time.Millisecond, 20
	r, err := load.Run(p)
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests < p.Least || r.P50 <= 0 || r.P99 < r.P50 || r.Rate() <= 0 {
		t.Errorf("%+v", r)
	}
	return r
}

func TestEveryAnswerIsCountedOnce(t *testing.T) {
	for name, answer := range map[string]string{"with a length": "short", "in chunks": strings.Repeat("long", 10_000), "empty": ""} {
		t.Run(name, func(t *testing.T) {
			var served sync.Map
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				served.Store(r.Header.Get("N"), true)
				_, _ = io.WriteString(w, answer)
			})
			r := run(t, load.Plan{Address: address, Status: 200, Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\nN: " + load.Number + "\r\n\r\n")}})
			n := 0
			served.Range(func(any, any) bool { n++; return true })
			if n != r.Requests || r.Wrong != 0 {
				t.Errorf("%d answers of %d requests, %d wrong: %s", r.Requests, n, r.Wrong, r.Example)
			}
		})
	}
}

func TestAnotherStatusIsWrong(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) })
	r := run(t, load.Plan{Address: address, Status: 200, Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}})
	if r.Wrong != r.Requests || !strings.HasPrefix(r.Example, "HTTP/1.1 418") {
		t.Errorf("%d of %d wrong: %s", r.Wrong, r.Requests, r.Example)
	}
}

func TestAClosedConnectionIsReplaced(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	r := run(t, load.Plan{Address: address, Status: 200, Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}})
	if r.Wrong != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAFieldOfAnAnswerIsSentOnce(t *testing.T) {
	var mu sync.Mutex
	next, used := 10, map[string]int{}
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		used[string(body)]++
		next++
		fmt.Fprintf(w, `{"token":"t%08d"}`, next)
	})
	r := run(t, load.Plan{Address: address, Status: 200, Field: "token", Chains: []string{"t00000001", "t00000002", "t00000003", "t00000004"},
		Requests: [][]byte{[]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n" + load.Carried)}})
	mu.Lock() // a request that was under way at the end may still be at the server
	defer mu.Unlock()
	if r.Wrong != 0 || len(used) != r.Requests {
		t.Errorf("%d values in %d requests, %d wrong: %s", len(used), r.Requests, r.Wrong, r.Example)
	}
}

func TestAddressesDiffer(t *testing.T) {
	var seen sync.Map
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen.Store(r.Header.Get("X-Forwarded-For"), true) })
	r := run(t, load.Plan{Address: address, Status: 200, Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + load.Address + "\r\n\r\n")}})
	n := 0
	seen.Range(func(k, _ any) bool {
		n++
		if len(k.(string)) != len(load.Address) || strings.Contains(k.(string), "n") {
			t.Fatalf("address %s", k)
		}
		return true
	})
	if n != r.Requests {
		t.Errorf("%d addresses in %d requests", n, r.Requests)
	}
}

func TestAPlanWithoutRequestsIsRefused(t *testing.T) {
	for _, p := range []load.Plan{
		{Address: "127.0.0.1:1", Connections: 1},
		{Address: "127.0.0.1:1", Connections: 2, Requests: [][]byte{{}}, Field: "x", Chains: []string{"one"}},
		{Address: "nowhere", Connections: 1, Requests: [][]byte{{}}},
	} {
		if _, err := load.Run(p); err == nil {
			t.Errorf("%+v is carried out", p)
		}
	}
}

func TestHeldConnectionsStayOpen(t *testing.T) {
	var mu sync.Mutex
	open := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if state == http.StateNew {
			open++
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	held, err := load.Hold(load.Plan{Address: s.Listener.Addr().String(), Connections: 30, Status: 200, Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	mu.Lock()
	defer mu.Unlock()
	if open != 30 {
		t.Errorf("%d connections", open)
	}
}

func TestHTTP2BelievesOnlyTheRightName(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("A") != "b" || r.Host != "shop.example" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	p := load.Plan{Address: s.Listener.Addr().String(), Connections: 2, Time: 50 * time.Millisecond, Least: 1, Status: 200,
		Requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: shop.example\r\nA: b\r\n\r\n")}}
	if _, err := load.RunHTTP2(p, file); err == nil {
		t.Error("a certificate for another name is believed") // httptest's is for example.com
	}
}
