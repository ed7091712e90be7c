package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the folder of what tests build; TestMain removes it.
var built string

// asGateway is set where a process is to be the gateway instead of its tests: so no second program is built.
const asGateway = "COCART_GATEWAY_TESTS_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(asGateway) != "" {
		main()
	}
	// Tests that run side by side wait for sockets and clocks, and hardly for a processor.
	flag.Parse()
	if width := flag.Lookup("test.parallel"); width.Value.String() == width.DefValue {
		if err := width.Value.Set("8"); err != nil {
			panic(err)
		}
	}
	var err error
	if built, err = os.MkdirTemp("", "cocart-gateway-tests"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// buildGateway builds the program as it ships, for measuring it.
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
	by      []string // the command that passes the socket on, and then becomes the gateway; none: no other
}

func newSystemd(t *testing.T, lines, origin string) *systemd {
	t.Helper()
	binary, err := os.Executable()
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
	cmd := exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, append(s.by, s.binary, "serve", "--config", s.config)...)...)
	cmd.Env = append(os.Environ(), asGateway+"=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=http", "NOTIFY_SOCKET="+s.notes.LocalAddr().String(), "WATCHDOG_USEC=60000000")
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
	for got := ""; !strings.Contains(got, want); {
		got = s.next(want)
	}
}

// next is what a gateway reports next, while want is waited for.
func (s *systemd) next(want string) string {
	s.t.Helper()
	if err := s.notes.SetReadDeadline(time.Now().Add(atMost)); err != nil {
		s.t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, err := s.notes.Read(buffer)
	if err != nil {
		s.t.Fatalf("%s was never reported: %v", want, err)
	}
	return string(buffer[:n])
}

func (s *systemd) signal(cmd *exec.Cmd, sig os.Signal) {
	s.t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *systemd) stop(cmd *exec.Cmd) {
	s.t.Helper()
	s.signal(cmd, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("the gateway ended with %v", err)
	}
}
