package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config"
)

func TestAStaleUnixSocketIsReplacedAndOneInUseIsNot(t *testing.T) {
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
	for path, want := range map[string]string{dead: "", living: "another process listens there", file: "is not a socket"} {
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

func TestAnErrorOfAnAddressNamesTheRemedy(t *testing.T) {
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
		if got := remedy(row.address, fmt.Errorf("listen: %w", row.err)); got != row.want {
			t.Errorf("%s, %v: %q", row.address, row.err, got)
		}
	}
}

func TestAnUnknownSocketOwnerIsNamed(t *testing.T) {
	for owner, key := range map[string]string{"nobody-of-that-name:": "unknown user", ":no-such-group": "unknown group"} {
		_, err := listenUnix(t.Context(), filepath.Join(t.TempDir(), "s"), 0o600, owner)
		if err == nil || !strings.Contains(err.Error(), "server.socket_owner") {
			t.Errorf("%s (%s): %v", owner, key, err)
		}
	}
}

func TestASocketThatSystemdDidNotPassIsAnError(t *testing.T) {
	cfg := &config.Config{Listen: []string{"systemd:web"}}
	if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "listening on listen: systemd:web: systemd passed no such socket") {
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
		p.claim([]config.Listener{{Key: "admin.listen", Address: "systemd:admin"}})
		return p
	}
	p := pass("web", "admin", "web", "more")
	if got, err := p.take("systemd"); len(got) != 3 || err != nil {
		t.Errorf("those that no address names: %d, %v", len(got), err)
	}
	if got, err := p.take("systemd:admin"); len(got) != 1 || err != nil {
		t.Errorf("the one by its name: %d, %v", len(got), err)
	}
	if err := p.leftOver(); err != nil {
		t.Error(err)
	}
	if err := pass("web").leftOver(); err == nil || !strings.Contains(err.Error(), "web, which no address in the configuration asks for") {
		t.Errorf("one that no address asks for: %v", err)
	}
}
