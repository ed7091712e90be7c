package http1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/upstream/http1"
)

// server accepts connections and hands each to serve, one after the other counted.
type server struct {
	*http1.Transport
	address string
	dialled atomic.Int64
}

func serve(t *testing.T, handle func(n int64, conn net.Conn, in *bufio.Reader), more ...func(*http1.Config)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String()}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for n := int64(1); ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(n, conn, bufio.NewReader(conn))
			}()
		}
	}()
	s.Transport = transportTo(s.address, &s.dialled, more...)
	t.Cleanup(s.CloseIdle)
	return s
}

func transportTo(address string, dialled *atomic.Int64, more ...func(*http1.Config)) *http1.Transport {
	cfg := http1.Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			dialled.Add(1)
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		MaxIdle: 10, IdleTimeout: time.Minute, MaxHeader: 64 << 10, Dropped: func(int) {}, Excess: func() {},
	}
	for _, change := range more {
		change(&cfg)
	}
	return http1.New(cfg)
}

// get returns the body of an answer, or an error.
func (s *server) get(req *http.Request, call http1.Call) (string, error) {
	resp, _, err := s.Do(req, call)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

const okay = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// answering answers every request on a connection with the same bytes.
func answering(answer string) func(int64, net.Conn, *bufio.Reader) {
	return func(_ int64, conn net.Conn, in *bufio.Reader) {
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	}
}

func TestWhichAnswersKeepTheirConnection(t *testing.T) {
	for name, row := range map[string]struct {
		answer string
		kept   bool
	}{
		"with a length":            {okay, true},
		"in chunks":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
		"with a trailer":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n\r\n", true},
		"without a body":           {"HTTP/1.1 204 No Content\r\n\r\n", true},
		"HTTP/1.0 that stays":      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true},
		"HTTP/1.0":                 {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
		"close":                    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false},
		"two ways to say its end":  {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
		"204 with a length":        {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", false},
		"204 in chunks":            {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
		"more than its length":     {okay + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", false},
		"a 1xx that is no upgrade": {"HTTP/1.1 101 Switching Protocols\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answering(row.answer))
			for range 3 {
				if body, err := s.get(request(t, "GET"), http1.Call{}); err != nil || body == "poison" {
					t.Fatal(body, err)
				}
			}
			if n := s.dialled.Load(); (n == 1) != row.kept || n != 1 && n != 3 {
				t.Errorf("%d connections for 3 requests", n)
			}
		})
	}
}

func TestWhatFollowsAnAnswerIsReported(t *testing.T) {
	excess := 0
	s := serve(t, answering(okay+okay), func(c *http1.Config) { c.Excess = func() { excess++ } })
	if _, err := s.get(request(t, "GET"), http1.Call{}); err != nil || excess != 1 {
		t.Errorf("%v, reported %d times", err, excess)
	}
}

func TestAConnectionWhoseAnswerWasNotReadIsClosed(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(n int64, conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\npart")
		_, _ = io.Copy(io.Discard, in)
		close(gone)
	})
	resp, _, err := s.Do(request(t, "GET"), http1.Call{})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	<-gone
	if _, err := resp.Body.Read(make([]byte, 9)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Error(err)
	}
}

// Closing a body ends a Read that waits: the gateway gives up an answer that stands still.
func TestCloseEndsARead(t *testing.T) {
	s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
		_, _ = io.Copy(io.Discard, in)
	})
	resp, _, err := s.Do(request(t, "GET"), http1.Call{})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Millisecond, func() { resp.Body.Close() })
	if body, err := io.ReadAll(resp.Body); string(body) != "part" || err == nil {
		t.Error(string(body), err)
	}
}

