package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
)

// buildPebble builds Let's Encrypt's test authority, in the version that testdata/pebble/go.mod pins.
var buildPebble = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "pebble")
	cmd := exec.Command("go", "build", "-C", filepath.Join("testdata", "pebble"), "-o", path, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", &exec.Error{Name: "pebble, the ACME authority of this test: " + string(text), Err: err}
	}
	return path, nil
})

// authority is a running Pebble whose challenges go to two ports of this machine.
type authority struct {
	directory, ca string
	management    string
}

func startPebble(t *testing.T, httpPort, tlsPort int) authority {
	t.Helper()
	path, err := buildPebble()
	if err != nil {
		t.Fatal(err)
	}
	i := certstest.NewAuthority(t)
	i.Issue("pebble", &x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	listen, management := freeAddress(t), freeAddress(t)
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management,
		"certificate": i.Path("pebble.crt"), "privateKey": i.Path("pebble.key"),
		"httpPort": httpPort, "tlsPort": tlsPort,
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "as usual", "validityPeriod": 90 * 86400}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "pebble.json")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-config", config, "-dnsserver", everyNameIsLoopback(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	out := newOutput()
	cmd.Stdout, cmd.Stderr = wordsOf{out}, wordsOf{out}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the authority said: %s", out)
		}
	})
	out.await(t, "ACME directory available at")
	return authority{"https://" + listen + "/dir", i.Path("ca.crt"), management}
}

// everyNameIsLoopback answers for any name with 127.0.0.1, by TCP, which is how Pebble asks.
func everyNameIsLoopback(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked sync.WaitGroup
	asked.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked.Go(func() { defer conn.Close(); answerName(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); asked.Wait() })
	return l.Addr().String()
}

// answerName answers one question (RFC 1035 section 4.2.2: two bytes of length come first).
func answerName(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(atMost))
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return
	}
	question := make([]byte, binary.BigEndian.Uint16(length[:]))
	var m dnsmessage.Message
	if _, err := io.ReadFull(conn, question); err != nil || m.Unpack(question) != nil || len(m.Questions) != 1 {
		return
	}
	m.Response, m.Additionals = true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	}
	if text, err := m.Pack(); err == nil {
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...))
	}
}

// root is what certificates of the authority end in; it is new at each start.
func (a authority) root(t *testing.T) *x509.CertPool {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities(t, a.ca)}}}
	got := mustGet(t, client, "https://"+a.management+"/roots/0")
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM([]byte(got.body)) {
		t.Fatalf("the authority has no root: %+v", got)
	}
	return p
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCertificatesComeFromAnAuthorityByEitherChallengeAndAreRenewed(t *testing.T) {
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		t.Run(challenge, func(t *testing.T) { // not side by side: a process renews each name once at a time
			plain, encrypted, storage := freeAddress(t), freeAddress(t), t.TempDir()
			a := startPebble(t, port(t, plain), port(t, encrypted))
			lines := "listen: []\ntls:\n  listen: " + encrypted + "\n  redirect_from: " + plain +
				"\n  acme: {enabled: true, directory: \"" + a.directory + "\", ca_file: " + a.ca + ", storage: " + storage + ", challenges: [" + challenge + "]}\n"
			d := openDoor(t, lines, nil)
			d.stderr.await(t, `msg="certificate obtained" name=shop.example.com renewal=false`)
			client := func() *http.Client { return dialling("tcp", encrypted, a.root(t)) }
			first := await(t, d, client())
			if first.body != "https 127.0.0.1 shop.example.com" {
				t.Errorf("%+v", first)
			}
			if d.metric(`cocart_gateway_tls_certificate_expiry_timestamp_seconds{name="shop.example.com"}`) == "" ||
				d.metric(`cocart_gateway_tls_certificate_updates_total{result="ok",source="acme"}`) != "1" ||
				d.metric(`cocart_gateway_tls_certificate_missing{name="shop.example.com"}`) != "0" {
				t.Error("the metrics do not show the certificate")
			}
			if got := mustGet(t, dialling("tcp", plain, nil), "http://shop.example.com/x"); got.status != http.StatusPermanentRedirect {
				t.Errorf("beside the challenges: %+v", got)
			}
			d.end()

			again := openDoor(t, lines, nil)
			if got := await(t, again, client()); got.serial != first.serial {
				t.Error("a restart asked for another certificate")
			}
			again.end()

			age(t, storage)
			renewing := openDoor(t, lines, nil)
			renewing.stderr.await(t, `msg="certificate obtained" name=shop.example.com renewal=true`)
			renewing.stderr.await(t, "msg=serving")
			if got := awaitAnother(t, client, first.serial); got.serial == first.serial {
				t.Error("the old certificate is still shown")
			}
		})
	}
}

// await is the first answer once the certificate was read from the folder.
func await(t *testing.T, d *door, client *http.Client) received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	for ctx.Err() == nil {
		if got, err := get(t, client, "https://shop.example.com/"); err == nil {
			return got
		}
	}
	t.Fatalf("no certificate was shown: %s", d.stderr)
	return received{}
}

// awaitAnother asks until another certificate is shown that the authority vouches for.
func awaitAnother(t *testing.T, client func() *http.Client, serial string) (got received) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	for ctx.Err() == nil {
		var err error
		if got, err = get(t, client(), "https://shop.example.com/"); err == nil && got.serial != serial {
			return got
		}
	}
	return got
}

// age replaces the certificate in the folder by one of the same key that ends tomorrow.
func age(t *testing.T, storage string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(storage, "certificates", "*", "shop.example.com", "shop.example.com.*"))
	if err != nil || len(paths) != 3 {
		t.Fatalf("in the folder: %v, %v", paths, err)
	}
	base := strings.TrimSuffix(paths[0], filepath.Ext(paths[0]))
	pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	if err != nil {
		t.Fatal(err)
	}
	old := *pair.Leaf
	old.SignatureAlgorithm = x509.UnknownSignatureAlgorithm // that of the key below
	old.NotBefore, old.NotAfter = time.Now().AddDate(0, 0, -89), time.Now().AddDate(0, 0, 1)
	der, err := x509.CreateCertificate(rand.Reader, &old, &old, pair.Leaf.PublicKey, pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wordsOf hides the buffer's own ReadFrom, which wakes nobody.
type wordsOf struct{ io.Writer }
