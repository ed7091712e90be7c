package main

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/cmd/cocart-gateway/doctor"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// openEncryptedMall starts a gateway for two shops with these certificates, and returns where it ends TLS and where it
// redirects plain HTTP.
func openEncryptedMall(t *testing.T, i *certstest.Authority, certificates ...string) (m *mall, encrypted, plain string) {
	t.Helper()
	encrypted, plain = freeAddress(t), freeAddress(t)
	return openMall(t, settings{"tls.listen": encrypted, "tls.redirect_from": plain, "tls.certificates": pairs(i, certificates...)}), encrypted, plain
}

// openPage asks for a page, over a connection for the name in url; host is that of the header, "": the same.
func openPage(t *testing.T, c *http.Client, url, host string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// arrived counts the requests for a page at a WordPress.
func arrived(w *upstreamtest.WordPress, page string) (n int) {
	for _, s := range w.Seen() {
		if strings.HasPrefix(s.Target, page) {
			n++
		}
	}
	return n
}

func (m *mall) arrivedAt(page string, toys, books int) {
	m.Helper()
	if t, b := arrived(m.toys, page), arrived(m.books, page); t != toys || b != books {
		m.Errorf("%s arrived %d times at the toys and %d times at the books, want %d and %d", page, t, b, toys, books)
	}
}

func TestEachShopShowsItsOwnCertificate(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("toys", certstest.Host("toys.example", "*.toys.example"))
	i.Issue("books", certstest.Host("books.example"))
	m, address, _ := openEncryptedMall(t, i, "toys", "books")
	client := dialling("tcp", address, authorities(t, i.Path("ca.crt")))
	for n, row := range []struct {
		host, certificate string
		toys, books       int
	}{
		{"toys.example", "toys.example", 1, 0}, {"www.toys.example", "toys.example", 1, 0}, {"books.example", "books.example", 0, 1},
	} {
		page := "/page-" + strconv.Itoa(n)
		resp := openPage(t, client, "https://"+row.host+page, "")
		if got := resp.TLS.PeerCertificates[0].Subject.CommonName; got != row.certificate || resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Errorf("%s: %s by %s, with the certificate of %s", row.host, resp.Status, resp.Proto, got)
		}
		m.arrivedAt(page, row.toys, row.books)
	}
	for _, host := range []string{"tea.example", "127.0.0.1"} { // with an address the handshake names no host
		conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: host, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "toys.example" {
			t.Errorf("%s, which has no certificate: that of %s", host, got)
		}
		conn.Close()
	}
}

// Browsers send requests for one host over the connection to another, if its certificate has the names of both.
func TestOneConnectionServesBothShopsOfACertificate(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("both", certstest.Host("toys.example", "books.example"))
	m, address, _ := openEncryptedMall(t, i, "both")
	client := dialling("tcp", address, authorities(t, i.Path("ca.crt")))
	for page, host := range map[string]string{"/toys": "toys.example", "/books": "books.example", "/www": "www.toys.example"} {
		if resp := openPage(t, client, "https://toys.example"+page, host); resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Errorf("%s: %s by %s", host, resp.Status, resp.Proto)
		}
	}
	m.arrivedAt("/toys", 1, 0)
	m.arrivedAt("/books", 0, 1)
	m.arrivedAt("/www", 1, 0)
}

func TestAHostOfNoShopIsRefusedWhateverNameTheHandshakeHas(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("toys", certstest.Host("toys.example"))
	i.Issue("books", certstest.Host("books.example"))
	m, address, _ := openEncryptedMall(t, i, "toys", "books")
	for _, name := range []string{"toys.example", "books.example", "tea.example"} {
		client := dialling("tcp", address, nil)
		client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{ServerName: name, InsecureSkipVerify: true} // as attackers do
		if resp := openPage(t, client, "https://tea.example/page", ""); resp.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("the handshake names %s: %s", name, resp.Status)
		}
	}
	m.arrivedAt("/page", 0, 0)
}

