package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/upstream"
)

// secureShop speaks HTTP/2 over TLS to whoever has a certificate of the authority,
// and answers with what it was asked by. Its own is for the name shop.test only.
func secureShop(t *testing.T, i *certstest.Authority) *httptest.Server {
	t.Helper()
	i.Issue("shop", &x509.Certificate{Subject: pkix.Name{CommonName: "shop"}, DNSNames: []string{"shop.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	i.IssueClient("gateway")
	own, err := tls.LoadX509KeyPair(i.Path("shop.crt"), i.Path("shop.key"))
	i.Must(err)
	clients := x509.NewCertPool()
	clients.AddCert(i.Certificate())
	shop := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto+" "+r.Host+" "+r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	shop.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	shop.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	shop.EnableHTTP2 = true
	shop.StartTLS()
	t.Cleanup(shop.Close)
	return shop
}

// wayTo is the upstream of a configuration file.
func wayTo(t *testing.T, block string) (*upstream.WordPress, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "site: {url: https://shop.example.com}\ntokens:\n  keys:\n    - {id: main, algorithm: HS256, secret: \"${SIGNING}\"}\nupstream:\n  secret: ${SHARED}\n" + block
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(file, namedEnv)
	if err != nil {
		return nil, err
	}
	wp, err := newWordPress(cfg, prometheus.NewRegistry(), discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wp.Close)
	return wp, nil
}

func page(t *testing.T, wp *upstream.WordPress) (string, error) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop.example.com/", nil)
	err := wp.Forward(w, r, &upstream.Forwarding{Assertion: upstream.Assertion{Kind: upstream.Site}})
	return w.Body.String(), err
}

func TestAShopThatAsksForAClientCertificate(t *testing.T) {
	i := certstest.NewAuthority(t)
	shop := secureShop(t, i)
	var (
		url       = "  url: " + shop.URL + "\n"
		authority = "  tls_ca_file: " + i.Path("ca.crt") + "\n"
		own       = "  tls_cert_file: " + i.Path("gateway.crt") + "\n  tls_key_file: " + i.Path("gateway.key") + "\n"
		name      = "  tls_server_name: shop.test\n"
	)
	wp, err := wayTo(t, url+authority+own+name)
	i.Must(err)
	if got, err := page(t, wp); err != nil || got != "HTTP/2.0 shop.example.com gateway" {
		t.Errorf("%q, %v", got, err)
	}
	for without, row := range map[string]struct{ block, want string }{
		"a certificate of its own": {url + authority + name, ""}, // the alert may be overtaken by the end of the connection
		"the authority":            {url + own + name, "certificate signed by unknown authority"},
		"the shop's name":          {url + authority + own, "cannot validate certificate for 127.0.0.1"},
	} {
		wp, err := wayTo(t, row.block)
		i.Must(err)
		if _, err := page(t, wp); !errors.Is(err, upstream.ErrUnavailable) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("without %s: %v, want %s", without, err, row.want)
		}
	}
}

func TestARenewedClientCertificateIsUsed(t *testing.T) {
	i := certstest.NewAuthority(t)
	shop := secureShop(t, i)
	wp, err := wayTo(t, "  url: "+shop.URL+"\n  tls_ca_file: "+i.Path("ca.crt")+"\n  tls_server_name: shop.test\n"+
		"  tls_cert_file: "+i.Path("gateway.crt")+"\n  tls_key_file: "+i.Path("gateway.key")+"\n")
	i.Must(err)
	if got, err := page(t, wp); err != nil || !strings.HasSuffix(got, " gateway") {
		t.Fatalf("%q, %v", got, err)
	}
	i.IssueClient("renewed")
	i.Must(os.Rename(i.Path("renewed.crt"), i.Path("gateway.crt")))
	i.Must(os.Rename(i.Path("renewed.key"), i.Path("gateway.key")))
	wp.Close() // connections that are open go on with the old one
	if got, err := page(t, wp); err != nil || !strings.HasSuffix(got, " renewed") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTLSFilesOfUpstreamMustFitTogether(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.IssueClient("one")
	i.IssueClient("two")
	cert, key := "  tls_cert_file: "+i.Path("one.crt")+"\n", "  tls_key_file: "+i.Path("two.key")+"\n"
	for name, row := range map[string]struct{ block, want string }{
		"a key of another certificate": {"  url: https://a\n" + cert + key, "upstream.tls_key_file: cannot be used: private key does not match public key"},
		"a certificate without a key":  {"  url: https://a\n" + cert, "upstream.tls_cert_file: is given alone"},
		"a key without a certificate":  {"  url: https://a\n" + key, "upstream.tls_key_file: is given alone"},
		"an authority that is a key":   {"  url: https://a\n  tls_ca_file: " + i.Path("one.key") + "\n", "upstream.tls_ca_file: contains no certificate"},
		"without https":                {"  url: http://a\n" + cert, "upstream.tls_cert_file: is set, though upstream.url is not https"},
		"a file that is not there":     {"  url: https://a\n  tls_ca_file: " + i.Path("none.crt") + "\n", "cannot be read"},
	} {
		if _, err := wayTo(t, row.block); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
}

func TestHostsOfUpstream(t *testing.T) {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	defer shop.Close()
	for policy, want := range map[string]string{"pass": "asked.example", "site": "shop.example.com", "wp.internal:8080": "wp.internal:8080"} {
		wp, err := wayTo(t, "  url: "+shop.URL+"\n  host: "+policy+"\n")
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://asked.example/", nil)
		if err := wp.Forward(w, r, &upstream.Forwarding{Assertion: upstream.Assertion{Kind: upstream.Site}}); err != nil || w.Body.String() != want {
			t.Errorf("%s: WordPress got %q, %v", policy, w.Body.String(), err)
		}
	}
}
