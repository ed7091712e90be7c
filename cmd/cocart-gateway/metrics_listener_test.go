package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
)

// scraper asks the listener for metrics as Prometheus does.
type scraper struct {
	*testing.T
	url    string
	client *http.Client
}

// get returns the status of a request, or 0 if the connection was not made, and the body.
func (s scraper) get(path, user, password string) (int, string) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// passwordOf returns the line of a user in a web configuration file.
func passwordOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return "basic_auth_users: {prometheus: \"" + string(hash) + "\"}\n"
}

// A scrape needs TLS and the password, and both can be replaced while the gateway runs.
func TestMetricsAreServedWithTLSAndAPassword(t *testing.T) {
	address := freeAddress(t)
	ca := certstest.NewAuthority(t)
	files := func(name string) string {
		ca.Issue(name, certstest.Host(name))
		return "tls_server_config: {cert_file: " + ca.Path(name+".crt") + ", key_file: " + ca.Path(name+".key") + "}\n"
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	webConfig := filepath.Join(t.TempDir(), "web.yaml")
	put := func(text string) { ca.Must(os.WriteFile(webConfig, []byte(text), 0o600)) }
	put(files("metrics.example.com") + passwordOf(t, "first"))
	r := start(t, settings{"metrics.listen": address, "metrics.web_config_file": webConfig})
	as := func(name string) scraper {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, DisableKeepAlives: true}
		return scraper{t, "https://" + address, &http.Client{Transport: transport}}
	}
	prometheus := as("metrics.example.com")
	if status, text := prometheus.get("/metrics", "prometheus", "first"); status != 200 || !strings.Contains(text, "cocart_gateway_build_info") {
		t.Errorf("with the password: %d %s", status, text)
	}
	for _, row := range [][2]string{{"", ""}, {"prometheus", "second"}, {"nobody", "first"}} {
		if status, text := prometheus.get("/metrics", row[0], row[1]); status != 401 || strings.Contains(text, "cocart_gateway") {
			t.Errorf("%q: %d %s", row, status, text)
		}
	}
	for _, path := range []string{"/sessions", "/servez", "/config", "/"} {
		if status, _ := prometheus.get(path, "prometheus", "first"); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	plain := scraper{t, "http://" + address, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if status, text := plain.get("/metrics", "prometheus", "first"); status == 200 {
		t.Errorf("without TLS: %s", text)
	}

	put(files("other.example.com") + passwordOf(t, "second"))
	if status, text := as("other.example.com").get("/metrics", "prometheus", "second"); status != 200 {
		t.Errorf("with the new password and certificate: %d %s", status, text)
	}
	if status, _ := as("other.example.com").get("/metrics", "prometheus", "first"); status != 401 {
		t.Errorf("the old password: %d", status)
	}
	put("basic_auth_users: [")
	if status, text := as("other.example.com").get("/metrics", "", ""); status == 200 {
		t.Errorf("a file with a mistake opens the listener: %s", text)
	}
	if exit := r.stop(); exit != exitOK {
		t.Errorf("exit %d\n%s", exit, r.logged())
	}
}

func TestMetricsListenerIsOffWithoutItsKeys(t *testing.T) {
	if cfg := withLines(t, ""); len(cfg.Metrics.Listen) != 0 || cfg.Metrics.WebConfig != "" {
		t.Errorf("%+v", cfg.Metrics)
	}
}
