package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// door is a gateway under test: the real program in this process, in front of an origin that tells what it was sent.
type door struct {
	t      *testing.T
	stderr *output
	end    func() (code int)
	admin  string
}

// openDoor runs the gateway with these lines of configuration, which must not hold upstream and site.
func openDoor(t *testing.T, lines string, origin http.HandlerFunc) *door {
	t.Helper()
	if origin == nil {
		origin = func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.Header.Get("X-Forwarded-Proto")+" "+r.Header.Get("X-Forwarded-For")+" "+r.Host)
		}
	}
	shop := httptest.NewServer(origin)
	t.Cleanup(shop.Close)
	text := `
upstream: {url: "` + shop.URL + `", secret: "a shared secret of these tests, 32 bytes"}
site: {url: "https://shop.example.com"}
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
` + lines
	if !strings.Contains(lines, "admin:") {
		text += "\nadmin: {listen: \"127.0.0.1:0\"}\n"
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, terminate := context.WithCancel(t.Context())
	d := &door{t: t, stderr: newOutput()}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve", "--config", path}, noEnv, newOutput(), d.stderr) }()
	code := -1
	d.end = func() int {
		if terminate(); code < 0 {
			code = <-ended
		}
		return code
	}
	t.Cleanup(func() { d.end() })
	d.stderr.await(t, "msg=serving")
	d.admin = d.address("admin")
	return d
}

// address is where the gateway says that it listens.
func (d *door) address(kind string) string {
	d.t.Helper()
	m := regexp.MustCompile(`msg=serving.* ` + kind + `=("[^"]*"|\S*)`).FindStringSubmatch(d.stderr.String())
	if m == nil {
		d.t.Fatalf("no %s in %s", kind, d.stderr)
	}
	return strings.Trim(m[1], `"`)
}

// metric is the line of /metrics that begins so, without its value; "" if there is none.
func (d *door) metric(begin string) string {
	d.t.Helper()
	resp, err := http.Get("http://" + d.admin + "/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, begin+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// dialling is a client that takes every host to be at address.
func dialling(network, address string, trust *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
			TLSClientConfig:   &tls.Config{RootCAs: trust},
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type received struct {
	status   int
	body     string
	proto    string
	location string
	close    bool
	serial   string // of the certificate
}

func get(t *testing.T, c *http.Client, url string) (received, error) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		return received{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := received{resp.StatusCode, string(body), resp.Proto, resp.Header.Get("Location"), resp.Close, ""}
	if resp.TLS != nil {
		a.serial = resp.TLS.PeerCertificates[0].SerialNumber.String()
	}
	return a, nil
}

func mustGet(t *testing.T, c *http.Client, url string) received {
	t.Helper()
	a, err := get(t, c, url)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// authorities trusts what is in a PEM file.
func authorities(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(bytes.TrimSpace(text)) {
		t.Fatalf("%s holds no certificate", path)
	}
	return p
}
