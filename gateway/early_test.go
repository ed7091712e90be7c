package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

func TestAClientOfHTTP10GetsNoHints(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		return false
	}
	for version, want := range map[string]string{"1.0": "HTTP/1.0 200 OK\r\n", "1.1": "HTTP/1.1 103 Early Hints\r\n"} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		s.must(err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET /page HTTP/%s\r\nHost: shop.example\r\nConnection: close\r\n\r\n", version)
		s.must(err)
		in := bufio.NewReader(conn)
		got, err := in.ReadString('\n')
		s.must(err)
		if got != want {
			t.Errorf("HTTP/%s: %q", version, got)
		}
		_, err = io.Copy(io.Discard, in)
		s.must(err)
	}
}

// A client that asks for 100 Continue sends no body before it has that, or an answer (RFC 9110 section 10.1.1).
func TestARefusalDoesNotWaitForABodyThatItsClientHoldsBack(t *testing.T) {
	s := openShop(t)
	const json = "Content-Type: application/json\r\n"
	for name, c := range map[string]struct {
		request string
		length  int
		want    int
	}{
		"a malformed token":         {"POST " + addItemRoute + " HTTP/1.1\r\nAuthorization: Bearer x.y.z\r\n" + json, 50, 401},
		"the same, a large body":    {"POST " + addItemRoute + " HTTP/1.1\r\nAuthorization: Bearer x.y.z\r\n" + json, 100_000, 401},
		"a body that is too large":  {"POST " + addItemRoute + " HTTP/1.1\r\n" + json, 1 << 30, 413},
		"a login that is too large": {"POST " + loginRoute + " HTTP/1.1\r\n" + json, 1 << 30, 413},
	} {
		conn := s.dials()
		_, err := fmt.Fprintf(conn, "%sHost: shop.example\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", c.request, c.length)
		s.must(err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != c.want || !resp.Close {
			t.Errorf("%s: status %d, the connection ends: %t", name, resp.StatusCode, resp.Close)
		}
	}
}

// dials connects to the gateway. What waits for an answer does not wait for ever.
func (s *shop) dials() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.must(err)
	s.t.Cleanup(func() { conn.Close() })
	s.must(conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// answersEarly is a shop whose WordPress answers when it has read the header of a request.
func answersEarly(t *testing.T, answer func(conn net.Conn, in *bufio.Reader, r *http.Request), change ...func(*gateway.Config)) *shop {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			if r, err := http.ReadRequest(in); err == nil {
				answer(conn, in, r)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return openShopBehind(t, nil, func(c *upstream.Config) { c.URL = &url.URL{Scheme: "http", Host: l.Addr().String()} }, change...)
}

// PHP does not read an upload that is larger than post_max_size: the page that says so begins while the upload arrives.
func TestAnAnswerThatBeginsBeforeTheUploadHasEndedIsWhole(t *testing.T) {
	const first, second = "first half, ", "second half"
	arrived := make(chan int64, 1)
	s := answersEarly(t, func(conn net.Conn, _ *bufio.Reader, r *http.Request) {
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n%s\r\n", len(first), first)
		n, _ := io.Copy(io.Discard, r.Body)
		arrived <- n
		fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", len(second), second)
	})
	for _, length := range []int{100_000, 200_000, 1_000_000} {
		conn := s.dials()
		half := strings.Repeat("x", length/2)
		_, err := fmt.Fprintf(conn, "POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n%s", length, half)
		s.must(err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		s.must(err)
		got := make([]byte, len(first))
		_, err = io.ReadFull(resp.Body, got)
		s.must(err)
		_, err = io.WriteString(conn, half)
		s.must(err)
		rest, err := io.ReadAll(resp.Body)
		if n := <-arrived; err != nil || string(got)+string(rest) != first+second || n != int64(length) {
			t.Errorf("of %d bytes %d arrived; the answer: %q, %v", length, n, string(got)+string(rest), err)
		}
		if !resp.Close {
			t.Error("the connection stays open, though its request had not ended when the answer began")
		}
	}
}

// Attack: what is left of a body looks like a request, and would be taken for one (request smuggling); or it never comes, and
// the gateway waits for it for ever.
func TestWhatIsLeftOfAnUploadIsNoRequest(t *testing.T) {
	for name, dryRun := range map[string]bool{"in force": false, "a dry run": true} {
		t.Run(name, func(t *testing.T) { leavesNoRequest(t, func(c *gateway.Config) { c.DryRun = dryRun }) })
	}
}

func leavesNoRequest(t *testing.T, change func(*gateway.Config)) {
	s := answersEarly(t, func(conn net.Conn, _ *bufio.Reader, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}, change)
	h := s.timed()
	for _, length := range []int{100_000, 1_000_000} {
		for name, rest := range map[string]string{"a request": "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n", "nothing": ""} {
			conn := s.dials()
			_, err := fmt.Fprintf(conn, "POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n%s", length, strings.Repeat("x", 70_000))
			s.must(err)
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			s.must(err)
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != "ok" || !resp.Close {
				t.Errorf("%d, %s: %q, %v, the connection ends: %t", length, name, body, err, resp.Close)
			}
			_, err = io.WriteString(conn, rest)
			s.must(err)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if more, _ := io.ReadAll(in); len(more) > 0 {
					t.Errorf("%d, %s: %q", length, name, more)
				}
			}()
			tokenstest.Eventually(t, "the connection ends with the time for the rest", func() bool {
				if until := h.running(); until.After(time.Now().Add(lingering)) {
					t.Fatalf("the rest of the body has until %s", until)
				}
				h.pass()
				select {
				case <-ended:
					return true
				default:
					return false
				}
			})
		}
	}
	if paths := s.log.String(); strings.Contains(paths, "smuggled") {
		t.Error(paths)
	}
}

const lingering = 5 * time.Second
