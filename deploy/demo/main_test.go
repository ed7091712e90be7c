package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/tokens/tokenstest"
)

// fakeGateway makes this test binary a gateway that is ready, and ends when it is asked for /end.
const fakeGateway = "COCART_DEMO_FAKE_GATEWAY"

func TestMain(m *testing.M) {
	if os.Getenv(fakeGateway) != "" {
		pretendToBeTheGateway()
	}
	os.Exit(m.Run())
}

func pretendToBeTheGateway() {
	text, err := os.ReadFile(os.Args[len(os.Args)-1])
	if err != nil {
		panic(err)
	}
	admin := regexp.MustCompile(`admin:\n  listen: "(.*)"`).FindStringSubmatch(string(text))[1]
	var asked atomic.Int32
	http.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		plugin := "not seen"
		if asked.Add(1) > 2 {
			plugin = "1.0.0"
		}
		fmt.Fprintf(w, `{"ready":true,"redis":"ok","wordpress":"ok","plugin":%q}`, plugin)
	})
	http.HandleFunc("/end", func(http.ResponseWriter, *http.Request) {
		fmt.Println("my last words")
		os.Exit(3)
	})
	panic(http.ListenAndServe(admin, nil))
}

// session is a run of the demo, seen from its terminal.
type session struct {
	lines  *bufio.Scanner
	output strings.Builder
	stderr bytes.Buffer
	ctrlC  context.CancelFunc
	ended  chan int
	port   string
	admin  string
}

// begin runs the demo on free ports.
func begin(t *testing.T, dir, gateway string, environment map[string]string) *session {
	t.Helper()
	s := &session{ended: make(chan int, 1), port: freePort(t), admin: freePort(t)}
	ctx, cancel := context.WithCancel(context.Background())
	s.ctrlC = cancel
	reader, writer := io.Pipe()
	s.lines = bufio.NewScanner(reader)
	getenv := func(name string) string {
		return map[string]string{"PORT": s.port, "ADMIN_PORT": s.admin, "UPSTREAM": environment["UPSTREAM"], "APP": environment["APP"]}[name]
	}
	args := []string{"-dir", dir, "-gateway", gateway, "-plugin", "../wordpress/cocart-gateway.php"}
	go func() {
		s.ended <- run(ctx, args, getenv, writer, &s.stderr)
		writer.Close()
	}()
	t.Cleanup(func() { s.end() })
	return s
}

// read collects output up to a line that says this, or to the end.
func (s *session) read(until string) string {
	for s.lines.Scan() {
		s.output.WriteString(s.lines.Text() + "\n")
		if strings.Contains(s.lines.Text(), until) {
			break
		}
	}
	return s.output.String()
}

// end presses Ctrl-C and returns the exit code.
func (s *session) end() int {
	s.ctrlC()
	return s.wait()
}

func (s *session) wait() int {
	s.read("\x00 no line has this")
	code := <-s.ended
	s.ended <- code
	return code
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(tokenstest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// The quick start, as a newcomer does it: what was printed is pasted into a shell.
func TestTheThreePrintedCommandsWork(t *testing.T) {
	gateway := filepath.Join(t.TempDir(), "cocart-gateway")
	if output, err := exec.Command("go", "build", "-o", gateway, "../../cmd/cocart-gateway").CombinedOutput(); err != nil {
		t.Fatalf("building the gateway: %v\n%s", err, output)
	}
	const app = "http://127.0.0.1:5173"
	s := begin(t, shop.DefaultDir("demo-test"), gateway, map[string]string{"APP": app + "/"})
	text := s.read("Ctrl-C ends everything.")
	commands := regexp.MustCompile(`(?m)^(LOGIN=|curl ).*$`).FindAllString(text, -1)
	if len(commands) != 3 {
		t.Fatalf("printed:\n%s\n%s", text, s.stderr.String())
	}
	if page := regexp.MustCompile(`(?m)^Example +(\S+)`).FindStringSubmatch(text); page == nil || !strings.Contains(get(t, page[1]), "A shop app without tokens") || !strings.Contains(get(t, page[1]+"app.js"), "CoCart-Session") {
		t.Errorf("the example page is not served: %q", page)
	}
	seeFrontPage(t, "http://127.0.0.1:"+s.port+"/")
	openConsole(t, text)
	if origin, credentials := preflight(t, s.port, app); origin != app || credentials != "true" {
		t.Errorf("a page of %s may send requests as %q, with cookies %q", app, origin, credentials)
	}
	pasted, err := exec.Command("sh", "-c", strings.Join(commands, "\n")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, pasted)
	}
	answers := strings.Split(strings.TrimSpace(string(pasted)), "\n")
	wants := []string{`^{"user_id":"2",.*"jwt_token":"ey.*"jwt_refresh":"[0-9a-f]{128}"`, `^{"cart_hash":.*"cart_key":"2"`, `^{"token":"ey.*","refresh_token":"[0-9a-f]{128}","token_type":"Bearer","expires_in":\d+}$`}
	for i, want := range wants {
		if len(answers) != 3 || !regexp.MustCompile(want).MatchString(answers[i]) {
			t.Fatalf("the commands print\n%s\nwant line %d to match %s", pasted, i+1, want)
		}
	}
	if code := s.end(); code != 0 {
		t.Errorf("after Ctrl-C: exit %d, %s", code, s.stderr.String())
	}
	for _, port := range []string{s.port, s.admin} {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			t.Errorf("port %s still answers after Ctrl-C", port)
		}
	}
}

