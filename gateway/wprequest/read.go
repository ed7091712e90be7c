package wprequest

import (
	"net/http"
	"strings"
)

// Peek returns the first bytes of a request's body, at most limit, and leaves the
// body as it was.
type Peek func(limit int64) ([]byte, error)

// HasForm: PHP fills $_POST on POST alone.
func (w Request) HasForm() bool {
	return w.Method == http.MethodPost && phpForm(w.Header) != mediaOther
}

// ReadBody reads a request once more with its body, on which its class may depend:
// a form may name another route, and a batch is judged by the requests in it. body
// is nil for a request without one.
func (rs Site) ReadBody(w Request, v Classification, body Peek) (Classification, error) {
	if body != nil && w.HasForm() {
		var err error
		if v, err = rs.readForm(w, v, body); err != nil {
			return v, err
		}
	}
	if v.Class != ClassBatch {
		return v, nil
	}
	return rs.readBatch(w, v, body)
}

// readForm reads a request once more with its form, which may name another route.
// rest_route in a form on any page of the site dispatches a REST route. Only the
// beginning of a longer form is read; if CoCart is in the rest, the must-use plugin
// refuses it, because the request was asserted for another page.
func (rs Site) readForm(w Request, v Classification, body Peek) (_ Classification, err error) {
	path, _, _ := strings.Cut(w.Target, "?")
	if v.Class == ClassJWKS || rs.entrance(path, rs.cleaned(path)) == otherScript {
		return v, nil
	}
	raw, err := body(rs.formHead)
	if err != nil && v.Class == ClassSite {
		return v, nil // a broken upload to the storefront breaks there
	} else if err != nil {
		return v, err
	}
	w.form = parseForm(raw, phpForm(w.Header), w.Header.Get("Content-Type"))
	return rs.Classify(w)
}

// Read classifies a request whose whole body is at hand.
func (rs Site) Read(w Request, body []byte) (Classification, error) {
	v, err := rs.Classify(w)
	if err != nil {
		return v, err
	}
	if len(body) == 0 {
		return rs.ReadBody(w, v, nil)
	}
	return rs.ReadBody(w, v, func(limit int64) ([]byte, error) { return body[:min(limit, int64(len(body)))], nil })
}
