package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cocart-gateway/tokens/tokenstest"
)

// output is what a command says; it may still be saying it.
type output struct {
	sync.Mutex
	bytes.Buffer
	wrote chan struct{} // gets a word after each line
}

func newOutput() *output { return &output{wrote: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.Lock()
	defer o.Unlock()
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return o.Buffer.Write(p)
}

func (o *output) String() string {
	o.Lock()
	defer o.Unlock()
	return o.Buffer.String()
}

// atMost is how long a test waits for what must come. None that passes waits for its end.
const atMost = 2 * time.Minute

// await returns once the output holds the text.
func (o *output) await(t testing.TB, text string) {
	t.Helper()
	deadline := time.After(atMost)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.wrote:
		case <-deadline:
			t.Fatalf("%q was never said: %s", text, o)
		}
	}
}

func TestExitCodesAndWords(t *testing.T) {
	good := configFile(t, "127.0.0.1:0", "127.0.0.1:0", "http://127.0.0.1:1")
	for name, row := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string // what must occur
	}{
		"version":           {[]string{"version"}, 0, "cocart-gateway " + version, ""},
		"help":              {[]string{"help"}, 0, "serve", ""},
		"no command":        {nil, 0, "Run the gateway:", ""},
		"--help":            {[]string{"serve", "--help"}, 0, "COCART_GATEWAY_CONFIG, or else /etc/cocart-gateway/config.yaml", ""},
		"check, good":       {[]string{"config", "check", good}, 0, "site:", good + ": ok"},
		"check, missing":    {[]string{"config", "check", "/nonexistent.yaml"}, 1, "", "/nonexistent.yaml"},
		"check, quiet, bad": {[]string{"config", "check", "--quiet", "config/testdata/ten-mistakes.bad.yaml"}, 1, "", "config/testdata/ten-mistakes.bad.yaml:"},
		"serve, mistakes":   {[]string{"serve", "--config", "config/testdata/ten-mistakes.bad.yaml"}, 78, "", "config/testdata/ten-mistakes.bad.yaml:"},
		"check, no file":    {[]string{"config", "check"}, 1, "", "/etc/cocart-gateway/config.yaml: the file cannot be read"},
		"--version":         {[]string{"--version"}, 0, "cocart-gateway " + version, ""},
		"unknown command":   {[]string{"sevre"}, 2, "", `unknown command "sevre" for "cocart-gateway"; did you mean serve?`},
		"unknown flag":      {[]string{"serve", "--port", "1"}, 2, "", "unknown flag: --port"},
		"serve, no config":  {[]string{"serve"}, 78, "", "/etc/cocart-gateway/config.yaml: the file cannot be read"},
		"serve, missing":    {[]string{"serve", "--config", "/nonexistent.yaml"}, 78, "", "cocart-gateway: /nonexistent.yaml"},
		"argument too many": {[]string{"version", "now"}, 2, "", "hint: cocart-gateway help"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr := newOutput(), newOutput()
			code := run(t.Context(), row.args, noEnv, stdout, stderr)
			if code != row.code || !strings.Contains(stdout.String(), row.stdout) || !strings.Contains(stderr.String(), row.stderr) {
				t.Errorf("exit %d\nstdout: %s\nstderr: %s", code, stdout, stderr)
			}
		})
	}
}

// configFile writes a configuration that works without any other process.
func configFile(t *testing.T, listen, admin, upstream string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	text := `
listen: "` + listen + `"
admin: {listen: "` + admin + `"}
upstream: {url: "` + upstream + `", secret: "a shared secret of these tests, 32 bytes"}
site: {url: "http://127.0.0.1"}
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
server: {shutdown_timeout: 30s}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// freeAddress is for what is told a port.
var freeAddress = tokenstest.FreeAddress

func TestServeDrains(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-release
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer origin.Close()
	public, admin := freeAddress(t), freeAddress(t)
	ctx, terminate := context.WithCancel(t.Context())
	defer terminate()
	stderr, ended := newOutput(), make(chan int, 1)
	path := configFile(t, public, admin, origin.URL)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, "revocation: {max_staleness: 10m}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		ended <- run(ctx, []string{"serve", "--config", path}, noEnv, newOutput(), stderr)
	}()
	stderr.await(t, "msg=serving")
	if !strings.Contains(stderr.String(), "revocation.max_staleness: has no effect") {
		t.Errorf("the warning of the configuration is not logged: %s", stderr)
	}

	slow := make(chan int, 1)
	go func() { slow <- statusOf("http://" + public + "/slow") }()
	<-entered
	terminate() // as SIGTERM does
	stderr.await(t, "msg=draining")
	close(release)
	if got := <-slow; got != http.StatusNoContent {
		t.Errorf("the request in flight: %d", got)
	}
	if code := <-ended; code != exitOK || !strings.Contains(stderr.String(), "msg=stopped") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if got := statusOf("http://" + public + "/"); got != 0 {
		t.Errorf("it still answers: %d", got)
	}
}

func TestServeSaysWhichAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for key, path := range map[string]string{
		"listening on listen":       configFile(t, taken.Addr().String(), "127.0.0.1:0", "http://127.0.0.1:1"),
		"listening on admin.listen": configFile(t, "127.0.0.1:0", taken.Addr().String(), "http://127.0.0.1:1"),
	} {
		stderr := newOutput()
		code := run(t.Context(), []string{"serve", "--config", path}, noEnv, newOutput(), stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), key) || !strings.Contains(stderr.String(), "address already in use; end the program that listens there") {
			t.Errorf("exit %d: %s", code, stderr)
		}
	}
}

func statusOf(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// serveOn runs the gateway until the test ends, with more configuration, and
// returns its address.
func serveOn(t *testing.T, more string) string {
	t.Helper()
	public := freeAddress(t)
	path := configFile(t, public, freeAddress(t), "http://127.0.0.1:1")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "server: {shutdown_timeout: 30s}", more, 1))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, terminate := context.WithCancel(t.Context())
	stderr, ended := newOutput(), make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve", "--config", path}, noEnv, newOutput(), stderr) }()
	t.Cleanup(func() { terminate(); <-ended })
	stderr.await(t, "msg=serving")
	return public
}

func TestHeadersAreBounded(t *testing.T) {
	address := serveOn(t, "limits: {header: 4KiB}")
	for size, want := range map[int]int{1 << 10: http.StatusBadGateway, 64 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Long", strings.Repeat("a", size))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want { // 502: nothing answers at the upstream of this test
			t.Errorf("%d bytes: %d, want %d", size, resp.StatusCode, want)
		}
	}
}

func TestSlowHeadersAreHungUpOn(t *testing.T) {
	conn, err := net.Dial("tcp", serveOn(t, "server: {read_header_timeout: 50ms}"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: half a head") // a slow machine may be too late with it
	_, err = io.Copy(io.Discard, conn)                                 // returns when the other side has closed
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {             // it had, before this came
		t.Errorf("reading: %v", err)
	}
}