// seeFrontPage opens the front page in a browser.
func seeFrontPage(t *testing.T, address string) {
	t.Helper()
	const chromium = "/usr/bin/chromium"
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("%s is missing: run deploy/demo/install.sh browser", chromium)
	}
	page, err := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+t.TempDir(), "--dump-dom", address).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<span>Plain Mug</span><b>$9.50</b>", "<span>Wooden Spoon</span><b>$6.75</b>", `href="` + address + `browserapp/"`,
		`href="` + address + `wp-json/cocart/v2/products"`, `name="log"`, `value="alice"`, `type="password"`, "wonderland-1"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the front page lacks %s:\n%s", want, page)
		}
	}
}

// openConsole reads the status of the gateway with what was printed.
func openConsole(t *testing.T, printed string) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^Console +(\S+) +\(its token is in (\S+)\)`).FindStringSubmatch(printed)
	if line == nil {
		t.Fatalf("no console in:\n%s", printed)
	}
	if info, err := os.Stat(line[2]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v, want it to be for us alone", line[2], info, err)
	}
	token, err := os.ReadFile(line[2])
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, line[1]+"status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !strings.Contains(get(t, line[1]), "<!doctype html>") {
		t.Errorf("the API of the console answers %s", answer.Status)
	}
}

// preflight asks as a browser does before a login by a page of another origin.
func preflight(t *testing.T, port, origin string) (allowed, credentials string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://127.0.0.1:"+port+"/wp-json/cocart/v2/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"cocart-session,content-type"}}
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	return got.Header.Get("Access-Control-Allow-Origin"), got.Header.Get("Access-Control-Allow-Credentials")
}

func TestAnExistingShopIsReadyOnceItsPluginAnswers(t *testing.T) {
	existing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("rest_route") == "/" {
			io.WriteString(w, `{"home":"https://shop.example/store"}`)
		}
	}))
	defer existing.Close()
	t.Setenv(fakeGateway, "yes")
	dir := t.TempDir()
	s := begin(t, dir, os.Args[0], map[string]string{"UPSTREAM": existing.URL + "/"})
	text := s.read("Ctrl-C ends everything.")
	kept, err := loadSecrets(filepath.Join(dir, "gateway"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"define( 'COCART_GATEWAY_SECRET', '" + kept.Upstream + "' );\n",
		"\n// define( 'COCART_GATEWAY_REQUIRED', true );\n",
		"not ready: waiting for the plugin and the secret in " + existing.URL + ", as written above; logins fail without them\n\nThe gateway is ready.",
		"Copy deploy/wordpress/cocart-gateway.php\n   to   wp-content/mu-plugins/cocart-gateway.php\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("printed:\n%s\nwant in it:\n%s", text, want)
		}
	}
	configuration, err := os.ReadFile(filepath.Join(dir, "gateway", "gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("upstream:\n  url: %q\n  secret: %q\nsite:\n  url: \"https://shop.example/store\"\n", existing.URL, kept.Upstream)
	if !strings.Contains(string(configuration), want) {
		t.Errorf("configuration:\n%s\nwant in it:\n%s", configuration, want)
	}
}

func TestWhatAnExistingShopLacksIsNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{"wordpress":"ok","plugin":"1.3.0"}`:             "",
		`{"wordpress":"ok","plugin":"not seen"}`:          "not ready: waiting for the plugin",
		`{"wordpress":"unavailable","plugin":"not seen"}`: "not ready: WordPress does not answer at http://shop",
		`connection refused`:                              "not ready: connection refused",
	} {
		if got := missingOf(body, "http://shop"); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// A wrong UPSTREAM is most often another program or a port where nothing listens.
func TestAnUpstreamThatIsNoShopIsNamed(t *testing.T) {
	t.Setenv(fakeGateway, "yes")
	web := httptest.NewServer(http.RedirectHandler("https://elsewhere.invalid/", http.StatusMovedPermanently))
	defer web.Close()
	s := begin(t, t.TempDir(), os.Args[0], map[string]string{"UPSTREAM": web.URL})
	if text := s.read("Ctrl-C ends everything."); !strings.Contains(text, web.URL+"/index.php?rest_route=/ is not the index of a WordPress") {
		t.Errorf("printed:\n%s", text)
	}
	address := tokenstest.FreeAddress(t)
	s = begin(t, t.TempDir(), os.Args[0], map[string]string{"UPSTREAM": "http://" + address})
	if text := s.read("not ready"); !strings.Contains(text, "start the web server of the shop, or correct UPSTREAM") {
		t.Errorf("printed:\n%s", text)
	}
	late, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	shop := httptest.NewUnstartedServer(http.NotFoundHandler())
	shop.Listener = late
	shop.Start()
	defer shop.Close()
	if text := s.read("Ctrl-C ends everything."); !strings.Contains(text, "The gateway is ready.") {
		t.Errorf("printed:\n%s", text)
	}
}

func TestAGatewayThatEndsIsNamed(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	dead := filepath.Join(t.TempDir(), "dead-gateway")
	if err := os.WriteFile(dead, []byte("#!/bin/sh\necho no luck today\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := begin(t, t.TempDir(), dead, map[string]string{"UPSTREAM": web.URL})
	if code := s.wait(); code != 1 || !strings.Contains(s.stderr.String(), "the gateway ended (exit status 3)") || !strings.Contains(s.stderr.String(), "no luck today") {
		t.Errorf("at the start: exit %d: %s", code, s.stderr.String())
	}
	t.Setenv(fakeGateway, "yes")
	s = begin(t, t.TempDir(), os.Args[0], map[string]string{"UPSTREAM": web.URL})
	s.read("Ctrl-C ends everything.")
	if response, err := http.Get("http://127.0.0.1:" + s.admin + "/end"); err == nil {
		response.Body.Close()
	}
	if code := s.wait(); code != 1 || !strings.Contains(s.stderr.String(), "the gateway ended (exit status 3)") || !strings.Contains(s.stderr.String(), "my last words") {
		t.Errorf("later: exit %d: %s", code, s.stderr.String())
	}
}

func TestTheDemoSaysWhatIsInTheWay(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	rows := []struct {
		name        string
		args        []string
		environment map[string]string
		code        int
		want        string
	}{
		{"the port is in use", nil, map[string]string{"PORT": fmt.Sprint(port)}, 1, fmt.Sprintf("port %d is in use: choose another with make run PORT=%d\n", port, port+1)},
		{"the admin port is in use", nil, map[string]string{"ADMIN_PORT": fmt.Sprint(port)}, 1, fmt.Sprintf("port %d is in use: choose another with make run ADMIN_PORT=%d\n", port, port+1)},
		{"no gateway was built", []string{"-gateway", "/nowhere/gateway"}, nil, 1, "there is no gateway at /nowhere/gateway: build it with"},
		{"the port is a word", nil, map[string]string{"PORT": "http"}, 2, "PORT=http: write a port number, 1 to 65535"},
		{"the port is too high", nil, map[string]string{"ADMIN_PORT": "70000"}, 2, "ADMIN_PORT=70000: write a port number"},
		{"the shop has no scheme", nil, map[string]string{"UPSTREAM": "127.0.0.1:8000"}, 2, "UPSTREAM=127.0.0.1:8000: write a whole URL"},
		{"the app has no scheme", nil, map[string]string{"APP": "127.0.0.1:5173"}, 2, "APP=127.0.0.1:5173: write scheme, host and port"},
		{"the app has a path", nil, map[string]string{"APP": "http://127.0.0.1:5173/shop"}, 2, "APP=http://127.0.0.1:5173/shop: write scheme, host and port"},
		{"the app is on another site", nil, map[string]string{"APP": "http://localhost:5173"}, 2, "open your app as http://127.0.0.1:5173"},
		{"an unknown flag", []string{"-verbose"}, nil, 2, "flag provided but not defined: -verbose"},
		{"an argument", []string{"now"}, nil, 2, `"now" is not understood`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{"-dir", t.TempDir()}, row.args...)
			code := run(t.Context(), args, func(name string) string { return row.environment[name] }, &stdout, &stderr)
			if code != row.code || !strings.Contains(stderr.String(), row.want) {
				t.Errorf("exit %d: %s\nwant %d: %s", code, stderr.String(), row.code, row.want)
			}
		})
	}
}

func TestSecretsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gateway")
	made, err := loadSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := loadSecrets(dir); err != nil || kept != made || len(made.Upstream) != 64 || made.Upstream == made.Signing {
		t.Errorf("secrets %v, then %v, %v", made, kept, err)
	}
	file := filepath.Join(dir, "secrets.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v, want it to be for us alone", file, info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSecrets(dir); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("broken secrets: %v", err)
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
