package http1_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/upstream/headfilter"
	"cocart-gateway/upstream/http1"
)

// script is a connection to a server that says the same bytes once a request has come, in pieces of one size, and hangs up.
type script struct {
	says  io.Reader
	piece int
	after string // what the body of the request ends with
	asked chan struct{}
	once  sync.Once

	mu   sync.Mutex
	got  bytes.Buffer
	gone chan struct{}
}

func newScript(says string, piece int) *script {
	return &script{says: strings.NewReader(says), piece: piece, asked: make(chan struct{}), gone: make(chan struct{})}
}

func (s *script) Read(p []byte) (int, error) {
	select {
	case <-s.asked:
		return s.says.Read(p[:min(len(p), s.piece)])
	case <-s.gone:
		return 0, net.ErrClosed
	}
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.Write(p)
	if _, body, ended := strings.Cut(s.got.String(), "\r\n\r\n"); ended && strings.HasSuffix(body, s.after) {
		s.once.Do(func() { close(s.asked) })
	}
	return len(p), nil
}

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.gone:
	default:
		close(s.gone)
	}
	return nil
}

func (s *script) sent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

func (*script) LocalAddr() net.Addr              { return nil }
func (*script) RemoteAddr() net.Addr             { return nil }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }

const headerLimit = 256 << 10

// ours is the package under test on one connection.
func ours(conn net.Conn, dropped func(int)) *http1.Transport {
	return http1.New(http1.Config{
		Dial:    func(context.Context) (net.Conn, error) { return conn, nil },
		MaxIdle: 1, IdleTimeout: time.Minute, MaxHeader: headerLimit, Dropped: dropped, Excess: func() {},
	})
}

// theirs is net/http with the filter, as https origins have it.
func theirs(conn net.Conn, dropped func(int)) (*http.Transport, *headfilter.Conn) {
	filtered := headfilter.New(conn, headerLimit, dropped)
	filtered.Expect()
	return &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return filtered, nil },
		DisableCompression: true, MaxResponseHeaderBytes: headerLimit, ReadBufferSize: 16 << 10,
	}, filtered
}

// seen is all that a proxy makes of an answer.
type seen struct {
	Status, Proto string
	Header        http.Header
	Body          string
	Trailer       http.Header
	Length        int64
	Coding        string
	Close         bool
	BodyFailed    bool
	Dropped       int
}

func read(resp *http.Response) seen {
	defer resp.Body.Close()
	s := seen{
		Status: resp.Status, Proto: fmt.Sprint(resp.Proto, resp.ProtoMajor, resp.ProtoMinor, resp.StatusCode), Header: resp.Header,
		Length: resp.ContentLength, Coding: fmt.Sprint(resp.TransferEncoding), Close: resp.Close,
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return s // it is a connection
	}
	body, err := io.ReadAll(resp.Body)
	s.Body, s.BodyFailed, s.Trailer = string(body), err != nil, resp.Trailer
	return s
}

