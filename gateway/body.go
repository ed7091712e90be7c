package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"cocart-gateway/gateway/phpform"
	"cocart-gateway/tokens/attempts/wpname"
)

// body is what a request carries besides its URL, read as PHP and WordPress
// read it. At most one of form and object is set.
type body struct {
	raw    []byte
	form   params   // $_POST
	object []member // the top-level members of a JSON object, in order
	// multipart: raw is multipart/form-data, so form stands in for it.
	multipart bool
	// malformed: the type is JSON's and the body is not JSON.
	malformed bool
	// untyped is a body without a Content-Type, which WordPress reads as a form where
	// the method is not POST (WP_REST_Request::parse_body_params). PHP does not.
	untyped params
}

// readBody takes the whole body off a request. More than limit bytes are a 413;
// a form that cannot be read a 400. JSON that cannot be read is left to the
// caller: object stays nil.
func readBody(r *http.Request, limit int64) (*body, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, tooLarge(limit, "limits.login_body")
	}
	if err != nil {
		return nil, readingBody(err)
	}
	return parseBody(raw, r.Header.Get("Content-Type"))
}

// peekBody reads a form or a JSON body and puts it back, so that the request can
// still be forwarded. One that is too long to be read whole is a 413, and a form
// that cannot be read a 400. Neither is taken for empty: PHP would find the
// password or the cart key that an attacker put behind the limit, and nothing
// would count the one or check the other.
func peekBody(r *http.Request, bounds BoundsConfig) (*body, error) {
	var limit int64
	var key string
	contentType := r.Header.Get("Content-Type")
	switch kind := mediaType(contentType); {
	case kind == mediaForm, kind == mediaMultipart, contentType == "":
		limit, key = bounds.Form, "limits.form"
	case kind == mediaJSON:
		limit, key = bounds.JSON, "limits.json"
	default:
		return &body{}, nil
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, readingBody(err)
	}
	r.Body = rejoin(raw, r.Body)
	if int64(len(raw)) > limit {
		return nil, tooLarge(limit, key)
	}
	b, err := parseBody(raw, contentType)
	if err == nil && b.malformed {
		return nil, invalidJSON()
	}
	return b, err
}

// invalidJSON is the answer of WP_REST_Request::parse_json_params, which WordPress gives
// to such a body itself. It comes from here because nothing may depend on PHP refusing
// whatever Go cannot read.
func invalidJSON() *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "rest_invalid_json", Message: "Invalid JSON body passed."}
}

// tooLarge names the configuration key, because the limit is the operator's choice.
func tooLarge(limit int64, key string) *Failure {
	return &Failure{Status: http.StatusRequestEntityTooLarge, Code: "cocart_gateway_body_too_large",
		Message: fmt.Sprintf("The request body is larger than %d bytes (%s).", limit, key)}
}

func readingBody(err error) error {
	var f *Failure // from the guard in bounds.go
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled): // the client left
		return err
	}
	return unreadable(err)
}

func unreadable(err error) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "cocart_gateway_bad_body",
		Message: "The request body could not be read.", Cause: err}
}

// malformedForm says what PHP and other readers could read differently.
func malformedForm(err error) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "cocart_gateway_bad_body",
		Message: "The multipart form cannot be read in one way alone: " + strings.TrimPrefix(err.Error(), phpform.ErrUnusual.Error()+": ") + "."}
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

// mediaType sorts a Content-Type as PHP (forms), WordPress and CoCart (JSON) do.
func mediaType(contentType string) media {
	if kind := phpForm(http.Header{"Content-Type": {contentType}}); kind != mediaOther {
		return kind
	}
	if jsonMedia.MatchString(contentType) || coCartJSON(contentType) {
		return mediaJSON
	}
	return mediaOther
}

// jsonMedia is wp_is_json_media_type, on the type without its parameters.
var jsonMedia = regexp.MustCompile(`(?i)^[^;]*(^|[\s,])application/([\w!#$&-^.+]+\+)?json(\+oembed)?($|[\s;,])`)

// coCartJSON reports whether CoCart looks for a password in a JSON body. Since 4.7
// CoCart_Authentication::perform_basic_authentication does so where application/json
// stands anywhere in the Content-Type, once sanitize_text_field took tags and
// percent-encoded octets out of it. Whatever a version of WordPress might take out
// of it as well is taken out, too, until nothing is left to take.
func coCartJSON(contentType string) bool {
	const wanted = "application/json"
	text := phpLower(contentType)
	if strings.Contains(text, wanted) || strings.Contains(phpLower(wpname.SanitizeTextField(contentType)), wanted) {
		return true
	}
	for {
		if strings.Contains(text, wanted) {
			return true
		}
		shorter := removed.ReplaceAllString(text, "")
		if shorter == text {
			return false
		}
		text = shorter
	}
}

var removed = regexp.MustCompile(`<(?:script|style)[^>]*>.*?</(?:script|style)>|<[^>]*>?|%[0-9a-f]{2}`)

// mediaTypeSyntax is the beginning of a media type (RFC 9110 section 8.3.1).
// Parameters may be missing or malformed: no reader of a CoCart request uses them.
var mediaTypeSyntax = regexp.MustCompile("^[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*([;,]|$)")

// checkContentType refuses the type of a body that is no media type. CoCart would
// look for credentials in a body of type ";application/json", which no other
// reader takes for JSON.
func checkContentType(h http.Header) error {
	for _, value := range h["Content-Type"] {
		if strings.Trim(value, " \t") != "" && !mediaTypeSyntax.MatchString(value) {
			return &Failure{Status: http.StatusUnsupportedMediaType, Code: "cocart_gateway_bad_content_type",
				Message: "The Content-Type header is not a media type."}
		}
	}
	return nil
}

func parseBody(raw []byte, contentType string) (*body, error) {
	b := &body{raw: raw}
	switch mediaType(contentType) {
	case mediaForm:
		b.form = parseParams(string(raw))
	case mediaMultipart:
		b.multipart = true
		form, err := parseMultipart(raw, contentType)
		if err != nil {
			return nil, malformedForm(err)
		}
		b.form = form
	case mediaJSON:
		b.object, _ = parseObject(raw)
		b.malformed = b.object == nil && !blank(raw) && !json.Valid(raw)
	default:
		if contentType == "" {
			b.untyped = parseParams(string(raw))
		}
	}
	return b, nil
}

// parseMultipart reads the fields of a multipart form as if they had been sent
// urlencoded. Files are no parameters and are passed over.
func parseMultipart(raw []byte, contentType string) (params, error) {
	fields, err := phpform.Parse(contentType, raw)
	if err != nil {
		return nil, err
	}
	var pairs []string
	for _, f := range fields {
		if !f.File {
			pairs = append(pairs, url.QueryEscape(f.Name)+"="+url.QueryEscape(string(f.Value)))
		}
	}
	return parseParams(strings.Join(pairs, "&")), nil
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
