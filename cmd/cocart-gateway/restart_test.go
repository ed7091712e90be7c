package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// built is the folder of what tests build; TestMain removes it.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "cocart-gateway-tests"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// buildGateway builds the program as it ships.
var buildGateway = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "cocart-gateway")
	if text, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w", text, err)
	}
	return path, nil
})

// systemd does what the service manager of that name does for a gateway: it holds the socket, passes it to each
// process it starts, and listens to what they report.
type systemd struct {
	t       *testing.T
	binary  string
	config  string
	socket  *os.File
	address string
	notes   *net.UnixConn
}

func newSystemd(t *testing.T, lines, origin string) *systemd {
	t.Helper()
	binary, err := buildGateway()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &systemd{t: t, binary: binary, config: filepath.Join(t.TempDir(), "config.yaml"), address: l.Addr().String()}
	if s.socket, err = l.File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.socket.Close() })
	if s.notes, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "n"), Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.notes.Close() })
	text := `
admin: {listen: "127.0.0.1:0"}
upstream: {url: "` + origin + `", secret: "a shared secret of these tests, 32 bytes"}
site: {url: "http://127.0.0.1"}
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
` + lines
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs one more gateway on the socket. Only the process itself knows its number, so a shell writes LISTEN_PID.
func (s *systemd) start() *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" serve --config "$1"`, s.binary, s.config)
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=http", "NOTIFY_SOCKET="+s.notes.LocalAddr().String(), "WATCHDOG_USEC=60000000")
	cmd.ExtraFiles = []*os.File{s.socket}
	out := newOutput()
	cmd.Stderr = wordsOf{out}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if s.t.Failed() {
			s.t.Logf("a gateway said: %s", out)
		}
	})
	return cmd
}

// reported returns once a gateway reported this.
func (s *systemd) reported(want string) {
	s.t.Helper()
	if err := s.notes.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for {
		n, err := s.notes.Read(buffer)
		if err != nil {
			s.t.Fatalf("%s was never reported: %v", want, err)
		}
		if strings.Contains(string(buffer[:n]), want) {
			return
		}
	}
}

func (s *systemd) stop(cmd *exec.Cmd) {
	s.t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("the gateway ended with %v", err)
	}
}

// load sends requests one after the other on several clients until it is told that enough is over, and counts.
type load struct {
	sent, failed atomic.Int64
	first        atomic.Pointer[string] // failure
}

func (l *load) run(ctx context.Context, url string, keepAlive bool, done *sync.WaitGroup) {
	for range 4 {
		done.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: !keepAlive}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				l.one(client, url)
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
	s := newSystemd(t, "listen: systemd:http\nserver: {drain_delay: 2s}\nlog: {level: warn}\n", origin.URL)
	old := s.start()
	s.reported("READY=1")

	ctx, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
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
	enough()
	clients.Wait()
	s.stop(last)
	if failure := l.first.Load(); failure != nil {
		t.Errorf("%d of %d requests failed, the first with %s", l.failed.Load(), l.sent.Load(), *failure)
	}
	if l.sent.Load() < 600 {
		t.Errorf("only %d requests were sent", l.sent.Load())
	}
	t.Logf("%d requests, %d failed", l.sent.Load(), l.failed.Load())
}

func TestSystemdIsToldHowTheGatewayIs(t *testing.T) {
	s := newSystemd(t, "listen: systemd\n", "http://127.0.0.1:1")
	cmd := s.start()
	for _, want := range []string{"READY=1\nSTATUS=serving", "WATCHDOG=1"} {
		s.reported(want)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.reported("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