func request(t testing.TB, method string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://shop.example/page?a=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// compare fails the test unless net/http and this package see the same in an answer, or both refuse it.
func compare(t *testing.T, method, answer string, piece int) (seen, error) {
	t.Helper()
	var dropped, theirDropped int
	conn, other := newScript(answer, piece), newScript(answer, piece)
	resp, _, err := ours(conn, func(n int) { dropped += n }).Do(request(t, method), http1.Call{})
	reference, _ := theirs(other, func(n int) { theirDropped += n })
	reference.DisableKeepAlives = true // or it logs what follows an answer
	theirResp, theirErr := reference.RoundTrip(request(t, method))
	defer reference.CloseIdleConnections()
	if theirErr == nil && blankFrames(theirResp.Header) {
		theirErr = errors.New("a name with a blank") // this package is stricter
	}
	if (err == nil) != (theirErr == nil) {
		t.Fatalf("%s %q: error %v, net/http's %v", method, answer, err, theirErr)
	}
	if err != nil {
		return seen{}, err
	}
	if kept := theirResp.Header["Connection"]; len(kept) == 1 && kept[0] == "keep-alive" && theirResp.ProtoAtLeast(1, 1) {
		delete(theirResp.Header, "Connection") // says nothing
	}
	got, want := read(resp), read(theirResp)
	got.Dropped, want.Dropped = dropped, theirDropped
	if fmt.Sprintf("%#v", sorted(got)) != fmt.Sprintf("%#v", sorted(want)) {
		t.Errorf("%s %q\n got %#v\nwant %#v", method, answer, got, want)
	}
	return got, nil
}

// blankFrames removes names with a blank, as this package does, and reports whether one of them is that of a header that frames
// the answer.
func blankFrames(h http.Header) (frames bool) {
	for name := range h {
		if strings.Contains(name, " ") {
			delete(h, name)
			trimmed := strings.ToLower(strings.TrimSpace(name))
			frames = frames || slices.Contains([]string{"content-length", "transfer-encoding", "connection", "upgrade", "trailer"}, trimmed)
		}
	}
	return frames
}

// sorted makes headers comparable as text.
func sorted(s seen) seen {
	for _, h := range []http.Header{s.Header, s.Trailer} {
		lines := ""
		for _, name := range slices.Sorted(maps.Keys(h)) {
			lines += fmt.Sprintf("%s: %q\n", name, h[name])
		}
		s.Body += "\n" + lines
	}
	if s.BodyFailed { // how much of a broken body arrives depends on timing
		s.Body = ""
	}
	s.Header, s.Trailer = nil, nil
	return s
}

// oddAnswers are answers, most of which no server should give. The first word says what becomes of each.
var oddAnswers = map[string]string{
	"ok: with a length":                                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"ok: in chunks":                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"ok: in chunks with extensions":                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n1 \r\n!\r\n0;x\r\n\r\n",
	"ok: with a trailer":                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-two\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\nX-More: 1\r\n\r\n",
	"ok: until the end":                                  "HTTP/1.1 200 OK\r\nA: 1\r\n\r\nok",
	"ok: HTTP/1.0":                                       "HTTP/1.0 200 OK\r\n\r\nok",
	"ok: HTTP/1.0 kept":                                  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"ok: HTTP/1.0 in chunks has none":                    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"ok: HTTP/1.0 another coding":                        "HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
	"ok: HTTP/2.0 in text":                               "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"ok: HTTP/0.9 in text":                               "HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"ok: no content":                                     "HTTP/1.1 204 No Content\r\n\r\n",
	"ok: no content with a length":                       "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
	"ok: no content in chunks":                           "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"ok: not modified":                                   "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 500\r\n\r\n",
	"ok: length zero":                                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"ok: early hints":                                    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"ok: two continues":                                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"ok: both lengths":                                   "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"ok: the same length twice":                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
	"ok: a body that is too long":                        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
	"ok: close":                                          "HTTP/1.1 200 OK\r\nConnection: X-A, close\r\nContent-Length: 2\r\n\r\nok",
	"ok: it stays open":                                  "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"ok: an old proxy's word":                            "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 2\r\n\r\nok",
	"ok: a folded line":                                  "HTTP/1.1 200 OK\r\nX-A: one\r\n  two\r\n\tthree\r\nContent-Length: 2\r\n\r\nok",
	"ok: a fold without text":                            "HTTP/1.1 200 OK\r\nX-A: one\r\n \r\nContent-Length: 2\r\n\r\nok",
	"ok: a folded length":                                "HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nok",
	"ok: line feeds alone":                               "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
	"ok: the empty line alone":                           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok",
	"ok: blanks around a value":                          "HTTP/1.1 200 OK\r\nX-A: \t a b \t\r\nContent-Length:\t2 \r\n\r\nok",
	"ok: an empty value":                                 "HTTP/1.1 200 OK\r\nX-A:\r\nContent-Length: 2\r\n\r\nok",
	"ok: values in UTF-8":                                "HTTP/1.1 200 OK\r\nX-A: é\xff\r\nContent-Length: 2\r\n\r\nok",
	"ok: names in other cases":                           "HTTP/1.1 200 OK\r\nx-wp-total: 1\r\nX-WP-Total: 2\r\ncontent-LENGTH: 2\r\n\r\nok",
	"ok: odd names":                                      "HTTP/1.1 200 OK\r\nX!#$%&'*+.^`|~: 1\r\nx_y: 2\r\nContent-Length: 2\r\n\r\nok",
	"ok: a name with a blank is dropped":                 "HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 2\r\n\r\nok",
	"ok: a line without a colon is dropped":              "HTTP/1.1 200 OK\r\nWarning\r\nContent-Length: 2\r\n\r\nok",
	"ok: a control character is dropped":                 "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 2\r\n\r\nok",
	"ok: a bare CR is dropped":                           "HTTP/1.1 200 OK\r\nX-A: a\rContent-Length: 9\r\nContent-Length: 2\r\n\r\nok",
	"ok: a fold after the status is dropped":             "HTTP/1.1 200 OK\r\n X: 1\r\nContent-Length: 2\r\n\r\nok",
	"ok: a status without a text":                        "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
	"ok: a status with blanks":                           "HTTP/1.1   200   OK \r\nContent-Length: 2\r\n\r\nok",
	"ok: hints with blanks, then a line that is dropped": "HTTP/1.1  103\r\n\r\nHTTP/1.1 200 OK\r\nWarning\r\nContent-Length: 2\r\n\r\nok",
	"ok: a status with a bare CR":                        "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok",
	"ok: an unknown status":                              "HTTP/1.1 799 ?\r\nContent-Length: 2\r\n\r\nok",
	"ok: a status below 100":                             "HTTP/1.1 099 ?\r\nContent-Length: 2\r\n\r\nok",
	"ok: a status with a sign":                           "HTTP/1.1 +20 ?\r\nContent-Length: 2\r\n\r\nok",
	"ok: a switch that names no protocol":                "HTTP/1.1 101 Switching Protocols\r\n\r\nwhat follows",
	"ok: a switch":                                       "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nwhat follows",
	"ok: another trailer than announced":                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ,\r\n\r\n0\r\nX-A: 1\r\n\r\n",
	"ok: a trailer without chunks":                       "HTTP/1.1 200 OK\r\nTrailer: X-A\r\nContent-Length: 2\r\n\r\nok",
	"broken: half a body":                                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
	"broken: half a chunk":                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
	"broken: chunks without their end":                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
	"broken: no empty line at the end":                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
	"broken: a chunk with a bare LF":                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
	"broken: a chunk that is longer":                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
	"broken: a chunk of no number":                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
	"broken: a chunk of a hexadecimal prefix":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
	"broken: a huge chunk":                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n",
	"broken: an odd trailer":                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
	"broken: a long trailer":                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n",
	"refused: nothing":                                   "",
	"refused: half a header":                             "HTTP/1.1 200 OK\r\nContent-Le",
	"refused: only hints":                                "HTTP/1.1 103 Early Hints\r\n\r\n",
	"refused: two lengths":                               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
	"refused: a list of lengths":                         "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
	"refused: a negative length":                         "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
	"refused: a length with a sign":                      "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
	"refused: a length in hexadecimal":                   "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok",
	"refused: an empty length":                           "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok",
	"refused: a huge length":                             "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\nok",
	"refused: a blank before a length":                   "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
	"refused: a blank before a coding":                   "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"refused: a control character in it":                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chun\x00ked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"ok: a blank in a name that has such a word":         "HTTP/1.1 200 OK\r\nX Connection: close\r\nContent-Length: 2\r\n\r\nok",
	"refused: two codings":                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"refused: chunked twice":                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"refused: identity":                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
	"refused: a trailer that frames":                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n",
	"refused: no HTTP":                                   "SSH-2.0-OpenSSH_9.2\r\n\r\n",
	"refused: no version":                                "200 OK\r\n\r\n",
	"refused: another version":                           "HTTP/11.1 200 OK\r\n\r\n",
	"refused: a status of two digits":                    "HTTP/1.1 20 OK\r\n\r\n",
	"refused: a status of four digits":                   "HTTP/1.1 2000 OK\r\n\r\n",
	"refused: a status of letters":                       "HTTP/1.1 abc OK\r\n\r\n",
	"refused: an empty line first":                       "\r\nHTTP/1.1 200 OK\r\n\r\n",
	"refused: a long header":                             "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10) + "\r\n\r\n",
	"ok: a header longer than the buffer":                "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 40<<10) + "\r\nContent-Length: 2\r\n\r\nok",
	"ok: such a header of many lines":                    "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Line: 0123456789\r\n", 2000) + "X Y: 1\r\nContent-Length: 2\r\n\r\nok",
}

