package wprequest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Body is what a request carries besides its URL, read as PHP and WordPress
// read it. At most one of form and object is set.
type Body struct {
	Raw    []byte
	Form   Params // $_POST
	Object Object // the top-level members of a JSON object, in order
	// Multipart says that Raw is multipart/form-data, so that Form stands for it.
	Multipart bool
	// Malformed says that the type is JSON's and the body is not JSON.
	Malformed bool
	// untyped is a body without a Content-Type, which WordPress reads as a form where
	// the method is not POST (WP_REST_Request::parse_body_params). PHP does not.
	untyped Params
}

type media int

const (
	mediaOther media = iota
	MediaForm
	MediaMultipart
	MediaJSON
)

// MediaType sorts a Content-Type as PHP (forms), WordPress and CoCart (JSON) do.
func MediaType(contentType string) media {
	if contentType == "" {
		return mediaOther
	}
	if kind := phpForm(http.Header{"Content-Type": {contentType}}); kind != mediaOther {
		return kind
	}
	if jsonMedia.MatchString(contentType) || coCartJSON(contentType) {
		return MediaJSON
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
	if strings.Contains(text, wanted) || strings.Contains(phpLower(SanitizeTextField(contentType)), wanted) {
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

// CheckContentType refuses the type of a body that is no media type. CoCart would
// look for credentials in a body of type ";application/json", which no other
// reader takes for JSON.
func CheckContentType(h http.Header) error {
	for _, value := range h["Content-Type"] {
		if strings.Trim(value, " \t") != "" && !mediaTypeSyntax.MatchString(value) {
			return &Error{ReasonBadContentType, "The Content-Type header is not a media type."}
		}
	}
	return nil
}

func ParseBody(raw []byte, contentType string) (*Body, error) {
	b := &Body{Raw: raw}
	switch MediaType(contentType) {
	case MediaForm:
		b.Form = ParseParams(string(raw))
	case MediaMultipart:
		b.Multipart = true
		form, err := parseMultipart(raw, contentType)
		if err != nil {
			return nil, malformedForm(err)
		}
		b.Form = form
	case MediaJSON:
		b.Object, _ = ParseObject(raw)
		b.Malformed = b.Object == nil && !blank(raw) && !json.Valid(raw)
	default:
		if contentType == "" {
			b.untyped = ParseParams(string(raw))
		}
	}
	return b, nil
}

// parseMultipart reads the fields of a multipart form as if they had been sent
// urlencoded. Files are no parameters and are passed over.
func parseMultipart(raw []byte, contentType string) (Params, error) {
	fields, err := MultipartFields(contentType, raw)
	if err != nil {
		return nil, err
	}
	var pairs []string
	for _, f := range fields {
		if !f.File {
			pairs = append(pairs, url.QueryEscape(f.Name)+"="+url.QueryEscape(string(f.Value)))
		}
	}
	return ParseParams(strings.Join(pairs, "&")), nil
}

// malformedForm refuses a form that PHP and other readers could read differently.
func malformedForm(err error) *Error {
	return &Error{ReasonBadForm, "The multipart form cannot be read in one way alone: " + strings.TrimPrefix(err.Error(), ErrUnusualForm.Error()+": ") + "."}
}
