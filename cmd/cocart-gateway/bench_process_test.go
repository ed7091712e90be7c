package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkProcess reports what the whole program costs, for the sizing table: CPU time of its process for each request,
// kernel included, and its memory. Client and origin are another process.
func BenchmarkProcess(b *testing.B) {
	answer := strings.Repeat("x", 4000)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer) // a client that left needs no answer
	}))
	defer origin.Close()
	p := startProcess(b, origin.URL, "")
	tokens := make([]string, 100)
	for i := range tokens {
		tokens[i] = p.token(i + 1)
	}
	for _, row := range []struct {
		name, path string
		bearer     func(i int) string
	}{
		{"storefront", "/page", func(int) string { return "" }},
		{"guest", cart, func(int) string { return "" }},
		{"customer", cart, func(i int) string { return tokens[i%len(tokens)] }},
		{"refused token", cart, func(int) string { return "not.a.token" }},
	} {
		b.Run(row.name, func(b *testing.B) {
			before := p.cpu(b)
			p.load(b, row.path, row.bearer)
			b.ReportMetric(float64((p.cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/request")
			b.ReportMetric(p.resident(b), "MB")
		})
	}
}

type process struct {
	*exec.Cmd
	b             testing.TB
	public, admin string
}

// startProcess runs the gateway with further lines of configuration.
func startProcess(b testing.TB, origin, more string) *process {
	binary, err := buildGateway()
	if err != nil {
		b.Fatal(err)
	}
	p := &process{b: b, public: "http://" + freeAddress(b), admin: "http://" + freeAddress(b)}
	file := filepath.Join(b.TempDir(), "config.yaml")
	text := `{listen: "` + p.public[7:] + `", admin: {listen: "` + p.admin[7:] + `", token: "` + adminToken + `"},
upstream: {url: "` + origin + `", secret: "a shared secret of these tests, 32 bytes"}, site: {url: "https://shop.example"},
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}` + more + `}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	p.Cmd = exec.Command(binary, "serve", "--config", file)
	said := newOutput()
	p.Stderr = wordsOf{said}
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = p.Process.Signal(syscall.SIGTERM)
		if err := p.Wait(); err != nil {
			b.Errorf("the gateway ended with %v", err)
		}
	})
	said.await(b, "msg=serving")
	return p
}

func (p *process) token(user int) string {
	body := fmt.Sprintf(`{"user_id": %d, "login": "customer", "fingerprint": "0123456789abcdef0123456789abcdef"}`, user)
	req, err := http.NewRequest(http.MethodPost, p.admin+"/tokens", strings.NewReader(body))
	if err != nil {
		p.b.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + adminToken}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.b.Fatal(err)
	}
	defer resp.Body.Close()
	var pair struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&pair); err != nil || pair.Token == "" {
		p.b.Fatalf("no token: %d %v", resp.StatusCode, err)
	}
	return pair.Token
}

// load sends b.N requests from 16 clients.
func (p *process) load(b *testing.B, path string, bearer func(int) string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	numbers := make(chan int)
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for i := range numbers {
				if err := visit(b.Context(), client, p.public+path, bearer(i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		numbers <- i
	}
	close(numbers)
	clients.Wait()
}

func visit(ctx context.Context, client *http.Client, url, bearer string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// cpu is the time that the process had so far (proc(5), fields 14 and 15, in hundredths of a second).
func (p *process) cpu(b *testing.B) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatalf("/proc: %s", text)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

func (p *process) resident(b *testing.B) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / 1e6
}
