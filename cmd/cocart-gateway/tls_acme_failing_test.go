package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"

	"github.com/caddyserver/certmagic"
	"github.com/prometheus/client_golang/prometheus"
)

// nowhere is an authority that does not answer.
const nowhere = "https://127.0.0.1:1/dir"

func acmeLines(storage string) string {
	return "tls:\n  listen: \"127.0.0.1:0\"\n  acme: {enabled: true, domains: [shop.example.com], directory: \"" + nowhere + "\", storage: \"" + storage + "\"}\n"
}

// asker is a set of certificates that are to come from nowhere, and what tells of them.
type asker struct {
	*certificateSet
	registry *prometheus.Registry
	said     *output
}

func newAsker(t *testing.T, storage string, files ...config.Certificate) *asker {
	t.Helper()
	cfg := withLines(t, acmeLines(storage))
	cfg.TLS.Certificates = files
	a := &asker{registry: prometheus.NewRegistry(), said: newOutput()}
	var err error
	if a.certificateSet, err = newCertificateSet(cfg, a.registry, slog.New(slog.NewTextHandler(a.said, nil))); err != nil {
		t.Fatal(err)
	}
	return a
}

// start is what the gateway does once it listens.
func (a *asker) start(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); a.stop() })
	return a.certificateSet.start(ctx, nil, nil)
}

func TestAGatewayThatCannotKeepCertificatesDoesNotStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	replaceFile(t, file, "no folder")
	path := configWith(t, acmeLines(file+"/acme"))
	stderr := newOutput()
	code := run(t.Context(), []string{"serve", "--config", path}, noEnv, newOutput(), stderr)
	if want := "tls.acme.storage: nothing can be written to " + file + "/acme, so no certificate can be kept: "; code != exitFailed || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A disk that is full, or was mounted read-only, is no reason to serve nobody while the certificate is good.
func TestAGatewayThatHasItsCertificateStartsWithoutAPlaceForTheNext(t *testing.T) {
	storage, full := t.TempDir(), errors.New("no space left on device")
	without := newAsker(t, storage)
	without.automatic.try = func(string) error { return full }
	if err := without.start(t); !errors.Is(err, full) {
		t.Fatalf("without a certificate: %v", err)
	}
	keep(t, storage)
	a := newAsker(t, storage)
	a.automatic.try = without.automatic.try
	if err := a.start(t); err != nil {
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
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	folder := &certmagic.FileStorage{Path: storage}
	issuer := (&certmagic.ACMEIssuer{CA: nowhere}).IssuerKey()
	const name = "shop.example.com"
	meta, err := json.Marshal(certmagic.CertificateResource{SANs: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	for key, file := range map[string]string{certmagic.StorageKeys.SiteCert(issuer, name): "shop.crt", certmagic.StorageKeys.SitePrivateKey(issuer, name): "shop.key"} {
		text, err := os.ReadFile(i.path(file))
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
func TestAGatewayThatCouldNotAskForItsCertificateBeginsAnew(t *testing.T) {
	storage := t.TempDir()
	locks := filepath.Join(storage, "locks")
	replaceFile(t, locks, "no folder")
	a := newAsker(t, storage)
	waits, again := make(chan time.Duration), make(chan time.Time)
	a.automatic.after = func(d time.Duration) <-chan time.Time { waits <- d; return again }
	if err := a.start(t); err != nil {
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
	if n := a.said.times(`level=ERROR msg="no certificate yet, beginning anew later" name=shop.example.com`); n != 7 {
		t.Errorf("said %d times: %s", n, a.said)
	}
	if err := os.Remove(locks); err != nil {
		t.Fatal(err)
	}
	again <- time.Time{}
	a.said.await(t, `msg="certificate not obtained, trying again later" name=shop.example.com`)
	a.said.await(t, `level=WARN msg="certificate library" cause="will retry" part=obtain`) // and when
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
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	for want, files := range map[bool][]config.Certificate{true: nil, false: {{CertificateFile: i.path("shop.crt"), KeyFile: i.path("shop.key")}}} {
		if got := newAsker(t, t.TempDir(), files...).missing(); len(got) != 1 || got["shop.example.com"] != want {
			t.Errorf("with %d files missing is %v", len(files), got)
		}
	}
}

func TestTheDoctorTriesTheFolderForCertificates(t *testing.T) {
	dir := t.TempDir()
	replaceFile(t, filepath.Join(dir, "file"), "no folder")
	for storage, want := range map[string]string{
		dir + "/acme/below": "ok listeners.certificates: This user may write to tls.acme.storage DIR/acme/below.",
		dir + "/file/acme":  "problem listeners.certificates: Nobody can write to tls.acme.storage DIR/file/acme: not a directory. → Name a folder that the gateway may write to, on a volume if it runs in a container.",
	} {
		p := openPractice(t)
		p.more = "tls: {listen: \"127.0.0.1:0\", acme: {enabled: true, domains: [shop.example.com], storage: \"" + storage + "\"}}\n"
		if got := strings.ReplaceAll(p.listenerLines(t), dir, "DIR"); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the doctor left %v, %v", left, err)
	}
}

func TestTheAuthorityIsAskedAsConfigured(t *testing.T) {
	cfg := withLines(t, "tls: {listen: \"127.0.0.1:0\", redirect_from: \"127.0.0.1:0\", acme: {enabled: true, email: shop@example.com, "+
		"directory: \"https://ca.example/directory\", domains: [shop.example.com, www.example.com], challenges: [tls-alpn-01]}}\n")
	got := (&automatic{cfg: cfg.TLS.ACME}).template(nil, nil)
	if got.Email != "shop@example.com" || got.CA != "https://ca.example/directory" || !got.Agreed || !got.DisableHTTPChallenge || got.DisableTLSALPNChallenge {
		t.Errorf("%+v", got)
	}
	if got := cfg.Domains(); !slices.Equal(got, []string{"shop.example.com", "www.example.com"}) {
		t.Errorf("for %q", got)
	}
}
