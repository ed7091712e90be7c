package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// body is what a request carries besides its URL, read as PHP and WordPress
// read it. At most one of form and object is set.
type body struct {
	raw    []byte
	form   params   // $_POST
	object []member // the top-level members of a JSON object, in order
	// multipart: raw is multipart/form-data, so form stands in for it.
	multipart bool
	// whole is false when the body was longer than it may be for us to look at.
	whole bool
}

// readBody takes the whole body off a request. More than limit bytes are a 413;
// a form that cannot be read a 400. JSON that cannot be read is left to the
// caller: object stays nil.
func readBody(r *http.Request, limit int64) (*body, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		return nil, readingBody(err)
	}
	return parseBody(raw, r.Header.Get("Content-Type"))
}

// maxJSONBody is how much of a JSON body is looked at, in bytes: there is no
// telling what is in a part of it.
const maxJSONBody = 1 << 20

// peekBody looks at up to limit bytes of a form, or at a JSON body, and puts them
// back, so that the request can still be forwarded. JSON that is too long is a
// 413: the plugin keeps a long form's password from CoCart, but CoCart reads JSON
// itself, and would try passwords there that nobody counted.
func peekBody(r *http.Request, limit int64) (*body, error) {
	kind := mediaType(r.Header.Get("Content-Type"))
	switch kind {
	case mediaForm, mediaMultipart:
	case mediaJSON:
		limit = max(limit, maxJSONBody)
	default:
		return &body{whole: true}, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, readingBody(err)
	}
	r.Body = rejoin(raw, r.Body)
	switch {
	case int64(len(raw)) <= limit:
		return parseBody(raw, r.Header.Get("Content-Type"))
	case kind == mediaJSON:
		return nil, readingBody(&http.MaxBytesError{Limit: limit})
	}
	return &body{}, nil
}

func readingBody(err error) error {
	var f *Failure // from the guard in bounds.go
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled): // the client left
		return err
	case errors.As(err, &tooLarge):
		return &Failure{Status: http.StatusRequestEntityTooLarge, Code: "cocart_gateway_body_too_large",
			Message: fmt.Sprintf("The request body is larger than %d bytes.", tooLarge.Limit)}
	}
	return unreadable(err)
}

func unreadable(err error) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "cocart_gateway_bad_body",
		Message: "The request body could not be read.", Cause: err}
}

type rejoined struct {
	io.Reader
	io.Closer
}

func rejoin(head []byte, rest io.ReadCloser) io.ReadCloser {
	return rejoined{io.MultiReader(bytes.NewReader(head), rest), rest}
}

type media int

const (
	mediaOther media = iota
	mediaForm
	mediaMultipart
	mediaJSON
)

// mediaType sorts a Content-Type as PHP (forms) and wp_is_json_media_type do.
func mediaType(contentType string) media {
	if kind := phpForm(http.Header{"Content-Type": {contentType}}); kind != mediaOther {
		return kind
	}
	if jsonMedia.MatchString(contentType) {
		return mediaJSON
	}
	return mediaOther
}

// jsonMedia is wp_is_json_media_type, on the type without its parameters.
var jsonMedia = regexp.MustCompile(`(?i)^[^;]*(^|[\s,])application/([\w!#$&-^.+]+\+)?json(\+oembed)?($|[\s;,])`)

func parseBody(raw []byte, contentType string) (*body, error) {
	b := &body{raw: raw, whole: true}
	switch mediaType(contentType) {
	case mediaForm:
		b.form = parseParams(string(raw))
	case mediaMultipart:
		b.multipart = true
		form, err := parseMultipart(raw, contentType)
		if err != nil {
			return nil, readingBody(err)
		}
		b.form = form
	case mediaJSON:
		b.object, _ = parseObject(raw)
	}
	return b, nil
}

// parseMultipart reads the fields of a multipart form as if they had been sent
// urlencoded. Files are no parameters and are passed over.
func parseMultipart(raw []byte, contentType string) (params, error) {
	_, attributes, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, fmt.Errorf("reading Content-Type: %w", err)
	}
	var fields []string
	reader := multipart.NewReader(bytes.NewReader(raw), attributes["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parseParams(strings.Join(fields, "&")), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading a multipart form: %w", err)
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, fmt.Errorf("reading a multipart field: %w", err)
		}
		if part.FileName() == "" {
			fields = append(fields, url.QueryEscape(part.FormName())+"="+url.QueryEscape(string(value)))
		}
	}
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// parseObject reads a JSON object and keeps the order and the exact bytes of
// its values, which encoding/json would not.
func parseObject(raw []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotObject
	}
	members := []member{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errNotObject
		}
		m := member{name: name.(string)} // a name is a string in any JSON that parses
		if err := dec.Decode(&m.value); err != nil {
			return nil, errNotObject
		}
		members = append(members, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return members, nil
}

func writeObject(members []member) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(m.name) // a string always encodes
		b.Write(name)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// memberValue returns a member as PHP's json_decode sees it: exact name, the
// last of several.
func memberValue(members []member, name string) (json.RawMessage, bool) {
	for i := len(members) - 1; i >= 0; i-- {
		if members[i].name == name {
			return members[i].value, true
		}
	}
	return nil, false
}

func memberString(members []member, name string) string {
	raw, _ := memberValue(members, name)
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
