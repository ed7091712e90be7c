package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"cocart-gateway/upstream/headfilter"
)

// answer is one answer with its body, in one allocation.
type answer struct {
	resp  http.Response
	body  body
	alone bool // the connection is not used again
}

// readHead reads the header of an answer. size is how many bytes it had; more than limit are an error.
func (c *conn) readHead(req *http.Request, limit int64) (a *answer, size int64, err error) {
	head, buffered, err := c.nextHead(limit)
	if err != nil {
		return nil, 0, err
	}
	a = &answer{}
	a.resp.Request = req
	if !readPlain(&a.resp, head) {
		kept, dropped := headfilter.Clean(head)
		if dropped > 0 {
			c.t.cfg.Dropped(dropped)
		}
		if err := readOdd(&a.resp, kept); err != nil {
			return nil, 0, err
		}
	}
	size = int64(len(head))
	if buffered {
		_, _ = c.in.Discard(len(head)) // they are in the buffer
	}
	return a, size, c.frame(a)
}

// nextHead returns the bytes of a header with its empty line. buffered reports that they are still in the buffer, and must
// be discarded.
func (c *conn) nextHead(limit int64) (head []byte, buffered bool, err error) {
	for line := 0; ; {
		have, _ := c.in.Peek(c.in.Buffered()) // no more than there is
		end, last := headfilter.End(have, line)
		switch {
		case end > 0 && int64(end) <= limit:
			return have[:end], true, nil
		case end > 0 || int64(len(have)) > limit:
			return nil, false, tooLarge(limit)
		case len(have) == c.in.Size():
			head, err := c.longHead(limit)
			return head, false, err
		}
		line = last
		if _, err := c.in.Peek(len(have) + 1); err != nil {
			return nil, false, fmt.Errorf("http1: reading the header of an answer: %w", unexpected(err))
		}
	}
}

// longHead reads a header that does not fit into the buffer.
func (c *conn) longHead(limit int64) ([]byte, error) {
	var head []byte
	for {
		line, err := c.in.ReadSlice('\n')
		head = append(head, line...)
		switch {
		case int64(len(head)) > limit:
			return nil, tooLarge(limit)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, fmt.Errorf("http1: reading the header of an answer: %w", unexpected(err))
		case bytes.HasSuffix(head, []byte("\n\n")), bytes.HasSuffix(head, []byte("\n\r\n")):
			return head, nil
		}
	}
}

func tooLarge(limit int64) error {
	return fmt.Errorf("http1: the header of an answer has more than %d bytes", limit)
}

// readPlain reads a header that has no odd line. It reports false for every other, of which readOdd decides what it means.
func readPlain(resp *http.Response, head []byte) bool {
	text := string(head)
	rest, ok := readStatus(resp, text)
	if !ok {
		return false
	}
	lines := strings.Count(rest, "\n") - 1
	header, values := make(http.Header, lines), make([]string, 0, lines)
	for rest != "\r\n" {
		end := strings.IndexByte(rest, '\n')
		if end < 2 || rest[end-1] != '\r' {
			return false
		}
		name, value, ok := plainLine(rest[:end-1])
		if !ok {
			return false
		}
		rest = rest[end+1:]
		if before, twice := header[name]; twice {
			header[name] = append(before, value)
			continue
		}
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	resp.Header = header
	return true
}

// readStatus reads a status line as servers write it, and returns what follows.
func readStatus(resp *http.Response, text string) (rest string, ok bool) {
	const version = "HTTP/1."
	line, rest, _ := strings.Cut(text, "\r\n")
	if len(line) < len("HTTP/1.1 200") || line[:len(version)] != version || line[8] != ' ' || line[7] != '0' && line[7] != '1' ||
		len(line) > 12 && line[12] != ' ' || strings.IndexByte(line, '\n') >= 0 {
		return "", false
	}
	for _, digit := range []byte(line[9:12]) {
		if digit < '0' || digit > '9' {
			return "", false
		}
		resp.StatusCode = resp.StatusCode*10 + int(digit-'0')
	}
	resp.Proto, resp.Status, resp.ProtoMajor, resp.ProtoMinor = line[:8], line[9:], 1, int(line[7]-'0')
	return rest, true
}

// plainLine cuts a line into a canonical name and a value; ok is false if something is unusual.
func plainLine(line string) (name, value string, ok bool) {
	colon := strings.IndexByte(line, ':')
	if colon < 1 {
		return "", "", false
	}
	for i := range colon {
		if !isNameByte[line[i]] {
			return "", "", false
		}
	}
	value = strings.Trim(line[colon+1:], " \t")
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "", "", false
		}
	}
	return canonical(line[:colon]), value, true
}

// isNameByte has the letters, digits and signs of names; what else a token may have (RFC 9110 section 5.6.2) is unusual.
var isNameByte = func() (is [256]bool) {
	for _, c := range []byte("-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") {
		is[c] = true
	}
	return is
}()

// canonical is http.CanonicalHeaderKey, without an allocation for names that WordPress and CoCart write another way.
func canonical(name string) string {
	if known, ok := otherSpellings[name]; ok {
		return known
	}
	return http.CanonicalHeaderKey(name)
}

var otherSpellings = func() map[string]string {
	known := map[string]string{}
	for _, name := range []string{
		"ETag", "X-WP-Total", "X-WP-TotalPages", "X-WP-Nonce", "CoCart-API-Cart-Key", "CoCart-API-Cart-Expiring", "CoCart-API-Cart-Expiration",
		"CoCart-Timestamp", "CoCart-Version", "X-CoCart-Gateway-Plugin", "X-CoCart-Gateway-Attempt", "X-LiteSpeed-Cache-Control", "X-UA-Compatible", "WWW-Authenticate",
		"content-type", "content-length", "date", "server", "cache-control", "vary", "link", "x-powered-by",
	} {
		known[name] = http.CanonicalHeaderKey(name)
	}
	return known
}()

// readOdd reads a header as http.ReadResponse does. Errors do not quote it: it may hold a secret.
func readOdd(resp *http.Response, head []byte) error {
	in := textproto.NewReader(bufio.NewReaderSize(bytes.NewReader(head), len(head)))
	line, err := in.ReadLine()
	if err != nil {
		return unexpected(err)
	}
	*resp = http.Response{Request: resp.Request}
	var cut, ok bool
	resp.Proto, resp.Status, cut = strings.Cut(line, " ")
	resp.Status = strings.TrimLeft(resp.Status, " ")
	status, _, _ := strings.Cut(resp.Status, " ")
	resp.StatusCode, err = strconv.Atoi(status)
	if !cut || len(status) != 3 || err != nil || resp.StatusCode < 0 {
		return errors.New("http1: malformed status line")
	}
	if resp.ProtoMajor, resp.ProtoMinor, ok = http.ParseHTTPVersion(resp.Proto); !ok {
		return errors.New("http1: malformed version of HTTP")
	}
	header, err := in.ReadMIMEHeader()
	if err != nil {
		return errors.New("http1: malformed header line")
	}
	resp.Header = http.Header(header)
	return dropBlanks(resp.Header)
}

// dropBlanks removes names with a blank, which net/http lets pass, from what the filter left of a header: they hold the name of
// a header that frames the answer, and no reader may take one for that (RFC 9112 section 5.1).
func dropBlanks(h http.Header) error {
	for name := range h {
		if httpguts.ValidHeaderFieldName(name) {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-length", "transfer-encoding", "connection", "upgrade", "trailer":
			return errors.New("http1: malformed header line that frames the answer")
		}
		delete(h, name)
	}
	return nil
}