func TestOddAnswersAreReadAsNetHTTPReadsThem(t *testing.T) {
	for name, answer := range oddAnswers {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for _, piece := range []int{1, 7, 1 << 20} {
				if piece == 1 && len(answer) > 64<<10 {
					continue
				}
				got, err := compare(t, method, answer, piece)
				outcome := "ok"
				switch {
				case err != nil:
					outcome = "refused"
				case got.BodyFailed:
					outcome = "broken"
				}
				if method == "GET" && !strings.HasPrefix(name, outcome+":") {
					t.Errorf("%s: it is %s: %v", name, outcome, err)
				}
			}
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, answer := range oddAnswers {
		if len(answer) < 1000 {
			f.Add(answer, uint8(0), uint16(1000))
			f.Add(answer, uint8(1), uint16(3))
		}
	}
	f.Fuzz(func(t *testing.T, answer string, method uint8, piece uint16) {
		if len(answer) > 64<<10 {
			return
		}
		_, _ = compare(t, []string{"GET", "HEAD", "POST", "OPTIONS"}[method%4], answer, int(piece)+1)
	})
}

// What is sent is what net/http sends, but for the order of the lines.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "/a%2Fb?x=é&y", "shop.example", "X-A", " one\ttwo ", "", false)
	f.Add("POST", "//", "[fe80::1%25en0]:8080", "Transfer-Encoding", "chunked", "body", false)
	f.Add("PUT", "/", "shop.example/ x", "content-length", "9", "body", true)
	f.Add("DELETE", "/", "shöp.example", "Connection", "close", "", true)
	f.Add("G T", "/", "", "Host", "x", "", false)
	f.Add("PATCH", "/", "a\r\nb", "X\r\nY", "a\r\nb", "", false)
	f.Fuzz(func(t *testing.T, method, target, host, name, value, body string, chunked bool) {
		build := func() *http.Request {
			req := request(t, "GET")
			req.Method, req.Host = method, host
			if u, err := req.URL.Parse("http://shop.example/" + strings.TrimLeft(target, "/")); err == nil {
				req.URL = u
			}
			req.URL.Scheme, req.URL.Host = "http", "shop.example"
			req.Header = http.Header{name: {value}, "User-Agent": {"test"}}
			if body != "" {
				req.Body, req.ContentLength = http1.NewBytes([]byte(body)), int64(len(body))
				if chunked {
					req.ContentLength, req.TransferEncoding = -1, []string{"chunked"}
				}
			}
			return req
		}
		if method == "" || method == "CONNECT" || framesElsewhere(name) {
			return // see TestHeadersThatFrameAreNeverSent
		}
		const answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
		conn, other := newScript(answer, 100), newScript(answer, 100)
		conn.after, other.after = body, body // an early answer with Connection: close may end the sending of the body
		if body != "" && chunked {
			conn.after, other.after = "\r\n0\r\n\r\n", "\r\n0\r\n\r\n"
		}
		_, _, err := ours(conn, nil).Do(build(), http1.Call{})
		reference, _ := theirs(other, nil)
		_, theirErr := reference.RoundTrip(build())
		if (err == nil) != (theirErr == nil) {
			t.Fatalf("error %v, net/http's %v", err, theirErr)
		}
		if err != nil {
			return
		}
		if got, want := lines(conn.sent()), lines(other.sent()); got != want {
			t.Errorf("sent %q, net/http %q", got, want)
		}
	})
}

