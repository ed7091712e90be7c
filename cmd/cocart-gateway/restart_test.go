package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load sends requests on several clients until it is told that enough is over, and counts. Each client rests between
// two: a machine without time for anything else would show nothing but that.
type load struct {
	sent, failed atomic.Int64
	first        atomic.Pointer[string] // failure
}

const (
	// pace is how long a client rests.
	pace = 5 * time.Millisecond
	// unused is how long it leaves a connection unused before it takes another one. server.drain_delay must be longer:
	// a POST into a connection that was just closed is lost.
	unused = 200 * time.Millisecond
	// enough is more time than a restart takes on a busy machine.
	enough = 5 * time.Minute
)

func (l *load) run(ctx context.Context, url string, keepAlive bool, done *sync.WaitGroup) {
	for range 4 {
		done.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: !keepAlive, IdleConnTimeout: unused}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				l.one(client, url)
				time.Sleep(pace)
			}
		})
	}
}

// one is a POST, which no client sends again by itself: what is lost stays lost.
func (l *load) one(client *http.Client, url string) {
	resp, err := client.Post(url, "text/plain", struct{ io.Reader }{strings.NewReader("one order")})
	if err == nil {
		var body []byte
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && (resp.StatusCode != http.StatusOK || string(body) != "one order") {
			err = errors.New(resp.Status + " " + string(body))
		}
	}
	l.sent.Add(1)
	if err != nil {
		l.failed.Add(1)
		text := err.Error()
		l.first.CompareAndSwap(nil, &text)
	}
}

// await returns once n more requests were sent.
func (l *load) await(ctx context.Context, n int64) {
	for until := l.sent.Load() + n; l.sent.Load() < until && ctx.Err() == nil; {
		time.Sleep(time.Millisecond) // the load itself is what is waited for
	}
}

// A restart in either order loses no request: the new gateway first (an upgrade with two units on one socket), or the
// old one first, as systemctl restart does it, while clients wait in the queue of the socket.
func TestARestartUnderLoadLosesNoRequest(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer origin.Close()
	// A client whose POST meets the end of an idle connection loses it. The delay is longer than a busy machine lets a client
	// rest between two requests.
	s := newSystemd(t, "listen: systemd:http\nserver: {drain_delay: 3s}\nlog: {level: warn}\n", origin.URL)
	old := s.start()
	s.reported("READY=1")

	ctx, end := context.WithTimeout(t.Context(), enough)
	defer end()
	var l load
	var clients sync.WaitGroup
	l.run(ctx, "http://"+s.address+"/", true, &clients)
	l.run(ctx, "http://"+s.address+"/", false, &clients)
	l.await(ctx, 200)

	next := s.start()
	s.reported("READY=1")
	s.stop(old)
	l.await(ctx, 200)

	s.stop(next)
	last := s.start()
	s.reported("READY=1")
	l.await(ctx, 200)
	end()
	clients.Wait()
	s.stop(last)
	l.judge(t, 600)
}

func (l *load) judge(t *testing.T, least int64) {
	t.Helper()
	if failure := l.first.Load(); failure != nil {
		t.Errorf("%d of %d requests failed, the first with %s", l.failed.Load(), l.sent.Load(), *failure)
	}
	if l.sent.Load() < least {
		t.Errorf("only %d requests were sent", l.sent.Load())
	}
	t.Logf("%d requests, %d failed", l.sent.Load(), l.failed.Load())
}

// The same with the tool by which systemd itself tries out socket activation. It starts the gateway when the first
// client comes.
func TestARestartLosesNoRequestOnRealSystemd(t *testing.T) {
	tool, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Fatalf("this test needs the Debian package systemd (deploy/demo/install.sh packages): %v", err)
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer origin.Close()
	s := newSystemd(t, "listen: systemd:web\nserver: {drain_delay: 1s}\nlog: {level: warn}\n", origin.URL)
	s.by = []string{tool, "--fdname=web", "--setenv=NOTIFY_SOCKET", "--setenv=" + asGateway}

	ctx, end := context.WithTimeout(t.Context(), enough)
	defer end()
	var l load
	var clients sync.WaitGroup
	l.run(ctx, "http://"+s.address+"/", true, &clients)
	for range 2 {
		cmd := s.start()
		s.reported("READY=1")
		l.await(ctx, 100)
		s.stop(cmd)
	}
	last := s.start()
	s.reported("READY=1")
	l.await(ctx, 100)
	end()
	clients.Wait()
	s.stop(last)
	l.judge(t, 300)
}

func TestSystemdIsToldHowTheGatewayIs(t *testing.T) {
	s := newSystemd(t, "listen: systemd\n", "http://127.0.0.1:1")
	cmd := s.start()
	for _, want := range []string{"READY=1\nSTATUS=serving", "WATCHDOG=1"} {
		s.reported(want)
	}
	s.signal(cmd, syscall.SIGHUP)
	s.reported("RELOADING=1\nMONOTONIC_USEC=")
	s.reported("READY=1\nSTATUS=serving")
	replaceFile(t, s.config, "tokens: none\n")
	s.reported("RELOADING=1\nMONOTONIC_USEC=")
	s.reported("READY=1\nSTATUS=serving; the configuration was not reloaded, the log says why")
	s.signal(cmd, syscall.SIGTERM)
	s.reported("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// Else systemctl reload would wait for an answer until it gives up.
func TestSystemdIsToldThatReloadIsOff(t *testing.T) {
	s := newSystemd(t, "listen: systemd\nreload: off\n", "http://127.0.0.1:1")
	cmd := s.start()
	s.reported("READY=1")
	s.signal(cmd, syscall.SIGHUP)
	s.reported("RELOADING=1\nMONOTONIC_USEC=")
	s.reported("READY=1\nSTATUS=serving; nothing was reloaded, since reload is off")
	s.stop(cmd)
}
