package chain

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"cocart-gateway/deploy/demo/child"
)

// tellsAll is a site of one page, which says how PHP was asked.
const tellsAll = `<?php header( 'Content-Type: application/json' ); echo json_encode( $_SERVER );`

// PHP runs php-fpm with a site as WordPress has it: all addresses lead to one
// file. It gives the folder of the site and the socket.
func PHP(t *testing.T) (site, socket string) {
	t.Helper()
	dir := t.TempDir()
	site, socket = filepath.Join(dir, "site"), filepath.Join(dir, "php.sock")
	for name, text := range map[string]string{"index.php": tellsAll, "style.css": "body {}", "wp-content/uploads/2026/evil.php": tellsAll} {
		file := filepath.Join(site, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // web servers of other accounts read it
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // see above
			t.Fatal(err)
		}
	}
	programs, err := filepath.Glob("/usr/sbin/php-fpm[0-9]*")
	if err != nil || len(programs) == 0 {
		t.Fatalf("no php-fpm (deploy/demo/install.sh packages): %v", err)
	}
	account := ""
	args := []string{programs[0], "--nodaemonize"}
	if os.Geteuid() == 0 { // whose folder no other user may enter
		account = "user = root\ngroup = root\n"
		args = append(args, "--allow-to-run-as-root")
	}
	config := Write(t, "php-fpm.conf", "[global]\nerror_log = /dev/stderr\n[shop]\nlisten = "+socket+"\nlisten.mode = 0666\npm = static\npm.max_children = 2\n"+account)
	Run(t, child.Program{Name: "php-fpm", Args: append(args, "--fpm-config", config)}, socket)
	return site, socket
}

// AskPHP goes through the gateway to a web server with the site of [PHP].
func AskPHP(t *testing.T, g Gateway) {
	t.Helper()
	server := map[string]any{}
	_, text := fetch(t, g, "/wp-json/wc/v3/products/caf%C3%A9?search=x%20y", http.Header{
		"Authorization": {"Basic YTpi"}, "Proxy": {"203.0.113.9"}, "X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"},
	})
	if err := json.Unmarshal([]byte(text), &server); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for name, want := range map[string]any{
		"REQUEST_URI": "/wp-json/wc/v3/products/caf%C3%A9?search=x%20y", "QUERY_STRING": "search=x%20y", "REQUEST_METHOD": "GET",
		"HTTP_HOST": "shop.example", "SCRIPT_NAME": "/index.php", "HTTP_AUTHORIZATION": "Basic YTpi", "HTTP_X_FORWARDED_PROTO": "https",
	} {
		if server[name] != want {
			t.Errorf("PHP sees %s = %v, want %v", name, server[name], want)
		}
	}
	if proxy, there := server["HTTP_PROXY"]; there && proxy != "" {
		t.Errorf("a client sets HTTP_PROXY: %v", proxy)
	}
	if signed, _ := server["HTTP_X_COCART_GATEWAY"].(string); len(signed) < 100 {
		t.Errorf("the signed identity did not arrive: %q", signed)
	}
	if status, _ := fetch(t, g, "/style.css", nil); status != http.StatusOK {
		t.Errorf("a file of the theme: %d", status)
	}
	if status, text := fetch(t, g, "/wp-content/uploads/2026/evil.php", nil); status != http.StatusForbidden {
		t.Errorf("an upload was run: %d %s", status, text)
	}
}

func fetch(t *testing.T, g Gateway, target string, header http.Header) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.Public+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host, request.Header = "shop.example", header
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, string(body)
}