// What the server closed while a connection was idle is noticed before a request is written: a POST is not lost.
func TestAConnectionThatTheServerClosedIsNotUsed(t *testing.T) {
	for name, last := range map[string]string{"closed": "", "it said something": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 6\r\n\r\npoison"} {
		t.Run(name, func(t *testing.T) {
			did := make(chan struct{})
			s := serve(t, func(n int64, conn net.Conn, in *bufio.Reader) {
				_, _ = http.ReadRequest(in)
				_, _ = io.WriteString(conn, okay)
				if n > 1 {
					return
				}
				<-did
				_, _ = io.WriteString(conn, last)
				conn.Close()
				did <- struct{}{}
			})
			for i := range 2 {
				if body, err := s.get(request(t, "POST"), http1.Call{}); err != nil || body != "ok" {
					t.Fatal(body, err)
				}
				if i == 0 {
					did <- struct{}{}
					<-did
				}
			}
			if n := s.dialled.Load(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// An upload holds a place at WordPress. One that the server stops reading must not do so for ever; one that it reads slowly may.
func TestAnUploadThatTheServerDoesNotReadEnds(t *testing.T) {
	const pieces = 4
	for name, length := range map[string]int64{"with a length": pieces * 16 << 10, "chunked": -1} {
		for reads := range pieces + 2 { // of 8 KiB, each within the time
			t.Run(fmt.Sprintf("%s, %d reads", name, reads), func(t *testing.T) {
				ours, theirs := net.Pipe() // without a buffer
				defer theirs.Close()
				s := &server{Transport: transportTo("", nil, func(c *http1.Config) {
					c.WriteTimeout = 50 * time.Millisecond
					c.Dial = func(context.Context) (net.Conn, error) { return ours, nil }
				})}
				go func() {
					for range reads {
						_, _ = theirs.Read(make([]byte, 8<<10))
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop.example/", io.LimitReader(zeros{}, pieces*16<<10))
				if err != nil {
					t.Fatal(err)
				}
				req.ContentLength = length
				_, err = s.get(req, http1.Call{HeaderTimeout: time.Hour})
				var timeout net.Error
				if !errors.As(err, &timeout) || !timeout.Timeout() || ctx.Err() != nil {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A connection whose upload ended in time is used again without its limit.
func TestAnUploadLeavesNoDeadline(t *testing.T) {
	var dialled net.Conn
	s := serve(t, answering(okay), func(c *http1.Config) {
		dial := c.Dial
		c.WriteTimeout = time.Hour
		c.Dial = func(ctx context.Context) (net.Conn, error) {
			conn, err := dial(ctx)
			dialled = &lastDeadline{Conn: conn}
			return dialled, err
		}
	})
	req := request(t, "POST")
	req.Body, req.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 100<<10)), 100<<10
	if _, err := s.get(req, http1.Call{}); err != nil {
		t.Fatal(err)
	}
	if d := dialled.(*lastDeadline); d.set == 0 || !d.at.IsZero() {
		t.Errorf("%d deadlines, the last is %v", d.set, d.at)
	}
}

// lastDeadline remembers the deadline for writing.
type lastDeadline struct {
	net.Conn
	set int
	at  time.Time
}

func (d *lastDeadline) SetWriteDeadline(at time.Time) error {
	d.set, d.at = d.set+1, at
	return d.Conn.SetWriteDeadline(at)
}

// A short answer leaves the deadline of its header on the connection. Customers of a quiet shop come further apart than that.
func TestAConnectionIsUsedAgainAfterTheDeadlineOfItsLastAnswer(t *testing.T) {
	var dialled net.Conn
	s := serve(t, answering(okay), func(c *http1.Config) {
		dial := c.Dial
		c.Dial = func(ctx context.Context) (net.Conn, error) {
			conn, err := dial(ctx)
			dialled = conn
			return conn, err
		}
	})
	if _, err := s.get(request(t, "GET"), http1.Call{HeaderTimeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if err := dialled.SetDeadline(time.Now().Add(-time.Second)); err != nil { // that minute is over
		t.Fatal(err)
	}
	if _, err := s.get(request(t, "GET"), http1.Call{HeaderTimeout: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if n := s.dialled.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// The server may have acted on a request that it got before it hung up.
func TestWhatIsSentAgain(t *testing.T) {
	for name, row := range map[string]struct {
		method string
		body   string
		replay bool
		says   string // of the answer, before the server hangs up
		first  bool   // on a connection that was not used before
		want   int64
	}{
		"a GET that reads":               {method: "GET", replay: true, want: 2},
		"not one that does something":    {method: "GET", want: 1},
		"nothing with a body":            {method: "GET", body: "x", replay: true, want: 1},
		"nothing whose answer had begun": {method: "GET", replay: true, says: "H", want: 1},
		"nothing on a new connection":    {method: "GET", replay: true, first: true, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			s := serve(t, func(n int64, conn net.Conn, in *bufio.Reader) {
				if n == 1 && !row.first {
					_, _ = http.ReadRequest(in)
					_, _ = io.WriteString(conn, okay)
				}
				if _, err := http.ReadRequest(in); err == nil {
					asked.Add(1)
					_, _ = io.WriteString(conn, row.says)
				}
			})
			if !row.first {
				if _, err := s.get(request(t, "GET"), http1.Call{}); err != nil {
					t.Fatal(err)
				}
			}
			req := request(t, row.method)
			if row.body != "" {
				req.Body, req.ContentLength = http1.NewBytes([]byte(row.body)), int64(len(row.body))
			}
			if _, err := s.get(req, http1.Call{Replay: row.replay}); err == nil || asked.Load() != row.want {
				t.Errorf("sent %d times: %v", asked.Load(), err)
			}
		})
	}
}

// A server that dies of a request would otherwise do so once for each idle connection.
func TestARequestIsSentTwiceAtMost(t *testing.T) {
	const idle = 3
	var open sync.WaitGroup
	open.Add(idle)
	var asked atomic.Int64
	s := serve(t, func(n int64, conn net.Conn, in *bufio.Reader) {
		if n <= idle {
			_, _ = http.ReadRequest(in)
			open.Done()
			open.Wait()
			_, _ = io.WriteString(conn, okay)
		}
		if _, err := http.ReadRequest(in); err == nil {
			asked.Add(1)
		}
	})
	var first sync.WaitGroup
	for range idle {
		first.Go(func() {
			if _, err := s.get(request(t, "GET"), http1.Call{}); err != nil {
				t.Error(err)
			}
		})
	}
	first.Wait()
	if _, err := s.get(request(t, "GET"), http1.Call{Replay: true}); err == nil || asked.Load() != 2 {
		t.Errorf("sent %d times: %v", asked.Load(), err)
	}
}

func TestTheHeaderHasATimeLimitAndTheBodyHasNone(t *testing.T) {
	began := make(chan struct{})
	s := serve(t, func(n int64, conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
		<-began
		_, _ = io.WriteString(conn, "k")
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 O")
		_, _ = io.Copy(io.Discard, in)
	})
	call := http1.Call{HeaderTimeout: 30 * time.Millisecond}
	resp, _, err := s.Do(request(t, "GET"), http1.Call{HeaderTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(60*time.Millisecond, func() { close(began) })
	if body, err := io.ReadAll(resp.Body); string(body) != "ok" || err != nil {
		t.Error(string(body), err)
	}
	var timeout net.Error
	if _, err := s.get(request(t, "GET"), call); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Error(err)
	}
}

func TestTheEndOfAContextClosesTheConnection(t *testing.T) {
	for name, says := range map[string]string{"before the answer": "", "in its body": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{})
			ctx, cancel := context.WithCancelCause(t.Context())
			left := errors.New("the client left")
			s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
				_, _ = http.ReadRequest(in)
				_, _ = io.WriteString(conn, says)
				cancel(left)
				_, _ = io.Copy(io.Discard, in)
				close(gone)
			})
			if body, err := s.get(request(t, "GET").WithContext(ctx), http1.Call{}); !errors.Is(err, left) {
				t.Error(body, err)
			}
			<-gone
			if _, connected, err := s.Do(request(t, "GET").WithContext(ctx), http1.Call{}); connected || !errors.Is(err, left) {
				t.Error(connected, err)
			}
		})
	}
}

// slowBody is a body that is not in memory; its pieces come when the test sends them.
type slowBody struct {
	pieces chan string
	closed atomic.Bool
	rest   string
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.rest == "" {
		piece, more := <-b.pieces
		if !more {
			return 0, io.EOF
		}
		if b.rest = piece; piece == "broken" {
			return 0, errBody
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *slowBody) Close() error { b.closed.Store(true); return nil }

var errBody = errors.New("the body broke off")

func post(t *testing.T, length int64) (*http.Request, *slowBody) {
	t.Helper()
	body := &slowBody{pieces: make(chan string, 100)}
	req := request(t, "POST")
	req.Body, req.ContentLength = body, length
	return req, body
}

func TestABodyIsStreamed(t *testing.T) {
	for _, length := range []int64{9, -1} {
		s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
			for {
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				part := make([]byte, 4)
				_, _ = io.ReadFull(req.Body, part)
				fmt.Fprintf(conn, "HTTP/1.1 103 Early Hints\r\nX-Got: %s\r\n\r\n", part) // the rest is sent after this
				rest, err := io.ReadAll(req.Body)
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%v", len(rest)+len(fmt.Sprint(err)), rest, err)
			}
		})
		for range 2 {
			req, body := post(t, length)
			body.pieces <- "one "
			trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				if h.Get("X-Got") == "one" {
					body.pieces <- "two "
					body.pieces <- "3"
					close(body.pieces)
				}
				return nil
			}}
			got, err := s.get(req.WithContext(httptrace.WithClientTrace(t.Context(), trace)), http1.Call{HeaderTimeout: time.Minute})
			if got != "two 3<nil>" || err != nil || !body.closed.Load() {
				t.Errorf("length %d: %q %v", length, got, err)
			}
		}
		if n := s.dialled.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
	}
}

// A server that refuses an upload answers before it has read it.
func TestAnEarlyAnswerArrivesWhileTheBodyIsSent(t *testing.T) {
	gone := make(chan struct{}, 2)
	s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
		_, _ = io.Copy(io.Discard, in)
		gone <- struct{}{}
	})
	for range 2 {
		req, body := post(t, -1)
		body.pieces <- "the beginning"
		if got, err := s.get(req, http1.Call{}); got != "no" || err != nil {
			t.Error(got, err)
		}
		<-gone // half a request is on it
		close(body.pieces)
	}
	if n := s.dialled.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestAnAnswerArrivesThoughTheServerHungUpOnTheBody(t *testing.T) {
	s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.CopyN(io.Discard, in, 1<<20)
	})
	req, body := post(t, -1)
	for range 50 {
		body.pieces <- strings.Repeat("x", 1<<20)
	}
	close(body.pieces)
	if got, err := s.get(req, http1.Call{}); got != "no" || err != nil {
		t.Error(got, err)
	}
}

func TestABodyThatBreaksOffIsNeverAWholeOne(t *testing.T) {
	for name, row := range map[string]struct {
		length int64
		pieces []string
	}{
		"in chunks":    {-1, []string{"part", "broken"}},
		"with length":  {9, []string{"part", "broken"}},
		"is too short": {9, []string{"part"}},
		"is too long":  {3, []string{"part"}},
	} {
		t.Run(name, func(t *testing.T) {
			whole := make(chan error, 1)
			s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
				req, err := http.ReadRequest(in)
				if err == nil {
					_, err = io.ReadAll(req.Body)
				}
				whole <- err
				_, _ = io.Copy(io.Discard, in)
			})
			req, body := post(t, row.length)
			for _, piece := range row.pieces {
				body.pieces <- piece
			}
			close(body.pieces)
			_, err := s.get(req, http1.Call{})
			if broken := row.pieces[len(row.pieces)-1] == "broken"; err == nil || broken && !errors.Is(err, errBody) {
				t.Error(err)
			}
			if err := <-whole; err == nil && row.length != 3 {
				t.Error("the server took it for a whole one")
			}
		})
	}
}

func TestABodyWaitsForContinue(t *testing.T) {
	for name, row := range map[string]struct {
		first string // what the server says before it reads
		sent  bool
		kept  bool
	}{
		"it is wanted":              {"HTTP/1.1 100 Continue\r\n\r\n", true, true},
		"it is refused":             {"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", false, false},
		"refused, and open":         {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", true, true},
		"the question is not known": {"", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			bodies := make(chan string, 2)
			s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
				for {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, row.first)
					got, _ := io.ReadAll(req.Body)
					bodies <- string(got)
					if !strings.Contains(row.first, "401") {
						_, _ = io.WriteString(conn, okay)
					}
				}
			})
			for range min(2, 1+len(row.first)) { // once where it takes a second
				req := request(t, "POST")
				req.Header.Set("Expect", "100-continue")
				req.Body, req.ContentLength = http1.NewBytes([]byte("body")), 4
				got, err := s.get(req, http1.Call{HeaderTimeout: time.Minute})
				if err != nil || got == "" {
					t.Fatal(got, err)
				}
				if got := <-bodies; (got == "body") != row.sent {
					t.Errorf("the server got %q", got)
				}
			}
			if n := s.dialled.Load(); (n == 1) != row.kept {
				t.Errorf("%d connections", n)
			}
		})
	}
}

func TestAnUpgradedConnectionIsTheCallers(t *testing.T) {
	s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
		line, _ := in.ReadString('\n')
		_, _ = io.WriteString(conn, line)
		_, _ = io.Copy(conn, in) // until CloseWrite
	})
	ctx, cancel := context.WithCancel(t.Context())
	req := request(t, "GET").WithContext(ctx)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, _, err := s.Do(req, http1.Call{HeaderTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	cancel() // concerns the request only
	conn := resp.Body.(io.ReadWriteCloser)
	defer conn.Close()
	_, _ = io.WriteString(conn, "one\ntwo")
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(conn); string(got) != "hello\none\ntwo" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

func TestIdleConnectionsAreBoundedInNumberAndTime(t *testing.T) {
	opened, closed := make(chan struct{}, 99), make(chan struct{}, 99)
	release := make(chan struct{})
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		opened <- struct{}{}
		<-release
	}))
	origin.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	origin.Start()
	defer origin.Close()
	var dialled atomic.Int64
	tr := transportTo(origin.Listener.Addr().String(), &dialled, func(c *http1.Config) { c.MaxIdle, c.IdleTimeout = 3, 50*time.Millisecond })
	done := make(chan error, 5)
	for range 5 {
		go func() {
			resp, _, err := tr.Do(request(t, "GET"), http1.Call{})
			if err == nil {
				resp.Body.Close()
			}
			done <- err
		}()
		<-opened
	}
	close(release)
	for range 5 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for range 5 { // two at once, three after a while
		<-closed
	}
}

