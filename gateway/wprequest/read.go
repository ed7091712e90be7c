package wprequest

import (
	"net/http"
	"path"
	"regexp"
	"strings"
)

// Peek returns the first bytes of a request's body, at most limit, and leaves the
// body as it was.
type Peek func(limit int64) ([]byte, error)

// HasForm reports whether PHP fills $_POST, which it does on POST only.
func (w Request) HasForm() bool {
	return w.Method == http.MethodPost && phpForm(w.Header) != mediaOther
}

// ReadBody reads a request once more with its body, on which its class may depend:
// a form may name another route, and a batch is classified by the requests in it. body
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
	if v.Class == ClassJWKS || rs.scriptOf(path, rs.cleaned(path)) == otherScript {
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

// Acts reports whether a request is sent for what it does and not for its answer: its sender may hang up at once, as
// wp_remote_post does with 'blocking' => false. A GET acts where WordPress does its work for any client: wp-cron.php,
// admin-ajax.php, admin-post.php, and the callbacks of payment services (WC_API::handle_api_requests, wc-api).
func (v Classification) Acts(w Request) bool {
	if !IsSafe(w.Method) || v.Method != "" && !IsSafe(v.Method) {
		return true
	}
	file, query, _ := strings.Cut(w.Target, "?")
	switch phpLower(path.Base(file)) {
	case "wp-cron.php", "admin-ajax.php", "admin-post.php":
		return true
	}
	_, callback := ParseParams(query).Last("wc-api")
	return callback || strings.Contains(phpLower(file), "/wc-api/")
}

// Repeatable reports whether WordPress only reads for this request, also as it will
// take its method. Pages of the storefront do things for parameters, such as
// add-to-cart; style.css?ver=6.8 does not.
func (v Classification) Repeatable(w Request) bool {
	path, _, parameters := strings.Cut(w.Target, "?")
	return IsSafe(w.Method) && IsSafe(v.Method) && (v.Class.IsCoCart() || !parameters || isAsset(path))
}

var asset = regexp.MustCompile(`(?i)\.(css|m?js|map|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf)$`)

// isAsset goes by the name, as web servers do. What stands behind index.php is not a file.
func isAsset(path string) bool {
	return asset.MatchString(path) && !strings.Contains(phpLower(path), ".php")
}
