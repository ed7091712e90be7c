package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/cmd/cocart-gateway/config"
)

// set is a set of certificates whose files the test changes.
func set(t *testing.T, i *certstest.Authority, log io.Writer) (*Set, *config.Config, *prometheus.Registry) {
	t.Helper()
	cfg := config.Default()
	cfg.TLS.Listen = []string{":443"}
	cfg.TLS.Certificates = []config.Certificate{{CertificateFile: i.Path("shop.crt"), KeyFile: i.Path("shop.key")}}
	reg := prometheus.NewRegistry()
	c, err := Open(cfg, reg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c, cfg, reg
}

// logged has what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// clientOf returns a client that trusts the authority and connects to one address.
func clientOf(address string, i *certstest.Authority) *http.Client {
	trust := x509.NewCertPool()
	trust.AddCert(i.Certificate())
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		TLSClientConfig: &tls.Config{RootCAs: trust},
	}}
}

func TestNewCertificateFilesAreUsedWithoutDroppingConnections(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com", "old.example.com"))
	said := &logged{}
	c, _, reg := set(t, i, said)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}), TLSConfig: c.TLSConfig("1.2")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.ServeTLS(l, "", "")
	defer server.Close()
	tick := make(chan time.Time)
	ctx, end := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() { defer close(followed); c.Watch(ctx, tick) }()
	defer func() { end(); <-followed }()

	shown := func(client *http.Client) string {
		resp, err := client.Get("https://shop.example.com/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return strings.Join(resp.TLS.PeerCertificates[0].DNSNames, " ")
	}
	fresh := func() *http.Client { return clientOf(l.Addr().String(), i) }
	open := fresh()
	before := shown(open)
	step := func() { // the files are loaded at the second look; the third is taken once that is done
		for range 3 {
			tick <- time.Time{}
		}
	}

	if err := os.WriteFile(i.Path("shop.crt"), []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	step()
	if got := shown(fresh()); got != before {
		t.Errorf("with a broken file: %s", got)
	}
	if got := gauge(t, reg, "cocart_gateway_tls_certificate_files_good"); got != 0 {
		t.Errorf("files_good is %v with a broken file", got)
	}
	if n := strings.Count(said.String(), "stay in use"); n != 1 {
		t.Errorf("a bad file was logged %d times: %s", n, said)
	}
	i.Issue("shop", certstest.Host("shop.example.com", "new.example.com"))
	step()
	if got := shown(fresh()); got != "shop.example.com new.example.com" {
		t.Errorf("with new files: %s", got)
	}
	if got := shown(open); got != before {
		t.Errorf("the connection from before was dropped: %s", got)
	}
	if got := gauge(t, reg, "cocart_gateway_tls_certificate_files_good"); got != 1 {
		t.Errorf("files_good is %v with good files", got)
	}
}

// The first certificate of the file is complete, and the intermediate ones are cut off.
func TestAFileThatLacksTheEndOfItsChainIsNotUsed(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	c, _, reg := set(t, i, io.Discard)
	leaf, err := os.ReadFile(i.Path("shop.crt"))
	if err != nil {
		t.Fatal(err)
	}
	above, err := os.ReadFile(i.Path("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no certificate")})
	for name, row := range map[string]struct {
		behind []byte
		good   bool
	}{
		"a whole chain":            {above, true},
		"cut off":                  {above[:len(above)/2], false},
		"without the last line":    {above[:len(above)-30], false},
		"no certificate":           {damaged, false},
		"words and another whole":  {append([]byte("the authority\n"), above...), true},
		"the one certificate only": {nil, true},
	} {
		if err := os.WriteFile(i.Path("shop.crt"), append(slices.Clone(leaf), row.behind...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.Reload(); (err == nil) != row.good {
			t.Errorf("%s: %v", name, err)
		}
		if got := gauge(t, reg, "cocart_gateway_tls_certificate_files_good"); got != map[bool]float64{true: 1}[row.good] {
			t.Errorf("%s: files_good is %v", name, got)
		}
	}
}

func TestOtherFilesAreUsedOrNot(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	i.Issue("next", certstest.Host("next.example.com"))
	c, _, _ := set(t, i, io.Discard)
	change := func(certificate, key string) error {
		next := config.Default()
		next.TLS.Certificates = []config.Certificate{{CertificateFile: i.Path(certificate), KeyFile: i.Path(key)}}
		use, err := c.Reconfigure(next)
		if err == nil {
			use()
		}
		return err
	}
	if err := change("next.crt", "shop.key"); err == nil {
		t.Error("a certificate with another one's key was taken")
	}
	if got := c.all(); len(got) != 1 || got[0].DNSNames[0] != "shop.example.com" {
		t.Errorf("after a bad change: %v", got)
	}
	if err := change("next.crt", "next.key"); err != nil {
		t.Error(err)
	}
	if got := c.all(); len(got) != 1 || got[0].DNSNames[0] != "next.example.com" {
		t.Errorf("after a good change: %v", got)
	}
}

// A pipe in place of a file would stop the goroutine that watches the files, and a reload of the configuration with it.
func TestAPipeInPlaceOfACertificateIsNotUsed(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example"))
	c, cfg, _ := set(t, i, io.Discard)
	for _, file := range []string{"shop.key", "shop.crt"} {
		if err := os.Remove(i.Path(file)); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(i.Path(file), 0o600); err != nil {
			t.Fatal(err)
		}
		want := i.Path(file) + ": not a regular file"
		if err := c.Reload(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
		if c.Current() != c.Loaded() {
			t.Errorf("%s is loaded again and again", file)
		}
		if _, err := c.Reconfigure(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestACertificateOutsideItsTimeIsServedAndLogged(t *testing.T) {
	for want, at := range map[string]time.Time{"certificate has expired": time.Now().AddDate(1, 0, 0), "certificate is not valid yet": time.Now().AddDate(-1, 0, 0)} {
		i := certstest.NewAuthority(t)
		i.Issue("shop", certstest.Host("shop.example.com"))
		said := &logged{}
		c, _, _ := set(t, i, said)
		c.now = func() time.Time { return at }
		i.Issue("shop", certstest.Host("shop.example.com"))
		if err := c.Reload(); err != nil || !strings.Contains(said.String(), want) || len(c.all()) != 1 {
			t.Errorf("%v, %s; want %s", err, said, want)
		}
	}
}

func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
