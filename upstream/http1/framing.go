package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// frame decides where the body of an answer ends (RFC 9112 section 6.3), as net/http does (transfer.go, readTransfer).
//
// Attack: an answer that states its length in two ways, or has a body where none may be, ends somewhere else for the server
// than for the gateway. What follows would be taken for the answer to the next request, another customer's (response
// splitting). Prevention: contradictions are errors; what net/http merely tolerates ends the connection.
func (c *conn) frame(a *answer) error {
	resp, b := &a.resp, &a.body
	method := resp.Request.Method
	if v := resp.Header["Pragma"]; len(v) > 0 && v[0] == "no-cache" && resp.Header["Cache-Control"] == nil {
		resp.Header["Cache-Control"] = []string{"no-cache"}
	}
	resp.Close = closes(resp)
	isChunked, err := transferEncoding(resp)
	if err != nil {
		return err
	}
	stated, err := contentLength(resp.Header)
	if err != nil {
		return err
	}
	none := method == http.MethodHead || !hasBody(resp.StatusCode)
	a.alone = isChunked && stated >= 0 || (isChunked || stated > 0) && none && method != http.MethodHead && resp.StatusCode != http.StatusNotModified
	switch {
	case method == http.MethodHead, !none && !isChunked:
		resp.ContentLength = stated
	case !none:
		delete(resp.Header, "Content-Length")
		resp.ContentLength = -1
	}
	if isChunked {
		resp.TransferEncoding = []string{"chunked"}
		if resp.Trailer, err = announced(resp.Header); err != nil {
			return err
		}
	}
	b.resp = resp
	switch {
	case none, stated == 0 && !isChunked:
		resp.Body = http.NoBody
	case isChunked:
		b.kind, b.chunks = chunked, httputil.NewChunkedReader(c.in)
	case stated > 0:
		b.kind, b.left = lengthed, stated
	default:
		b.kind, resp.Close = untilClose, true
	}
	return nil
}

func hasBody(status int) bool {
	return status/100 != 1 && status != http.StatusNoContent && status != http.StatusNotModified
}

// closes reports whether the server closes the connection after an answer. A Connection header that says only this is removed:
// it is not for the client.
func closes(resp *http.Response) bool {
	values := resp.Header["Connection"]
	hasClose := len(values) > 0 && httpguts.HeaderValuesContainsToken(values, "close")
	switch {
	case resp.ProtoMajor < 1:
		return true
	case resp.ProtoMajor == 1 && resp.ProtoMinor == 0:
		return hasClose || !httpguts.HeaderValuesContainsToken(values, "keep-alive")
	case hasClose, len(values) == 1 && values[0] == "keep-alive": // the default of HTTP/1.1, which many servers state
		delete(resp.Header, "Connection")
	}
	return hasClose
}

// transferEncoding takes the header off an answer and reports whether its body is chunked. Any other coding is an error.
func transferEncoding(resp *http.Response) (chunked bool, err error) {
	values, sent := resp.Header["Transfer-Encoding"]
	if !sent {
		return false, nil
	}
	delete(resp.Header, "Transfer-Encoding")
	if !resp.ProtoAtLeast(1, 1) && resp.Proto != "HTTP/0.0" { // which net/http reads as 1.1
		return false, nil
	}
	if len(values) != 1 || !strings.EqualFold(values[0], "chunked") {
		return false, errors.New("http1: unsupported transfer encoding")
	}
	return true, nil
}

// contentLength returns the length that an answer states; -1: none. More than one are an error unless they are equal.
func contentLength(h http.Header) (int64, error) {
	values := h["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	first := textproto.TrimString(values[0])
	for _, other := range values[1:] {
		if textproto.TrimString(other) != first {
			return 0, errors.New("http1: the answer states several lengths")
		}
	}
	if len(values) > 1 {
		h["Content-Length"] = []string{first}
	}
	n, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return 0, errors.New("http1: the answer states an invalid length")
	}
	return int64(n), nil //nolint:gosec // has 63 bits
}

// announced takes the Trailer header off an answer and returns the names that it lists.
func announced(h http.Header) (http.Header, error) {
	values, sent := h["Trailer"]
	if !sent {
		return nil, nil
	}
	delete(h, "Trailer")
	trailer := http.Header{}
	for _, list := range values {
		for name := range strings.SplitSeq(list, ",") {
			if name = textproto.TrimString(name); name == "" {
				continue
			}
			switch name = http.CanonicalHeaderKey(name); name {
			case "Transfer-Encoding", "Trailer", "Content-Length":
				return nil, errors.New("http1: a trailer would say where the answer ends")
			}
			trailer[name] = nil
		}
	}
	if len(trailer) == 0 {
		return nil, nil
	}
	return trailer, nil
}

func isSwitch(resp *http.Response) bool {
	return resp.StatusCode == http.StatusSwitchingProtocols && httpguts.HeaderValuesContainsToken(resp.Header["Connection"], "Upgrade")
}

// readTrailer reads what follows the last chunk. Its size is that of the buffer at most.
func (b *body) readTrailer() error {
	in := b.conn.in
	end, err := in.Peek(2)
	switch {
	case string(end) == "\r\n":
		_, err := in.Discard(2)
		return err
	case len(end) < 2:
		return unexpected(err)
	case !trailerEnds(b.conn):
		return errors.New("http1: the trailer of an answer is too long")
	}
	trailer, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return errors.New("http1: malformed trailer")
	}
	if b.resp.Trailer == nil {
		b.resp.Trailer = http.Header{}
	}
	for name, values := range trailer {
		b.resp.Trailer[name] = values
	}
	return nil
}

// trailerEnds looks for the empty line after a trailer, as far as the buffer goes.
func trailerEnds(c *conn) bool {
	for size := 4; size <= c.in.Size(); size++ {
		seen, err := c.in.Peek(size)
		if bytes.HasSuffix(seen, []byte("\r\n\r\n")) {
			return true
		}
		if err != nil {
			return false
		}
	}
	return false
}
