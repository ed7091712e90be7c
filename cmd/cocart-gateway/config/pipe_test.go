package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
)

// No file that a configuration names makes a check of it wait: a pipe without a writer is a mistake like a missing file.
func TestAPipeInPlaceOfAFileIsReported(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	authority := certstest.NewAuthority(t)
	authority.Issue("shop", certstest.Host("shop.example.com"))
	web := filepath.Join(dir, "web.yaml")
	if err := os.WriteFile(web, []byte("tls_server_config: {cert_file: "+authority.Path("shop.crt")+", key_file: pipe}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const basis = "upstream: {url: \"https://127.0.0.1:8000\", SECRET}\nsite: {url: \"https://shop.example.com\"}\n" +
		"tokens: {keys: [{id: main, algorithm: HS256, secret: \"${SIGNING}\"}]}\n"
	const shared = `secret: "${SHARED}"`
	for name, row := range map[string]struct{ secret, more, want string }{
		"a secret":              {"secret_file: " + pipe, "", "upstream.secret_file: names " + pipe + ", which is a pipe that no program writes to"},
		"a certificate":         {shared, "tls: {listen: \":8443\", certificates: [{certificate_file: " + pipe + ", key_file: " + authority.Path("shop.key") + "}]}", "certificate_file: names " + pipe + ", which is not a regular one"},
		"a key":                 {shared, "tls: {listen: \":8443\", certificates: [{certificate_file: " + authority.Path("shop.crt") + ", key_file: " + pipe + "}]}", "key_file: names " + pipe + ", which is not a regular one"},
		"an authority":          {shared + ", tls_ca_file: " + pipe, "", "upstream.tls_ca_file: names " + pipe + ", which is not a regular one"},
		"an authority of ACME":  {shared, "tls: {listen: \":8443\", acme: {enabled: true, ca_file: " + pipe + "}}", "tls.acme.ca_file: names " + pipe + ", which is not a regular one"},
		"protection of metrics": {shared, "metrics: {listen: \":9100\", web_config_file: " + pipe + "}", "metrics.web_config_file: names " + pipe + ", which is not a regular one"},
		"key of metrics":        {shared, "metrics: {listen: \":9100\", web_config_file: " + web + "}", "names " + pipe + " as key_file, which is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, []byte(strings.Replace(basis, "SECRET", row.secret, 1)+row.more), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(file, testEnv, checkTestKey); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got\n%v\nwant\n%s", err, row.want)
			}
		})
	}
}

// A shell's <(…) can be read once. Who follows the file must not take its end for a change.
func TestAConfigurationFromAPipeDoesNotChange(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	_, _ = w.WriteString("upstream: {url: \"http://127.0.0.1:8000\", secret: \"${SHARED}\"}\nsite: {url: \"https://shop.example.com\"}\n" +
		"tokens: {keys: [{id: main, algorithm: HS256, secret: \"${SIGNING}\"}]}\n")
	w.Close()
	s := NewSource(fmt.Sprintf("/dev/fd/%d", r.Fd()), testEnv, checkTestKey)
	if _, err := s.Load(); err != nil {
		t.Fatal(err)
	}
	if s.Current() != s.Loaded() {
		t.Error("the pipe counts as changed")
	}
	if _, err := s.Load(); err == nil || !strings.Contains(err.Error(), "is a pipe without contents; must have contents: a pipe can be read once, when the gateway starts") {
		t.Errorf("read again: %v", err)
	}
}
