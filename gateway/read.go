package gateway

import (
	"net/http"
	"strings"
)

// peek returns the first bytes of a request's body, at most limit, and leaves the
// body as it was.
type peek func(limit int64) ([]byte, error)

// hasForm: PHP fills $_POST on POST alone.
func (w wire) hasForm() bool {
	return w.method == http.MethodPost && phpForm(w.header) != mediaOther
}

// readBody reads a request once more with its body, on which its class may depend:
// a form may name another route, and a batch is judged by the requests in it. body
// is nil for a request without one.
func (rs routes) readBody(w wire, v verdict, body peek) (verdict, error) {
	if body != nil && w.hasForm() {
		var err error
		if v, err = rs.readForm(w, v, body); err != nil {
			return v, err
		}
	}
	if v.class != classBatch {
		return v, nil
	}
	return rs.readBatch(w, v, body)
}

// readForm reads a request once more with its form, which may name another route.
// rest_route in a form on any page of the site dispatches a REST route. Only the
// beginning of a longer form is read; if CoCart is in the rest, the must-use plugin
// refuses it, because the request was asserted for another page.
func (rs routes) readForm(w wire, v verdict, body peek) (_ verdict, err error) {
	path, _, _ := strings.Cut(w.target, "?")
	if v.class == classJWKS || rs.entrance(path, rs.cleaned(path)) == otherScript {
		return v, nil
	}
	raw, err := body(rs.formHead)
	if err != nil && v.class == classSite {
		return v, nil // a broken upload to the storefront breaks there
	} else if err != nil {
		return v, err
	}
	w.form = parseForm(raw, phpForm(w.header), w.header.Get("Content-Type"))
	return rs.classify(w)
}

// read classifies a request whose whole body is at hand.
func (rs routes) read(w wire, body []byte) (verdict, error) {
	v, err := rs.classify(w)
	if err != nil {
		return v, err
	}
	if len(body) == 0 {
		return rs.readBody(w, v, nil)
	}
	return rs.readBody(w, v, func(limit int64) ([]byte, error) { return body[:min(limit, int64(len(body)))], nil })
}
