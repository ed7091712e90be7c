package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"cocart-gateway/tokens/tokenstest"
)

// stoppable is a stderr whose reader stops reading while stopped is held.
type stoppable struct {
	*output
	stopped sync.Mutex
}

func (s *stoppable) Write(p []byte) (int, error) {
	s.stopped.Lock()
	defer s.stopped.Unlock()
	return s.output.Write(p)
}

func TestALogReaderThatStopsKeepsNoRequestAndNoSIGTERMWaiting(t *testing.T) {
	stderr := &stoppable{output: newOutput()}
	r := startLogging(t, filepath.Join(t.TempDir(), "config.yaml"), stderr, stderr.output, nil)
	r.logged()
	stderr.stopped.Lock()
	for range 20 {
		if got := r.do("GET", cart, ""); got.status != http.StatusOK {
			t.Fatalf("a request got %d", got.status)
		}
	}
	if got := r.metric("cocart_gateway_log_queue_bytes"); got == "0" || got == "absent" {
		t.Errorf("%s bytes wait", got)
	}
	if code := r.stop(); code != exitOK { // waits for two seconds, as long as the reader has to come back
		t.Errorf("exit code %d", code)
	}
	stderr.stopped.Unlock()
	tokenstest.Eventually(t, "what waited is written when the reader is back", func() bool {
		return r.said.times("msg=request") == 20
	})
}

// A log shipper that is restarted closes the pipe. SIGPIPE must not end the gateway, whatever it writes there.
func TestAClosedStderrEndsNothing(t *testing.T) {
	s := newSystemd(t, "listen: 127.0.0.1:0\nlog: {level: debug}\n", "http://127.0.0.1:1")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(s.binary, "serve", "--config", s.config)
	cmd.Env, cmd.Stderr = append(os.Environ(), asGateway+"=1"), write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var address string
	lines := bufio.NewScanner(read)
	for address == "" && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "msg=serving"); ok {
			address = strings.Fields(rest[strings.Index(rest, "listen=")+len("listen="):])[0]
		}
	}
	read.Close()
	for range 3 {
		if resp, err := http.Get("http://" + address + cart); err != nil {
			t.Fatal(err)
		} else {
			resp.Body.Close()
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}
