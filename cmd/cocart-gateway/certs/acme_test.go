package certs

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/tokens/tokenstest"
)

// asker is a set of certificates that are to come from nowhere, and what tells of them.
type asker struct {
	*Set
	registry *prometheus.Registry
	said     *logged
}

// unreachable is the directory of an authority that does not answer.
const unreachable = "https://127.0.0.1:1/dir"

func acmeConfig(storage string) *config.Config {
	cfg := config.Default()
	cfg.TLS.Listen = []string{"127.0.0.1:0"}
	cfg.TLS.ACME = config.ACME{Enabled: true, Domains: []string{"shop.example.com"}, Directory: unreachable, Storage: storage,
		Challenges: cfg.TLS.ACME.Challenges}
	return cfg
}

func newAsker(t *testing.T, storage string, files ...config.Certificate) *asker {
	t.Helper()
	cfg := acmeConfig(storage)
	cfg.TLS.Certificates = files
	a := &asker{registry: prometheus.NewRegistry(), said: &logged{}}
	var err error
	if a.Set, err = Open(cfg, a.registry, slog.New(slog.NewTextHandler(a.said, nil))); err != nil {
		t.Fatal(err)
	}
	return a
}

// start is what the gateway does once it listens.
func (a *asker) begin(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); a.Stop() })
	return a.Start(ctx, nil, nil)
}

// A disk that is full, or was mounted read-only, does not stop the gateway while the certificate is good.
func TestAGatewayWithItsCertificateStartsWithoutStorage(t *testing.T) {
	storage, full := t.TempDir(), errors.New("no space left on device")
	without := newAsker(t, storage)
	without.automatic.tryFolder = func(string) error { return full }
	if err := without.begin(t); !errors.Is(err, full) {
		t.Fatalf("without a certificate: %v", err)
	}
	keep(t, storage)
	a := newAsker(t, storage)
	a.automatic.tryFolder = without.automatic.tryFolder
	if err := a.begin(t); err != nil {
		t.Fatalf("with a certificate: %v", err)
	}
	if got := a.all(); len(got) != 1 || got[0].DNSNames[0] != "shop.example.com" {
		t.Errorf("it has %v", got)
	}
	for _, want := range []string{"level=ERROR msg=\"certificates cannot be renewed", "no space left on device"} {
		if !strings.Contains(a.said.String(), want) {
			t.Errorf("the log does not say %s: %s", want, a.said)
		}
	}
}

// keep puts a certificate into the folder, as if it had been obtained before.
func keep(t *testing.T, storage string) {
	t.Helper()
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	folder := &certmagic.FileStorage{Path: storage}
	issuer := (&certmagic.ACMEIssuer{CA: unreachable}).IssuerKey()
	const name = "shop.example.com"
	meta, err := json.Marshal(certmagic.CertificateResource{SANs: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	for key, file := range map[string]string{certmagic.StorageKeys.SiteCert(issuer, name): "shop.crt", certmagic.StorageKeys.SitePrivateKey(issuer, name): "shop.key"} {
		text, err := os.ReadFile(i.Path(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := folder.Store(t.Context(), key, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := folder.Store(t.Context(), certmagic.StorageKeys.SiteMeta(issuer, name), meta); err != nil {
		t.Fatal(err)
	}
}

// The library gives up for good where it cannot get a lock, with a line in its own log.
func TestAskingForACertificateBeginsAgainAfterAnError(t *testing.T) {
	storage := t.TempDir()
	locks := filepath.Join(storage, "locks")
	if err := os.WriteFile(locks, []byte("no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newAsker(t, storage)
	waits, again := make(chan time.Duration), make(chan time.Time)
	a.automatic.after = func(d time.Duration) <-chan time.Time { waits <- d; return again }
	if err := a.begin(t); err != nil {
		t.Fatal(err)
	}
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		if got := <-waits; got != want {
			t.Errorf("it waits for %s, want %s", got, want)
		}
		if missing, failed := a.count(t, "cocart_gateway_tls_certificate_missing"), a.count(t, "cocart_gateway_tls_certificate_updates_total"); missing != 1 || failed == 0 {
			t.Errorf("missing is %v, %v failed", missing, failed)
		}
		again <- time.Time{}
	}
	<-waits
	if n := strings.Count(a.said.String(), `level=ERROR msg="no certificate yet, beginning anew later" name=shop.example.com`); n != 7 {
		t.Errorf("said %d times: %s", n, a.said)
	}
	if err := os.Remove(locks); err != nil {
		t.Fatal(err)
	}
	again <- time.Time{}
	await := func(text string) {
		tokenstest.Eventually(t, text+" is logged", func() bool { return strings.Contains(a.said.String(), text) })
	}
	await(`msg="certificate not obtained, trying again later" name=shop.example.com`)
	await(`level=WARN msg="certificate library" cause="will retry" part=obtain`) // and when
}

// count adds up a metric, whatever its labels.
func (a *asker) count(t *testing.T, name string) (sum float64) {
	t.Helper()
	families, err := a.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestACertificateFromAFileIsNotMissing(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	for want, files := range map[bool][]config.Certificate{true: nil, false: {{CertificateFile: i.Path("shop.crt"), KeyFile: i.Path("shop.key")}}} {
		if got := newAsker(t, t.TempDir(), files...).missing(); len(got) != 1 || got["shop.example.com"] != want {
			t.Errorf("with %d files missing is %v", len(files), got)
		}
	}
}

func TestTheAuthorityIsAskedAsConfigured(t *testing.T) {
	got := (&automatic{cfg: config.ACME{Email: "shop@example.com", Directory: "https://ca.example/directory", Challenges: []string{"tls-alpn-01"}}}).template(nil, nil)
	if got.Email != "shop@example.com" || got.CA != "https://ca.example/directory" || !got.Agreed || !got.DisableHTTPChallenge || got.DisableTLSALPNChallenge {
		t.Errorf("%+v", got)
	}
}