// framesElsewhere reports names of which net/http sends some spellings.
func framesElsewhere(name string) bool {
	for _, framing := range []string{"Host", "Trailer", "Content-Length", "Transfer-Encoding"} {
		if strings.EqualFold(name, framing) && name != framing {
			return true
		}
	}
	return false
}

func lines(request string) string {
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	all := strings.Split(head, "\r\n")
	slices.Sort(all[1:])
	return strings.Join(all, "\n") + "\n\n" + body
}

// Attack: a header in another spelling says another length, and what follows is a request that the gateway has not read.
func TestHeadersThatFrameAreNeverSent(t *testing.T) {
	for _, name := range []string{"content-length", "CONTENT-LENGTH", "transfer-encoding", "Transfer-encoding", "HOST", "host", "trailer"} {
		conn := newScript("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 100)
		req := request(t, "GET")
		req.Header[name] = []string{"canary"}
		if _, _, err := ours(conn, nil).Do(req, http1.Call{}); err != nil || strings.Contains(conn.sent(), "canary") {
			t.Errorf("%s: %v, sent %q", name, err, conn.sent())
		}
	}
}

func TestARequestThatCouldBeReadAsTwoIsNotSent(t *testing.T) {
	for name, spoil := range map[string]func(*http.Request){
		"a method":             func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX:" },
		"a name":               func(r *http.Request) { r.Header["X\r\nY"] = []string{"1"} },
		"a value":              func(r *http.Request) { r.Header["X"] = []string{"1\r\nY: 2"} },
		"a target":             func(r *http.Request) { r.URL.Opaque = "/\r\nX: 1" },
		"a length but no body": func(r *http.Request) { r.ContentLength = 5 },
	} {
		conn := newScript("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 100)
		req := request(t, "GET")
		spoil(req)
		if _, _, err := ours(conn, nil).Do(req, http1.Call{}); err == nil || conn.sent() != "" {
			t.Errorf("%s: %v, sent %q", name, err, conn.sent())
		}
	}
}
