package shoptest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Request is written to the wire as it stands: many of these are not what net/http would send.
type Request struct {
	Method, Target string
	Headers        [][2]string
	Body           string
}

// Response is what came back.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Send sends the request to http://address.
func (r Request) Send(t testing.TB, url, host string) Response {
	t.Helper()
	a, err := r.exchange(strings.TrimPrefix(url, "http://"), host)
	if err != nil {
		t.Errorf("%s %.100s: %v", r.Method, r.Target, err)
	}
	return a
}

func (r Request) exchange(address, host string) (Response, error) {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return Response{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		return Response{}, err
	}
	_, writing := conn.Write(r.wire(host)) // A server may refuse a long body before it has all of it.
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	if err != nil {
		return Response{}, fmt.Errorf("%w (writing: %v)", err, writing)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return Response{response.StatusCode, response.Header, string(body)}, err
}

func (r Request) wire(host string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.Method, r.Target, host)
	for _, h := range r.Headers {
		fmt.Fprintf(&out, "%s: %s\r\n", h[0], h[1])
	}
	fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n%s", len(r.Body), r.Body)
	return out.Bytes()
}