func TestPlainHTTPIsSentToTheShopThatItNames(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("both", certstest.Host("toys.example", "books.example"))
	m, _, address := openEncryptedMall(t, i, "both")
	client := dialling("tcp", address, nil)
	for host, want := range map[string]string{"toys.example": "https://toys.example/cart?a=b", "BOOKS.example:80": "https://books.example/cart?a=b",
		"www.toys.example": "", "tea.example": "", "toys.example.tea.example": ""} {
		resp := openPage(t, client, "http://toys.example/cart?a=b", host)
		status := map[bool]int{true: http.StatusMisdirectedRequest, false: http.StatusPermanentRedirect}[want == ""]
		if got := resp.Header.Get("Location"); resp.StatusCode != status || got != want {
			t.Errorf("%s: %s to %q, want %d to %q", host, resp.Status, got, status, want)
		}
	}
	m.arrivedAt("/cart", 0, 0)
}

func TestTheDoctorLooksForACertificateOfEachShop(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("toys", certstest.Host("toys.example"))
	i.Issue("books", certstest.Host("books.example"))
	m, _, _ := openEncryptedMall(t, i, "toys")
	said := func(at time.Time) string {
		t.Helper()
		d := &desk{T: t, config: m.path, clock: tokenstest.NewClock()}
		d.clock.Set(at)
		var report doctor.Report
		if err := json.Unmarshal([]byte(d.run("doctor", "--json").stdout), &report); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, c := range report.Checks {
			if c.ID == "listeners.names" {
				lines = append(lines, c.Shop+" "+string(c.Status)+": "+expiry.ReplaceAllString(c.Found, "TIME"))
			}
		}
		return strings.Join(lines, "\n")
	}
	is := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	is(said(now()), "toys ok: The certificate for toys.example is valid until TIME.\nbooks warning: No certificate of tls is for books.example, the host of site.url.")
	m.write(settings{"tls.certificates": pairs(i, "toys", "books")})
	is(said(now()), "toys ok: The certificate for toys.example is valid until TIME.\nbooks ok: The certificate for books.example is valid until TIME.")
	is(said(now().Add(2*time.Hour)), "toys problem: The certificate for toys.example expired on TIME.\nbooks problem: The certificate for books.example expired on TIME.")
	is(said(now().Add(-2*time.Hour)), "toys problem: The certificate for toys.example is not valid before TIME.\nbooks problem: The certificate for books.example is not valid before TIME.")
	m.write(settings{"tls.certificates": pairs(i, "books"), "tls.acme": `{enabled: true, storage: "` + t.TempDir() + `", domains: [toys.example]}`})
	is(said(now()), "books ok: The certificate for books.example is valid until TIME.")
}

func TestEachShopGetsACertificateFromAnAuthority(t *testing.T) {
	address, plain := freeAddress(t), freeAddress(t)
	a := startPebble(t, port(t, plain), port(t, address))
	m := openMall(t, settings{"tls.listen": address, "tls.redirect_from": plain,
		"tls.acme": `{enabled: true, directory: "` + a.directory + `", ca_file: "` + a.ca + `", storage: "` + t.TempDir() + `", challenges: [http-01]}`})
	for _, host := range []string{"toys.example", "books.example"} {
		m.said.await(t, `msg="certificate obtained" name=`+host)
	}
	client := dialling("tcp", address, a.root(t))
	for page, host := range map[string]string{"/toys": "toys.example", "/books": "books.example"} {
		if resp := openPage(t, client, "https://"+host+page, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", host, resp.Status)
		}
	}
	m.arrivedAt("/toys", 1, 0)
	m.arrivedAt("/books", 0, 1)
	if got := openPage(t, dialling("tcp", plain, nil), "http://books.example/x", "").Header.Get("Location"); got != "https://books.example/x" {
		t.Errorf("beside the challenges plain http is sent to %q", got)
	}
}
