package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cocart-gateway/tokens/tokenstest"
)

func TestItListensOnEveryAddressOfTheList(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "http.sock")
	d := openDoor(t, `listen: ["127.0.0.1:0", "127.0.0.1:0", "unix:`+socket+`"]`, nil)
	all := strings.Fields(d.address("listen"))
	if len(all) != 3 {
		t.Fatalf("it listens on %q", all)
	}
	for _, address := range all[:2] {
		if got := mustGet(t, http.DefaultClient, "http://"+address); got.status != http.StatusOK {
			t.Errorf("%s: %+v", address, got)
		}
	}
	if got := mustGet(t, dialling("unix", socket, nil), "http://shop.example.com/"); got.body != "http  shop.example.com" {
		t.Errorf("by the socket: %+v", got)
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	if d.end(); !notThere(socket) {
		t.Error("the socket is left behind")
	}
}

func TestTheAdminListenerMayBeAUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	openDoor(t, "listen: \"127.0.0.1:0\"\nadmin: {listen: \"unix:"+socket+"\"}", nil)
	if got := mustGet(t, dialling("unix", socket, nil), "http://admin/healthz"); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
}

func notThere(path string) bool {
	_, err := os.Lstat(path)
	return os.IsNotExist(err)
}

func TestAUnixSocketOfTheDeadIsReplacedAndOneOfTheLivingIsNot(t *testing.T) {
	dir := t.TempDir()
	dead, living, file := filepath.Join(dir, "dead"), filepath.Join(dir, "living"), filepath.Join(dir, "file")
	killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	killed.SetUnlinkOnClose(false)
	killed.Close()
	other, err := net.Listen("unix", living)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dead: "", living: "another process listens there", file: "is no socket"} {
		l, err := listenUnix(t.Context(), path, fs.FileMode(0o600), "")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		if err == nil {
			l.Close()
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file was changed: %q", text)
	}
}

func TestWhatToDoAboutAnAddressIsSaid(t *testing.T) {
	for _, row := range []struct {
		address, want string
		err           error
	}{
		{":8080", "; end the program that listens there (ss -ltnp shows it), or write another port", syscall.EADDRINUSE},
		{"unix:/run/s", "; end the program that listens there, or write another path", syscall.EADDRINUSE},
		{":80", "; write a port above 1023, or give the gateway CAP_NET_BIND_SERVICE", syscall.EACCES},
		{"192.0.2.1:80", "; write an address of this machine, or only a port, as in :8080", syscall.EADDRNOTAVAIL},
		{"unix:/run/s", "", fs.ErrNotExist},
		{"systemd", "", errors.New("systemd passed no such socket")},
	} {
		if got := listenRemedy(row.address, fmt.Errorf("listen: %w", row.err)); got != row.want {
			t.Errorf("%s, %v: %q", row.address, row.err, got)
		}
	}
}

func TestASocketOwnerThatNobodyKnowsIsNamed(t *testing.T) {
	for owner, key := range map[string]string{"nobody-of-that-name:": "unknown user", ":no-such-group": "unknown group"} {
		_, err := listenUnix(t.Context(), filepath.Join(t.TempDir(), "s"), 0o600, owner)
		if err == nil || !strings.Contains(err.Error(), "server.socket_owner") {
			t.Errorf("%s (%s): %v", owner, key, err)
		}
	}
}

func TestSystemdIsAskedForSocketsThatItDidNotPass(t *testing.T) {
	cfg := withLines(t, "listen: systemd:web\n")
	if _, err := openListeners(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "listening on listen: systemd:web: systemd passed no such socket") {
		t.Errorf("%v", err)
	}
}

func TestSocketsOfSystemdGoToTheirNames(t *testing.T) {
	pass := func(names ...string) *passedSockets {
		p := &passedSockets{byName: map[string][]net.Listener{}, claimed: map[string]bool{}}
		for _, name := range names {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			if p.byName[name] == nil {
				p.names = append(p.names, name)
			}
			p.byName[name] = append(p.byName[name], l)
		}
		p.claim([]listening{{"admin.listen", "systemd:admin"}})
		return p
	}
	p := pass("web", "admin", "web", "more")
	if got, err := p.take("systemd"); len(got) != 3 || err != nil {
		t.Errorf("those that nobody names: %d, %v", len(got), err)
	}
	if got, err := p.take("systemd:admin"); len(got) != 1 || err != nil {
		t.Errorf("the one by its name: %d, %v", len(got), err)
	}
	if err := p.leftOver(); err != nil {
		t.Error(err)
	}
	if err := pass("web").leftOver(); err == nil || !strings.Contains(err.Error(), "web, which no address in the configuration asks for") {
		t.Errorf("one that nobody asks for: %v", err)
	}
}

func TestConnectionsAreBoundedAndCounted(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections: 1}\n", nil)
	address := d.address("listen")
	first := &http.Client{Transport: &http.Transport{}}
	if got := mustGet(t, first, "http://"+address); got.status != http.StatusOK {
		t.Fatalf("%+v", got)
	}
	if open, limit := d.connections(), d.metric(`cocart_gateway_client_connections_limit{listener="`+address+`"}`); open != "1" || limit != "1" {
		t.Errorf("%s connections of %s are open, want 1 of 1", open, limit)
	}
	d.stderr.await(t, "as many connections are open as limits.connections allows, so new ones wait")
	second := make(chan error, 1)
	go func() {
		_, err := get(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+address)
		second <- err
	}()
	select {
	case err := <-second:
		t.Fatalf("a second connection got an answer while the first was open: %v", err)
	case <-d.asked(): // a round trip to the admin listener: the second has had its chance
	}
	first.CloseIdleConnections()
	if err := <-second; err != nil {
		t.Errorf("the second, once the first was closed: %v", err)
	}
}

// connections is how many are open on the only public listener.
func (d *door) connections() string {
	d.t.Helper()
	return d.metric(`cocart_gateway_client_connections{listener="` + d.address("listen") + `"}`)
}

// A WebSocket holds a place for as long as it is open, so it is counted, and no limit is none.
func TestUpgradedConnectionsAreCounted(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nlimits: {connections: 0}\n", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/live/" {
			return // a probe
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(conn, conn) // until the client leaves
		conn.Close()
	})
	conn, err := net.Dial("tcp", d.address("listen"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /live/ HTTP/1.1\r\nHost: shop.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v, %v", resp, err)
	}
	if got := d.connections(); got != "1" {
		t.Errorf("%s connections are open, want that one", got)
	}
	conn.Close()
	tokenstest.Eventually(t, "no connection is open, since the client left", func() bool { return d.connections() == "0" })
	if got := d.metric(`cocart_gateway_client_connections_limit{listener="` + d.address("listen") + `"}`); got != "" {
		t.Errorf("the limit is %s", got)
	}
}

// asked is closed after a round trip to another listener of the same process.
func (d *door) asked() <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); d.metric("up") }()
	return done
}

// Only who the operator lets open it gets to a unix socket: what it says of the client is believed.
func TestAProxyOnAUnixSocketIsTrusted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	openDoor(t, "listen: \"unix:"+socket+"\"\n", nil)
	got := exchangeRaw(t, "unix", socket, strings.Replace(plainRequest, "\r\n\r\n", "\r\nX-Forwarded-Proto: https\r\n\r\n", 1))
	if got != "https 192.0.2.66 shop.example.com" {
		t.Errorf("got %q", got)
	}
}
