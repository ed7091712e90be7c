package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// rig is a running gateway with its configuration file and a shop behind it.
type rig struct {
	*testing.T
	path, public, admin string
	settings            settings
	wordpress           *upstreamtest.WordPress
	said                *output
	stop                func() (exit int)
	kept                struct{ access, refresh string } // tokens of before a reload
}

// settings are values, as YAML, of keys such as "limits.body".
type settings map[string]string

const (
	adminToken = "an admin token of these tests, 32 bytes"
	firstKey   = `{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}`
	secondKey  = `{id: k2, algorithm: HS256, secret: "another signing key of these tests, 32 bytes"}`
)

// start runs a gateway that reads its configuration again when it is told to, unless more says otherwise.
func start(t *testing.T, more settings) *rig {
	t.Helper()
	return startAt(t, filepath.Join(t.TempDir(), "config.yaml"), more)
}

func startAt(t *testing.T, path string, more settings) *rig {
	t.Helper()
	said := newOutput()
	return startLogging(t, path, said, said, more)
}

// startLogging runs a gateway whose stderr passes what it is given on to said.
func startLogging(t *testing.T, path string, stderr io.Writer, said *output, more settings) *rig {
	t.Helper()
	r := &rig{T: t, path: path, public: freeAddress(t), admin: freeAddress(t),
		wordpress: upstreamtest.Start(t), said: said}
	r.wordpress.Answer = r.judge
	r.settings = settings{"listen": r.public, "admin.listen": r.admin, "admin.token": adminToken, "upstream.url": r.wordpress.URL,
		"upstream.secret": upstreamtest.Secret, "site.url": upstreamtest.SiteURL, "tokens.keys": "[" + firstKey + "]",
		"trusted_proxies": "[127.0.0.0/8]", "reload": "signal"}
	r.write(more)
	ctx, terminate := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	often := func(time.Duration) <-chan time.Time { return time.Tick(20 * time.Millisecond) }
	go func() {
		ended <- terminal{env: noEnv, out: newOutput(), err: stderr, now: now, every: often}.run(ctx, []string{"serve", "--config", r.path})
	}()
	stopped, exit := false, 0
	r.stop = func() int {
		if !stopped {
			terminate()
			stopped, exit = true, <-ended
		}
		return exit
	}
	t.Cleanup(func() { r.stop() })
	r.said.await(t, "serving")
	return r
}

// logged is the log, once every line of it is written.
func (r *rig) logged() string {
	r.Helper()
	tokenstest.Eventually(r.T, "no line of the log waits", func() bool { return r.metric("cocart_gateway_log_queue_bytes") == "0" })
	return r.said.String()
}

// awaitReady returns once /readyz says so, or ends the test. A bad answer from before the revocations were read is kept
// for a moment.
func (r *rig) awaitReady() {
	r.Helper()
	deadline := time.Now().Add(atMost)
	for got := r.administer("GET", "/readyz"); got.status != 200; got = r.administer("GET", "/readyz") {
		if time.Now().After(deadline) {
			r.Fatalf("never ready: %d %s", got.status, got.body)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// write changes settings and writes the file; an empty text removes a key.
func (r *rig) write(changes settings) {
	r.Helper()
	maps.Copy(r.settings, changes)
	r.put(r.settings.yaml(r.T))
}

func (r *rig) put(text []byte) {
	r.Helper()
	if err := os.WriteFile(r.path, text, 0o600); err != nil {
		r.Fatal(err)
	}
}

func (s settings) yaml(t *testing.T) []byte {
	t.Helper()
	tree := map[string]any{}
	for key, text := range s {
		if text == "" {
			continue
		}
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		block, words := tree, strings.Split(key, ".")
		for _, word := range words[:len(words)-1] {
			if block[word] == nil {
				block[word] = map[string]any{}
			}
			block = block[word].(map[string]any)
		}
		block[words[len(words)-1]] = v
	}
	out, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// judge is WordPress's word about passwords: wrong ones are Alice's, and she has a second factor if one is sent.
func (r *rig) judge(w http.ResponseWriter, req *http.Request, s upstreamtest.Seen) bool {
	var result string
	switch {
	case strings.Contains(s.Body, "2fa_code"):
		result = "code_refused"
	case strings.Contains(s.Body, `"wrong"`), strings.Contains(s.Target, "wp-login"):
		result = "refused"
	default:
		return false
	}
	w.Header().Set("X-CoCart-Gateway-Attempt", r.wordpress.Sign("cocart-attempt+jwt", req.Header.Get("X-CoCart-Gateway"),
		map[string]any{"sub": "2", "result": result}))
	upstreamtest.JSON(w, 401, `{"code":"cocart_authentication_error","message":"Said by WordPress.","data":{"status":401}}`)
	return true
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request to the public listener; headers are "Name: value". A body is JSON.
func (r *rig) do(method, target, body string, headers ...string) answer {
	r.Helper()
	return r.send("http://"+r.public, method, target, body, headers...)
}

// administer sends a request to the admin listener with its token.
func (r *rig) administer(method, target string) answer {
	r.Helper()
	return r.send("http://"+r.admin, method, target, "", "Authorization: Bearer "+adminToken)
}

func (r *rig) send(base, method, target, body string, headers ...string) answer {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, base+target, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	if base == "http://"+r.public {
		req.Host = "shop.example"
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("X-Forwarded-Proto", "https")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Error(err)
		return answer{}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Error(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// login is Alice's.
func (r *rig) login() (access, refresh string) {
	r.Helper()
	a := r.do("POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
	var said struct {
		Extras struct{ Access, Refresh string }
	}
	text := strings.NewReplacer("jwt_token", "access", "jwt_refresh", "refresh").Replace(a.body)
	if err := json.Unmarshal([]byte(text), &said); err != nil || said.Extras.Access == "" {
		r.Fatalf("login: %d %s", a.status, a.body)
	}
	return said.Extras.Access, said.Extras.Refresh
}

func (r *rig) refresh(token string) answer {
	r.Helper()
	return r.do("POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+token+`"}`)
}

// reload has the file read again and fails the test unless that works.
func (r *rig) reload() answer {
	r.Helper()
	a := r.administer("POST", "/reload")
	if a.status != http.StatusOK {
		r.Fatalf("reload: %d %s", a.status, a.body)
	}
	return a
}

// hangUp sends SIGHUP to this process, which every running gateway in it hears.
func (r *rig) hangUp() {
	r.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		r.Fatal(err)
	}
}

// times is how often something was said.
func (o *output) times(text string) int { return strings.Count(o.String(), text) }

// metric is the value of a metric without labels.
func (r *rig) metric(name string) string {
	r.Helper()
	for line := range strings.Lines(r.administer("GET", "/metrics").body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "absent"
}
