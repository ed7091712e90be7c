package upstream

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Why a body cannot be read as a whole. It reaches the client unchanged.
var (
	// ErrTooLarge means that a body is longer than the caller reads.
	ErrTooLarge = errors.New("the answer is too large to be read")
	// ErrEncoded means that a body has a Content-Encoding other than gzip, or is not in that which it has.
	ErrEncoded = errors.New("the answer is encoded")
)

// Body reads the whole body of the answer, and decodes gzip. The client receives the body that WordPress sent, encoded as it
// was, unless SetBody replaces it: after [ErrTooLarge] and [ErrEncoded], too. Other errors are those of [WordPress.Forward].
// Only Forwarding.Before may call it, once.
func (a *Answer) Body(limit int64) ([]byte, error) {
	body := a.resp.Body
	// As for a login: one byte in each pause of body_timeout would hold a place at WordPress for as long as the answer is.
	whole := time.AfterFunc(a.readTime, func() { _ = body.Close() })
	raw, err := io.ReadAll(io.LimitReader(body, limit+1))
	if !whole.Stop() && err != nil {
		return nil, fmt.Errorf("%w: the answer did not end in time", ErrTimeout)
	}
	if err != nil {
		return nil, readingError(err)
	}
	a.resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(raw), body), body}
	if int64(len(raw)) > limit {
		return nil, ErrTooLarge
	}
	return decoded(raw, a.Header, limit)
}

// shortBody is the longest body, in bytes, that net/http's server holds back until it knows the whole: a longer one is sent as
// it comes.
const shortBody = 2048

// readShort reads a short body of known length to its end before the header of the answer is sent. One that breaks off is an
// error in place of the answer; the client would otherwise see its connection closed without a byte. It waits for nothing that
// would have reached the client earlier.
func readShort(resp *http.Response) error {
	if resp.ContentLength <= 0 || resp.ContentLength > shortBody || resp.Body == http.NoBody || resp.Request.Method == http.MethodHead {
		return nil
	}
	if b, ok := resp.Body.(interface{ Whole() bool }); ok && b.Whole() {
		return nil
	}
	text := make([]byte, resp.ContentLength)
	if _, err := io.ReadFull(resp.Body, text); err != nil {
		return readingError(err)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(text), resp.Body}
	return nil
}

// decoded returns what an encoded body stands for. The limit holds for the decoded bytes: a kilobyte of gzip may become a
// megabyte.
func decoded(raw []byte, h http.Header, limit int64) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "", "identity":
		return raw, nil
	case "gzip", "x-gzip":
	default:
		return nil, ErrEncoded
	}
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, ErrEncoded
	}
	text, err := io.ReadAll(io.LimitReader(zip, limit+1))
	switch {
	case err != nil:
		return nil, ErrEncoded
	case int64(len(text)) > limit:
		return nil, ErrTooLarge
	}
	return text, nil
}

// SetBody replaces the body of the answer, and takes off the headers that described the other one.
func (a *Answer) SetBody(text []byte) {
	_ = a.resp.Body.Close() // it was read to its end
	a.resp.Body, a.resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges"} {
		a.Header.Del(name)
	}
	a.Header.Set("Content-Length", strconv.Itoa(len(text)))
}

// limitEncodings lets WordPress encode its answer with gzip only, if the client takes that, because Body decodes no other.
func limitEncodings(h http.Header) {
	offered := h["Accept-Encoding"]
	if len(offered) == 0 {
		return
	}
	delete(h, "Accept-Encoding")
	if slices.ContainsFunc(offered, acceptsGzip) {
		h.Set("Accept-Encoding", "gzip")
	}
}

// acceptsGzip reads one line of Accept-Encoding (RFC 9110 section 12.5.3).
func acceptsGzip(line string) bool {
	for item := range strings.SplitSeq(line, ",") {
		name, weight, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			_, q, _ := strings.Cut(weight, "=")
			none, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return err != nil || none > 0
		}
	}
	return false
}
