package wprequest_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/wprequest"
)

// pieces are what forms are put together from: what clients write, and what an attacker would.
var pieces = []string{
	"--B", "--B\r\n", "--B\n", "--B--", "--B--\r\n", "\r\n", "\n", "\r\n\r\n", "\n\n", " ", "--BC", "-", "x", "--",
	`Content-Disposition: form-data; name="cart_key"`, `Content-Disposition: form-data; name="a"`, "Content-Disposition: form-data; name=b",
	`; name="cart_key"`, `; filename="f"`, `; filename*=UTF-8''f`, `; filename=""`, `"`, `\`, "Content-Type: text/plain", "Content-Length: 1",
	"\r\n\r\n2\r\n", "\r\n\r\n1\r\n--B\r\n", "\r\n\r\n3\r\n--B--\r\n", "hello", "\x00",
	"'", "name='cart_key'", "X: " + strings.Repeat("a", 5117), "X: " + strings.Repeat("a", 4096), `; filename="a\"b"`, `; filename="C:\a"`, `\"`, `\\`, "\t", ";", "=",
}

// TestEachFormIsReadAlikeOnRealPHP puts forms of random pieces to a real PHP. Whatever is read here PHP reads alike; what is
// unusual may be anything.
func TestEachFormIsReadAlikeOnRealPHP(t *testing.T) {
	url := startPHP(t)
	random := rand.New(rand.NewPCG(7, 11))
	read := 0
	for range 4000 {
		body := randomForm(random)
		fields, err := wprequest.MultipartFields(plain, []byte(body))
		if err != nil {
			continue
		}
		read++
		want := map[string]string{}
		for _, f := range fields {
			if !f.File {
				want[registered(f.Name)] = hex.EncodeToString(f.Value)
			}
		}
		got := postForm(t, url, body)
		delete(want, "") // PHP has no variable without a name
		if len(got) != len(want) {
			t.Fatalf("%q: PHP reads %v, we read %v", body, got, want)
		}
		for name, value := range want {
			if got[name] != value {
				t.Fatalf("%q: PHP reads %v, we read %v", body, got, want)
			}
		}
	}
	if read < 200 {
		t.Errorf("only %d forms were read", read)
	}
}

// TestUnusualFormsOnRealPHP holds forms of which PHP makes the field
// cart_key, and others something else.
func TestUnusualFormsOnRealPHP(t *testing.T) {
	url := startPHP(t)
	hidden := `Content-Disposition: form-data; name="cart_key"`
	pad := "X-Pad: " + strings.Repeat("a", 5*1024-len("X-Pad: "))
	for name, body := range map[string]string{
		"single quotes":           "--B\r\nContent-Disposition: form-data; name='cart_key'\r\n\r\n2\r\n--B--\r\n",
		"a quote of each kind":    "--B\r\nContent-Disposition: form-data; x=';'; name=\"cart_key\"\r\n\r\n2\r\n--B--\r\n",
		"a long line":             "--B\r\n" + pad + hidden + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--B--\r\n",
		"an escape":               "--B\r\nContent-Disposition: form-data; name=\"cart_key\\\"\"; name=\"cart_key\"\r\n\r\n2\r\n--B--\r\n",
		"the header twice":        "--B\r\n" + hidden + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--B--\r\n",
		"a folded header":         "--B\r\nContent-Disposition: form-data;\r\n name=\"cart_key\"\r\n\r\n2\r\n--B--\r\n",
		"behind the end":          "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--\r\n--B\r\n" + hidden + "\r\n\r\n2\r\n--B--\r\n",
		"no end":                  "--B\r\n" + hidden + "\r\n\r\n2",
		"text before":             "hello\r\n--B\r\n" + hidden + "\r\n\r\n2\r\n--B--\r\n",
		"line feeds":              "--B\n" + hidden + "\n\n2\n--B--\n",
		"a blank behind the name": "--B\r\nContent-Disposition: form-data; name=cart_key x\r\n\r\n2\r\n--B--\r\n",
		"an empty part before":    "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--B\r\n\r\n--B\r\n" + hidden + "\r\n\r\n2\r\n--B--\r\n",
	} {
		if got := postForm(t, url, body)["cart_key"]; got != "32" {
			t.Errorf("%s: PHP reads %q", name, got)
		}
		if fields, err := wprequest.MultipartFields(plain, []byte(body)); err == nil {
			t.Errorf("%s: read as %v", name, fields)
		}
	}
}

// registered is the name under which PHP files a parameter (php_register_variable_ex), for names without an index.
func registered(name string) string {
	return strings.NewReplacer(" ", "_", ".", "_").Replace(strings.TrimLeft(name, " "))
}

// randomForm is a good form with up to three changes.
func randomForm(r *rand.Rand) string {
	parts := []string{field("a", "1"), field("cart_key", "2"), "Content-Disposition: form-data; name=b|3",
		"Content-Disposition: form-data; name=\"f\"; filename=\"x\"|4", "Content-Disposition: form-data; name=\"c\"; filename*=UTF-8''x|5"}
	var chosen []string
	for range r.IntN(4) {
		chosen = append(chosen, parts[r.IntN(len(parts))])
	}
	body := form(chosen...)
	for range r.IntN(4) {
		at := r.IntN(len(body) + 1)
		switch piece := pieces[r.IntN(len(pieces))]; r.IntN(3) {
		case 0:
			body = body[:at] + piece + body[at:]
		case 1:
			body = strings.Replace(body, piece, "", 1)
		default:
			body = strings.Replace(body, piece, pieces[r.IntN(len(pieces))], 1)
		}
	}
	return body
}

func postForm(t *testing.T, url, body string) map[string]string {
	t.Helper()
	resp, err := http.Post(url, plain, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return got
}

// startPHP runs PHP's own web server until the test ends.
func startPHP(t *testing.T) (url string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	php := exec.CommandContext(t.Context(), "php", "-d", "display_errors=0", "-S", address, "testdata/report.php")
	if err := php.Start(); err != nil {
		t.Fatal("PHP is needed: ", err)
	}
	t.Cleanup(func() { _ = php.Process.Kill(); _ = php.Wait() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
			return "http://" + address
		}
		select {
		case <-ctx.Done():
			t.Fatal("PHP does not answer: ", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
