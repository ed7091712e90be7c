package chaos

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/tokens/tokenstest"
)

// balanced puts a HAProxy in front of three gateways, which asks /servez: a gateway that starts accepts ended tokens until
// it has read which sessions ended.
func balanced(options ...string) func(*world) {
	return func(w *world) {
		alone(options...)(w)
		w.balance()
	}
}

func (w *world) balance() {
	front := tokenstest.FreeAddress(w.t)
	var servers strings.Builder
	for _, g := range w.gateways {
		_, port, _ := net.SplitHostPort(g.admin)
		fmt.Fprintf(&servers, "  server %s %s check port %s inter 200ms fall 1 rise 1\n", g.name, g.public, port)
	}
	file := filepath.Join(w.t.TempDir(), "haproxy.cfg")
	text := fmt.Sprintf(`global
  maxconn 2000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
frontend public
  bind %s
  option forwardfor if-none
  default_backend gateways
backend gateways
  option httpchk GET /servez
%s`, front, servers.String())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	p, err := child.Start(child.Program{Name: "haproxy", Args: []string{"/usr/sbin/haproxy", "-db", "-f", file}, Log: filepath.Join(w.t.TempDir(), "log")}, make(chan error, 1))
	if err != nil {
		w.t.Fatalf("%v (deploy/demo/install.sh bench)", err)
	}
	w.t.Cleanup(func() { _ = p.Stop() })
	err = p.Ready(context.Background(), func() bool {
		resp, err := http.Get("http://" + front + cart)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.front = front
}

func processRows() []row {
	return []row{
		{id: "C2", what: "rolling restart behind HAProxy", set: balanced(), lasts: 2 * time.Second, short: true, fault: func(w *world) func() {
			for _, g := range w.gateways {
				g.stop()
				g.start()
				time.Sleep(500 * time.Millisecond) // HAProxy asks every 200 ms
			}
			return func() {}
		}},
		{id: "C2b", what: "one of three killed behind HAProxy", set: balanced(), lasts: 8 * time.Second, fault: func(w *world) func() {
			w.gateways[0].kill()
			return w.gateways[0].start
		}},
		{id: "D6", what: "garbage bearers from 16 clients", set: alone(), lasts: 30 * time.Second, fault: garbage},
		{id: "E1", what: "reloads, every third with a mistake", set: alone(), lasts: 20 * time.Second, fault: reloads},
		{id: "E6", what: "one of three killed again and again, behind HAProxy", set: balanced(), lasts: 20 * time.Second, short: true, goal: goal{failed: 10 * restarting},
			fault: killAgain},
		{id: "C3", what: "one of three stopped and continued", set: alone(), lasts: 8 * time.Second, goal: goal{failed: 5 * restarting}, fault: stopOne},
	}
}

// during repeats something until the fault is healed.
func during(each func()) func() {
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				each()
			}
		}
	})
	return func() { close(stop); all.Wait() }
}

func garbage(w *world) func() {
	var heals []func()
	for i := range 16 {
		s := w.shopper(92_000 + i)
		heals = append(heals, during(func() {
			s.sendTo(w.anyFront(s.rng), http.MethodGet, cart, "", fmt.Sprintf("not.a.token%d", s.rng.Int64()))
		}))
	}
	return func() {
		for _, heal := range heals {
			heal()
		}
	}
}

func reloads(w *world) func() {
	good := map[*gateway]string{}
	for _, g := range w.gateways {
		text, err := os.ReadFile(g.file)
		if err != nil {
			w.t.Fatal(err)
		}
		good[g] = string(text)
	}
	n := 0
	return during(func() {
		n++
		for g, text := range good {
			text += fmt.Sprintf("log: {level: %s}\n", []string{"info", "warn", "nonsense"}[n%3])
			if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
				w.t.Error(err)
			}
		}
		time.Sleep(150 * time.Millisecond)
	})
}

// stopOne stops the first gateway while clients keep sending it tokens of ended sessions, which it finds when it goes on.
// A client gives up after four seconds.
func stopOne(w *world) func() {
	pid := w.gateways[0].process.PID()
	freeze(pid)
	var stop []func()
	for i := range 16 {
		s := w.shopper(94_000 + i)
		stop = append(stop, during(func() {
			if all := w.ended.copy(); len(all) > 0 {
				s.present(w.gateways[0].public, all[s.rng.IntN(len(all))], false)
			}
			time.Sleep(20 * time.Millisecond)
		}))
	}
	return func() {
		thaw(pid)
		for _, end := range stop {
			end()
		}
	}
}

// killAgain ends the first gateway every second and starts it again. Requests in it are cut: customers ask again.
func killAgain(w *world) func() {
	return during(func() {
		w.gateways[0].kill()
		w.gateways[0].start()
		time.Sleep(700 * time.Millisecond)
	})
}
