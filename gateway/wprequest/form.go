package wprequest

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
)

// form is a body as PHP fills $_POST with it.
type form struct {
	// params holds every rest_route, and may hold others.
	params Params
	total  int // parameters, at most
	// unreadable: PHP and others could read it differently. That is a matter of
	// CoCart's routes alone; what such a form dispatches from another page the
	// must-use plugin refuses.
	unreadable bool
}

// phpForm chooses as sapi_read_post_data does: the type ends at ";", "," or a
// blank.
func phpForm(h http.Header) media {
	for _, value := range h["Content-Type"] {
		if end := strings.IndexAny(value, ";, "); end >= 0 {
			value = value[:end]
		}
		switch phpLower(value) {
		case "application/x-www-form-urlencoded":
			return MediaForm
		case "multipart/form-data":
			return MediaMultipart
		}
	}
	return mediaOther
}

func parseForm(raw []byte, kind media, contentType string) form {
	if kind == MediaForm {
		text := string(raw)
		return form{params: routeParams(text), total: parameters(text)}
	}
	if !mentionsRoute.Match(raw) { // the usual upload
		return form{}
	}
	fields, err := parseMultipart(raw, contentType)
	return form{params: fields, total: len(fields), unreadable: err != nil}
}

// routeParams does as ParseParams for rest_route alone, at a fraction of the cost.
func routeParams(text string) (found Params) {
	for raw := range strings.SplitSeq(text, "&") {
		name, _, _ := strings.Cut(raw, "=")
		if name == "rest_route" || strings.ContainsAny(name, "%+. [\x00") {
			for _, p := range ParseParams(raw) {
				if p.name == "rest_route" {
					found = append(found, p)
				}
			}
		}
	}
	return found
}

// mentionsRoute is rest_route in any spelling that PHP makes it of: the names of
// a multipart form are not decoded.
var mentionsRoute = regexp.MustCompile(`rest[_. \[]route`)

// FieldCounter counts a separator in a stream.
type FieldCounter struct {
	separator []byte
	tail      []byte
	n         int
}

// NewFieldCounter returns a counter of what stands between the fields of a form; nil for
// other bodies, whose members PHP does not count.
func NewFieldCounter(contentType string) *FieldCounter {
	switch MediaType(contentType) {
	case MediaForm:
		return &FieldCounter{separator: []byte("&")}
	case MediaMultipart:
		if boundary := MultipartBoundary(contentType); boundary != "" {
			return &FieldCounter{separator: []byte("\n--" + boundary), n: -1} // the last one ends the form
		}
	}
	return nil
}

func (c *FieldCounter) Count(p []byte) int {
	seen := p
	if len(c.tail) > 0 {
		seen = append(c.tail, p...)
	}
	c.n += bytes.Count(seen, c.separator)
	c.tail = append([]byte(nil), seen[max(0, len(seen)-len(c.separator)+1):]...)
	return c.n
}
