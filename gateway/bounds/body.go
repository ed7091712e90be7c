package bounds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// Body is a request body that ends with an error when it grows too long or
// holds too many form fields. The error is the answer to the request; where the
// transport reads the body, it returns the error wrapped.
type Body struct {
	io.ReadCloser
	separator *wprequest.FieldCounter // nil: not a form
	limit     int

	mu      sync.Mutex       // held while reading, often by the transport
	refused *respond.Failure // what the last Read found wrong
}

// NewBody returns the body of r with these bounds, which PHP's reading of a form also has.
func NewBody(w http.ResponseWriter, r *http.Request, c Config) *Body {
	return &Body{
		ReadCloser: http.MaxBytesReader(w, r.Body, c.Body),
		separator:  wprequest.NewFieldCounter(r.Header.Get("Content-Type")), limit: c.Parameters,
	}
}

func (b *Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.read(p)
	errors.As(err, &b.refused)
	return n, err
}

func (b *Body) read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.separator != nil && b.separator.Count(p[:n]) >= b.limit {
		return 0, respond.Unreadable(wprequest.TooManyParameters(b.limit))
	}
	if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
		return n, respond.Unreadable(wprequest.TooLarge(tooLong.Limit, "limits.body"))
	}
	return n, err
}

// Refused returns what was wrong with the body, or nil. It waits for a read that is under way, which ends with the
// deadline of the body at the latest. A nil Body has nothing wrong.
func (b *Body) Refused() *respond.Failure {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}

// Head reads the beginning of the body and puts it back; nil for a request without a body.
func Head(r *http.Request) wprequest.Peek {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	return func(limit int64) ([]byte, error) {
		raw, err := io.ReadAll(io.LimitReader(r.Body, limit))
		if err != nil {
			return nil, bodyError(err)
		}
		r.Body = PutBack(raw, r.Body)
		return raw, nil
	}
}

// Read takes the whole body off a request. More than limit bytes are a 413;
// a form that cannot be read a 400. JSON that cannot be read is left to the
// caller: object stays nil.
func Read(r *http.Request, limit int64) (*wprequest.Body, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, wprequest.TooLarge(limit, "limits.login_body")
	}
	if err != nil {
		return nil, bodyError(err)
	}
	return wprequest.ParseBody(raw, r.Header.Get("Content-Type"))
}

// Peek reads a form or a JSON body and puts it back, so that the request can
// still be forwarded. One that is too long to be read whole is a 413, and a form
// that cannot be read a 400. Neither is taken for empty: PHP would find the
// password or the cart key that an attacker put behind the limit, and nothing
// would count the one or check the other.
func (c Config) Peek(r *http.Request) (*wprequest.Body, error) {
	var limit int64
	var key string
	contentType := r.Header.Get("Content-Type")
	switch kind := wprequest.MediaType(contentType); {
	case kind == wprequest.MediaForm, kind == wprequest.MediaMultipart, contentType == "":
		limit, key = c.Form, "limits.form"
	case kind == wprequest.MediaJSON:
		limit, key = c.JSON, "limits.json"
	default:
		return &wprequest.Body{}, nil
	}
	if r.Body == nil || r.Body == http.NoBody { // reading it would make a stream of it
		return wprequest.ParseBody(nil, contentType)
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, bodyError(err)
	}
	r.Body = PutBack(raw, r.Body)
	if int64(len(raw)) > limit {
		return nil, wprequest.TooLarge(limit, key)
	}
	b, err := wprequest.ParseBody(raw, contentType)
	if err == nil && b.Malformed {
		return nil, wprequest.InvalidJSON()
	}
	return b, err
}

func bodyError(err error) error {
	var f *respond.Failure // from a Body
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled), errors.Is(err, pace.ErrSlow): // the client left, or waits
		return err
	}
	return fmt.Errorf("%w: %w", pace.ErrUnreadable, err)
}

type rejoined struct {
	io.Reader
	io.Closer
}

// PutBack returns a body that has what was read of it in front of the rest.
func PutBack(head []byte, rest io.ReadCloser) io.ReadCloser {
	return rejoined{io.MultiReader(bytes.NewReader(head), rest), rest}
}