func TestCloseIdleClosesAlsoWhatBecomesIdleLater(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(_ int64, conn net.Conn, in *bufio.Reader) {
		answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")(0, conn, in)
		gone <- struct{}{}
	})
	resp, _, err := s.Do(request(t, "GET"), http1.Call{})
	if err != nil {
		t.Fatal(err)
	}
	s.CloseIdle()
	_, _ = io.ReadAll(resp.Body)
	<-gone
	if _, err := s.get(request(t, "GET"), http1.Call{}); err != nil {
		t.Fatal(err)
	}
	s.CloseIdle()
	<-gone
}

func TestAHeaderMayNotBeTooLarge(t *testing.T) {
	for name, answer := range map[string]string{
		"in one line":      "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 65<<10) + "\r\n\r\n",
		"in many":          "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: 1\r\n", 20000) + "\r\n",
		"without end":      "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: 1\r\n", 20000),
		"in early answers": strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 100) + okay,
	} {
		s := serve(t, answering(answer))
		if _, err := s.get(request(t, "GET"), http1.Call{}); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestADialThatFailsLeavesTheBodyOpen(t *testing.T) {
	refused := errors.New("refused")
	tr := http1.New(http1.Config{Dial: func(context.Context) (net.Conn, error) { return nil, refused }})
	req, body := post(t, 4)
	if _, connected, err := tr.Do(req, http1.Call{}); connected || !errors.Is(err, refused) || body.closed.Load() {
		t.Error(connected, err, body.closed.Load())
	}
}
