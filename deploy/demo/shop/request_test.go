package shop_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// request is written to the wire as it stands: many of these are not what net/http would send.
type request struct {
	Method  string
	Target  string
	Headers [][2]string
	Body    string
}

type answer struct {
	Status int
	Header http.Header
	Body   string
}

func (r request) send(t *testing.T) answer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(theShop.URL, "http://"), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(r.wire()); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Target, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func (r request) wire() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.Method, r.Target, strings.TrimPrefix(theShop.URL, "http://"))
	for _, h := range r.Headers {
		fmt.Fprintf(&out, "%s: %s\r\n", h[0], h[1])
	}
	fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n%s", len(r.Body), r.Body)
	return out.Bytes()
}

func get(target string, headers ...[2]string) request {
	return request{Method: "GET", Target: target, Headers: headers}
}

func post(target, body string, headers ...[2]string) request {
	return request{"POST", target, append(headers, [2]string{"Content-Type", "application/json"}), body}
}

func basic(name, password string) [2]string {
	return [2]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}
}

var (
	asAlice = basic("alice", "wonderland-1")
	asBob   = basic("bob", "builder-2-Strong")
)

// read decodes a JSON answer, and expects it to be a 200.
func read[T any](t *testing.T, a answer) T {
	t.Helper()
	var value T
	if a.Status != http.StatusOK {
		t.Fatalf("answer %d: %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &value); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	return value
}

// refusal is the status and code of an error.
func (a answer) refusal() string {
	var body struct{ Code string }
	_ = json.Unmarshal([]byte(a.Body), &body)
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, body.Code))
}
