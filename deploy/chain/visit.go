package chain

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cocart-gateway/upstream/upstreamtest"
)

// Certificate makes the files of a self-signed certificate.
func Certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pair := s.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return Write(t, "shop.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))),
		Write(t, "shop.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// browser goes to the shop by its name, wherever that is.
func browser(address string) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see Certificate
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return visitorsDialer().DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Visit is what a shop needs of a proxy in front of the gateway: that it speaks
// HTTP/2 and TLS, changes no address, says who the client is and believes
// no other proxy about it, passes tokens on, and holds nothing back.
func Visit(t *testing.T, wp *upstreamtest.WordPress, address string) {
	t.Helper()
	client := browser(address)
	defer client.CloseIdleConnections()

	const target = "/wp-json/cocart/v2/products?search=a%2Fb%20c&x[]=1"
	proto, _ := ask(t, client, http.MethodGet, target, "", http.Header{
		"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}, "X-Real-Ip": {"203.0.113.9"}, "X-Cocart-Gateway": {"forged"},
		"X-Forwarded-Host": {"evil.example"}, "X-Request-Id": {"of-the-client"}, "Forwarded": {"for=203.0.113.9;host=evil.example"},
	})
	seen := wp.Last()
	if proto != "HTTP/2.0" || seen.Target != target || seen.Host != "shop.example" {
		t.Errorf("%s: WordPress was asked for %s on %s", proto, seen.Target, seen.Host)
	}
	if seen.Claims.Client != visitor || seen.Claims.Proto != "https" || strings.Contains(seen.Header.Get("X-Forwarded-For")+seen.Header.Get("X-Real-Ip"), "203.0.113.9") {
		t.Errorf("the client made up who it is: %+v, %v", seen.Claims, seen.Header)
	}
	if host, id := seen.Header.Get("X-Forwarded-Host"), seen.Header.Get("X-Request-Id"); host != "shop.example" || id == "" || id == "of-the-client" || seen.Header.Get("Forwarded") != "" {
		t.Errorf("the client made up where it went: %v", seen.Header)
	}

	ask(t, client, http.MethodGet, cart, "", http.Header{"Authorization": {"Bearer " + logIn(t, client).Access}})
	if seen := wp.Last(); seen.Claims.Kind != "customer" || seen.Claims.Subject != "2" {
		t.Errorf("the token of the customer did not arrive: %+v", seen.Claims)
	}
	streams(t, client, wp)
}

func ask(t *testing.T, client *http.Client, method, target, body string, header http.Header) (proto, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, upstreamtest.SiteURL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	got, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v\n%s", method, target, got.Status, err, text)
	}
	return got.Proto, string(text)
}

// streams sees the first half of an answer before there is a second one.
func streams(t *testing.T, client *http.Client, wp *upstreamtest.WordPress) {
	t.Helper()
	arrived := make(chan struct{})
	wp.Lock()
	wp.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		if r.URL.Path != "/events" {
			return false
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n") // who does not get it complains
		w.(http.Flusher).Flush()
		select {
		case <-arrived:
		case <-r.Context().Done():
		}
		return true
	}
	wp.Unlock()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, upstreamtest.SiteURL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	line, err := bufio.NewReader(got.Body).ReadString('\n')
	close(arrived)
	if line != "data: one\n" || err != nil {
		t.Errorf("the first event: %q, %v", line, err)
	}
}

// Leaves closes a request before its answer. WordPress must learn of it: otherwise each page that a customer loads again because
// it is slow keeps one more process of PHP busy. Apache does not pass it on.
func Leaves(t *testing.T, wp *upstreamtest.WordPress, address string) {
	t.Helper()
	client := browser(address)
	defer client.CloseIdleConnections()
	asked, heard := make(chan struct{}), make(chan struct{})
	wp.Lock()
	wp.Answer = func(_ http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		if r.URL.Path != "/slow" {
			return false
		}
		close(asked)
		<-r.Context().Done()
		close(heard)
		return true
	}
	wp.Unlock()
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, upstreamtest.SiteURL+"/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-asked
		leave()
	}()
	if got, err := client.Do(request); err == nil {
		_ = got.Body.Close()
		t.Errorf("an answer to who left: %s", got.Status)
	}
	select {
	case <-heard:
	case <-time.After(time.Minute):
		t.Error("WordPress still works for a client that left")
	}
}

// Redirect is where plain http is sent to.
func Redirect(t *testing.T, address, target string) (status int, location string) {
	t.Helper()
	client := browser(address)
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://shop.example"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	return got.StatusCode, got.Header.Get("Location")
}
