package gateway

import (
	"io"
	"net/http"
	"regexp"
	"strings"
)

// form is a body as PHP fills $_POST with it.
type form struct {
	// params holds every rest_route, and may hold others.
	params params
	total  int // parameters, at most
	// unreadable: PHP and others could read it differently. That is a matter of
	// CoCart's routes alone; what such a form dispatches from another page the
	// must-use plugin refuses.
	unreadable bool
}

// hasForm: PHP fills $_POST on POST alone.
func hasForm(r *http.Request) bool {
	return r.Method == http.MethodPost && phpForm(r.Header) != mediaOther && r.Body != nil && r.Body != http.NoBody
}

// peekForm looks at the beginning of a form that PHP would read, and puts it
// back: rest_route in a form on any page of the site dispatches a REST route. Of
// a longer form than limit only the beginning is seen; should CoCart be in the
// rest, the must-use plugin refuses, for the request was asserted for another page.
func peekForm(r *http.Request, limit int64) (form, error) {
	kind := phpForm(r.Header)
	raw, err := io.ReadAll(io.LimitReader(r.Body, limit))
	if err != nil {
		return form{}, readingBody(err)
	}
	r.Body = rejoin(raw, r.Body)
	return parseForm(raw, kind, r.Header.Get("Content-Type")), nil
}

// phpForm is the choice of sapi_read_post_data: the type ends at ";", "," or a
// blank.
func phpForm(h http.Header) media {
	for _, value := range h["Content-Type"] {
		if end := strings.IndexAny(value, ";, "); end >= 0 {
			value = value[:end]
		}
		switch phpLower(value) {
		case "application/x-www-form-urlencoded":
			return mediaForm
		case "multipart/form-data":
			return mediaMultipart
		}
	}
	return mediaOther
}

func parseForm(raw []byte, kind media, contentType string) form {
	if kind == mediaForm {
		text := string(raw)
		return form{params: routeParams(text), total: parameters(text)}
	}
	if !mentionsRoute.Match(raw) { // the usual upload
		return form{}
	}
	fields, err := parseMultipart(raw, contentType)
	return form{params: fields, total: len(fields), unreadable: err != nil}
}

// routeParams is parseParams for rest_route alone, at a fraction of the cost.
func routeParams(text string) (found params) {
	for raw := range strings.SplitSeq(text, "&") {
		name, _, _ := strings.Cut(raw, "=")
		if name == "rest_route" || strings.ContainsAny(name, "%+. [\x00") {
			for _, p := range parseParams(raw) {
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
