package wprequest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// BatchContent is what a batch holds, as WP_REST_Server::serve_batch_request_v1 reads it.
type BatchContent struct {
	ours, others int
	// Mixed: CoCart's routes are beside those of others. An identity that is good
	// for the one is not for the other.
	Mixed bool
	// CartKeys are those in the paths, bodies and headers of its requests.
	CartKeys []string
}

// Len returns how many requests the batch holds; 0 for what is no batch.
func (b BatchContent) Len() int { return b.ours + b.others }

// isBatch reports whether a route below a namespace is CoCart's own batch.
func isBatch(rest string) bool {
	version, ok := strings.CutSuffix(rest, "/batch")
	digits, versioned := strings.CutPrefix(version, "/v")
	return ok && (version == "" || versioned && digits != "" && strings.Trim(digits, "0123456789") == "")
}

// readBatch classifies a batch by the requests in it. A batch of WordPress itself
// without a CoCart route belongs to the storefront, and so does one that is too long to
// be read: if CoCart is in it, the must-use plugin refuses it.
func (rs Site) readBatch(w Request, v Classification, body Peek) (Classification, error) {
	core := phpLower(v.Route) == "/batch/v1"
	var raw []byte
	if body != nil {
		var err error
		if raw, err = body(rs.json + 1); err != nil {
			return v, err
		}
	}
	if int64(len(raw)) > rs.json {
		if core {
			v.Class = ClassSite
			return v, nil
		}
		return v, TooLarge(rs.json, "limits.json")
	}
	inside, doubt := requestsIn(raw, w.Header.Get("Content-Type"), v.Method, v.Query)
	if err := rs.sortRequests(&v, inside); err != nil {
		return v, err
	}
	if core && v.Batch.ours == 0 {
		v.Class = ClassSite
		return v, nil
	}
	if doubt {
		return v, Ambiguous("the batch names its requests in two places")
	}
	return v, nil
}

// sortRequests sorts the requests of a batch. Those that open sessions are refused
// wherever they are: nothing in a batch is counted, and no token could be added.
func (rs Site) sortRequests(v *Classification, inside []batchRequest) error {
	for _, request := range inside {
		path, query, plain := pathInBatch(request.path)
		rest, ours := rs.cutNamespace(phpLower(path))
		if below, found := strings.CutPrefix(phpLower(path), PluginNamespace); found && !ours && opensSession(below) && rs.isCoCart(path) {
			rest, ours = below, true
		}
		switch {
		case !plain && rs.mentionsCoCart([]byte(path)):
			return Ambiguous("a path in the batch is no plain path")
		case ours && (isBatch(strings.TrimRight(rest, "/")) || opensSession(rest)):
			return &Error{ReasonNotInBatch, "Logging in, refreshing and validating tokens, and further batches cannot be part of a batch."}
		case ours:
			v.Batch.ours++
		default:
			v.Batch.others++
		}
		v.Batch.CartKeys = append(v.Batch.CartKeys, cartKeysOf(ParseParams(query))...)
		v.Batch.CartKeys = append(v.Batch.CartKeys, request.cartKeys...)
	}
	v.Batch.Mixed = v.Batch.ours > 0 && v.Batch.others > 0
	return nil
}

// mentionsCoCart reports whether a text names a route of CoCart.
func (rs Site) mentionsCoCart(raw []byte) bool {
	text := phpLower(string(raw))
	for _, ns := range append([]string{"batch/v1", PluginNamespace[1:] + "/jwt/"}, rs.namespaces...) {
		if strings.Contains(text, ns) {
			return true
		}
	}
	return false
}

// opensSession reports whether a route issues or verifies tokens.
func opensSession(rest string) bool {
	rest = strings.TrimRight(strings.TrimSuffix(rest, "\n"), "/")
	version, login := strings.CutSuffix(rest, "/login")
	return rest == "/jwt" || strings.HasPrefix(rest, "/jwt/") || login && strings.HasPrefix(version, "/v")
}

// pathInBatch does as wp_parse_url on the path of a request in a batch. It is plain when
// no reader could find a host in it.
func pathInBatch(s string) (path, query string, plain bool) {
	s, _, _ = strings.Cut(s, "#")
	path, query, _ = strings.Cut(s, "?")
	plain = strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.ContainsAny(path, "\\\x00\r\n") &&
		!strings.Contains(strings.TrimRight(path, "/"), "//")
	return path, query, plain
}

// batchRequest is one request of a batch.
type batchRequest struct {
	path     string
	cartKeys []string
}

// requestsIn finds the requests of a batch in WordPress's parameter order: JSON,
// form, query. In two of them they are in doubt. On another method than POST
// WordPress reads forms itself.
func requestsIn(raw []byte, contentType, method string, query Params) (all []batchRequest, doubt bool) {
	sources := [][]batchRequest{requestsInParams(query)}
	switch kind := MediaType(contentType); {
	case kind == MediaJSON:
		object, _ := ParseObject(raw) // what cannot be read WordPress refuses
		value, _ := object.get("requests")
		sources = append(sources, requestsInJSON(value))
	case kind == mediaOther && method != http.MethodPost && untyped(contentType):
		sources = append(sources, requestsInParams(ParseParams(string(raw))))
	case kind != mediaOther:
		b, err := ParseBody(raw, contentType)
		if err != nil {
			return nil, true
		}
		sources = append(sources, requestsInParams(b.Form))
	}
	found := 0
	for _, source := range sources {
		if len(source) > 0 {
			found++
		}
		all = append(all, source...)
	}
	return all, found > 1
}

// untyped does as WP_REST_Request::parse_body_params, which takes a body without a type
// for a form, and one of a type that PHP did not know for it.
func untyped(contentType string) bool {
	value := contentType
	if i := strings.IndexByte(value, ';'); i > 0 {
		value = value[:i]
	}
	return !strings.Contains(value, "/") || phpLower(phpTrim(value)) == "application/x-www-form-urlencoded"
}

// requestsInJSON takes lists and objects alike: PHP makes a list of an object
// whose names are numbers.
func requestsInJSON(value json.RawMessage) []batchRequest {
	var list []json.RawMessage
	if members, err := ParseObject(value); err == nil {
		for _, m := range members {
			list = append(list, m.Value)
		}
	} else if json.Unmarshal(value, &list) != nil {
		return nil
	}
	var all []batchRequest
	for _, item := range list {
		request, _ := ParseObject(item)
		one := batchRequest{path: request.Text("path")}
		for _, name := range []string{"body", "headers"} {
			value, _ := request.get(name)
			members, _ := ParseObject(value)
			one.cartKeys = append(one.cartKeys, cartKeysInJSON(members)...)
		}
		all = append(all, one)
	}
	return all
}

// requestsInParams reads requests[0][path]=… of a query or form.
func requestsInParams(ps Params) []batchRequest {
	var all []batchRequest
	for _, p := range ps {
		if p.name != "requests" {
			continue
		}
		name, _, _ := strings.Cut(p.raw, "=")
		switch name = phpURLDecode(name); {
		case strings.Contains(name, "path"):
			all = append(all, batchRequest{path: p.value})
		case isCartKeyName(name[strings.LastIndexByte(strings.TrimRight(name, "]"), '[')+1:]):
			all = append(all, batchRequest{path: "/", cartKeys: []string{p.value}})
		}
	}
	return all
}
