package systemd_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cocart-gateway/deploy/chain"
)

// No systemd runs where the tests do, so nothing else would notice a system
// call that the gateway needs and the unit forbids. One that Go only tries, and
// does without, would be listed here; there is none.
func TestTheGatewayNeedsNoForbiddenSystemCall(t *testing.T) {
	allowed := allowedCalls(t)
	used := usedCalls(t)
	if len(used) < 20 || !slices.Contains(used, "accept4") {
		t.Fatalf("the gateway was not watched: %v", used)
	}
	for _, call := range used {
		if !allowed[call] {
			t.Errorf("the gateway uses %s, which the unit forbids", call)
		}
	}
}

// allowedCalls works out SystemCallFilter= of the unit.
func allowedCalls(t *testing.T) map[string]bool {
	t.Helper()
	unit, err := os.ReadFile("cocart-gateway.service")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	filters := regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.*)$`).FindAllStringSubmatch(string(unit), -1)
	if len(filters) == 0 {
		t.Fatal("the unit filters nothing")
	}
	for _, filter := range append([][]string{{"", "", "@default"}}, filters...) {
		for _, set := range strings.Fields(filter[2]) {
			for _, call := range callsIn(t, set) {
				allowed[call] = filter[1] == ""
			}
		}
	}
	return allowed
}

func callsIn(t *testing.T, set string) (calls []string) {
	t.Helper()
	text, err := exec.Command("systemd-analyze", "--no-pager", "syscall-filter", set).Output()
	if err != nil {
		t.Fatalf("systemd-analyze syscall-filter %s: %v", set, err)
	}
	for _, line := range strings.Split(string(text), "\n")[1:] {
		switch word := strings.TrimSpace(line); {
		case strings.HasPrefix(word, "@"):
			calls = append(calls, callsIn(t, word)...)
		case word != "" && !strings.HasPrefix(word, "#"):
			calls = append(calls, word)
		}
	}
	return calls
}

// usedCalls runs the gateway from its start to its end and has it serve a few
// requests meanwhile.
func usedCalls(t *testing.T) []string {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	shop := httptest.NewServer(http.NotFoundHandler())
	defer shop.Close()
	g := chain.Gateway{Public: chain.FreeAddress(t), Admin: chain.FreeAddress(t)}
	config := chain.Write(t, "config.yaml", g.Configuration(shop.URL))
	watched(t, trace, []string{chain.Build(t), "serve", "--config", config}, func() {
		for _, url := range []string{"http://" + g.Admin + "/metrics", "http://" + g.Admin + "/readyz", "http://" + g.Public + "/shop", "http://" + g.Public + "/wp-json/cocart/v2/cart"} {
			if err := get(t.Context(), url); err != nil {
				t.Error(err)
				return
			}
		}
	})
	return callsOf(t, trace)
}

// watched starts a program under strace, does what is to be done once the first
// request is answered, and ends it with SIGTERM.
func watched(t *testing.T, trace string, program []string, do func()) {
	t.Helper()
	cmd := exec.Command("strace", append([]string{"--follow-forks", "--quiet=all", "--signal=none", "--output=" + trace, "--"}, program...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("strace (deploy/demo/install.sh packages): %v", err)
	}
	do()
	// strace passes nothing on that was meant for itself: the whole group is told.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // strace ends as it was told to
	if t.Failed() {
		t.Fatalf("the gateway under strace said:\n%s", said.String())
	}
}

func callsOf(t *testing.T, trace string) []string {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, m := range regexp.MustCompile(`(?m)^\d+ +([a-z0-9_]+)\(`).FindAllStringSubmatch(string(text), -1) {
		calls = append(calls, m[1])
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// get asks until somebody answers.
func get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	for {
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			return answer.Body.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
