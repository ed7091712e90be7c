package storefront

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"
)

// request is one of the list. Its bytes are written as they stand here: net/http
// would tidy them up.
type request struct {
	name   string
	method string
	target string
	// head are header lines besides Host, Connection and those of the framing.
	head []string
	body string
	// framing says how the body is sent.
	framing framing
	// masked are regular expressions of what differs from one request to the next in
	// the answer: nonces, ids, times. The first group, or all, is not compared.
	masked  []string
	version string // "HTTP/1.1" if empty
}

type framing int

const (
	withLength framing = iota // Content-Length, and nothing without a body
	chunked
	expecting // Content-Length, and Expect: 100-continue
	noHost    // HTTP/1.0 without Host
)

// answer is what a client received.
type answer struct {
	status int
	lines  []string // the header, as received
	body   string
	err    string // how the connection ended, "" if well
}

func (r request) bytes() (head, body string) {
	var b strings.Builder
	version := r.version
	if version == "" {
		version = "HTTP/1.1"
	}
	fmt.Fprintf(&b, "%s %s %s\r\n", r.method, r.target, version)
	if r.framing != noHost {
		b.WriteString("Host: shop.example\r\n")
	}
	b.WriteString("Connection: close\r\n")
	for _, line := range r.head {
		b.WriteString(line + "\r\n")
	}
	body = r.body
	switch {
	case r.framing == chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
		body = inChunks(r.body)
	case r.body != "" || slices.Contains([]string{"POST", "PUT", "PATCH"}, r.method):
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	if r.framing == expecting {
		b.WriteString("Expect: 100-continue\r\n")
	}
	return b.String() + "\r\n", body
}

// inChunks cuts a body in pieces of unequal size.
func inChunks(body string) string {
	var b strings.Builder
	for n := 1; body != ""; n = n*3 + 1 {
		n = min(n, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

// patience is longer than a busy machine takes; nothing waits for it to pass.
const patience = 2 * time.Minute

// send puts a request to an address, and reads the whole answer.
func send(ctx context.Context, address string, r request) (answer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return answer{}, err
	}
	head, body := r.bytes()
	if _, err := io.WriteString(conn, head); err != nil {
		return answer{}, err
	}
	in := bufio.NewReader(conn)
	if r.framing == expecting {
		if interim, err := readHead(in); err != nil || interim.status != 100 {
			return interim, err // refused at once
		}
	}
	sent := make(chan error, 1)
	go func() { // a server may answer before it has read all
		_, err := io.WriteString(conn, body)
		sent <- err
	}()
	got, err := readAnswer(in, r.method)
	conn.Close()
	<-sent
	return got, err
}

func readAnswer(in *bufio.Reader, method string) (answer, error) {
	a, err := readHead(in)
	for err == nil && a.status >= 100 && a.status < 200 {
		a, err = readHead(in)
	}
	if err != nil || method == "HEAD" || a.status == 204 || a.status == 304 {
		return a, err
	}
	var body io.Reader = in
	if n, err := strconv.ParseInt(a.value("content-length"), 10, 64); err == nil {
		body = io.LimitReader(in, n)
		defer func() {
			if int64(len(a.body)) < n {
				a.err = "cut off"
			}
		}()
	}
	if strings.EqualFold(a.value("transfer-encoding"), "chunked") {
		body = httputil.NewChunkedReader(in)
	}
	text, err := io.ReadAll(body)
	a.body = string(text)
	if err != nil {
		a.err = "cut off"
	}
	return a, nil
}

var errNoAnswer = errors.New("no answer")

// readHead takes any header line: nothing is checked here.
func readHead(in *bufio.Reader) (answer, error) {
	var a answer
	for first := true; ; first = false {
		line, err := in.ReadString('\n')
		if err != nil {
			return a, fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case first:
			_, rest, _ := strings.Cut(line, " ")
			code, _, _ := strings.Cut(rest, " ")
			if a.status, err = strconv.Atoi(code); err != nil {
				return a, fmt.Errorf("%w: %q", errNoAnswer, line)
			}
		case line == "":
			return a, nil
		default:
			a.lines = append(a.lines, line)
		}
	}
}

func (a answer) value(name string) string { return strings.Join(a.values(name), ", ") }

func (a answer) values(name string) (all []string) {
	for _, line := range a.lines {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			all = append(all, strings.TrimSpace(v))
		}
	}
	return all
}
