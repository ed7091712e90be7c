package gateway

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// class is what the gateway does with a request. The words are metric labels.
type class string

const (
	classLogin    class = "login"
	classRefresh  class = "refresh"
	classValidate class = "validate"
	classLogout   class = "logout"
	classCoCart   class = "cocart" // any other route of the configured namespaces
	classBatch    class = "batch"
	classJWKS     class = "jwks"
	classSite     class = "site" // everything else
)

// classes lists every class, for metrics that want their series from the start.
var classes = []class{classLogin, classRefresh, classValidate, classLogout, classCoCart, classBatch, classJWKS, classSite}

// ours tells whether a class is CoCart's. The public keys are nobody's secret and
// have headers of their own.
func (c class) ours() bool { return c != classSite && c != classJWKS && c != "" }

// wire is a request as WordPress will see it: what classify judges, and all it
// judges.
type wire struct {
	method string
	target string // path and query, as they will be sent
	header http.Header
	// form is the body as PHP fills $_POST with it; the zero value where PHP reads
	// none.
	form form
}

// verdict is what WordPress will make of a request.
type verdict struct {
	class class
	// route is the REST route, without a trailing slash; "" when it is none.
	route string
	// method is the one WordPress will dispatch, after _method and
	// X-HTTP-Method-Override.
	method string
	query  params
	batch  batch // what is in it, if it is one
	alias  bool  // route was asked for under another name (alias.go)
}

// routes knows where the site's REST API lives.
type routes struct {
	home       string   // the path of the site's URL, without slashes at its ends
	prefixes   []string // path prefixes below home that have the REST API too, without slashes at their ends
	bases      []string // what REST paths begin with: rest_get_url_prefix, also below index.php
	namespaces []string // lower case
	parameters int      // how many PHP reads of a query or a form (max_input_vars)
	json       int64    // how much of a batch is read, in bytes
	formHead   int64    // how much of a form is read, in bytes
}

// siteConfig says where the REST API of a site lives and how much of a request is read.
type siteConfig struct {
	// URL is the public address of the shop.
	url *url.URL
	// RestPrefix is WordPress's REST prefix; empty means "wp-json".
	restPrefix string
	// Paths are path prefixes below that of URL which have the REST API, too.
	paths []string
	// Namespaces are the first segments of CoCart's routes; empty means "cocart".
	namespaces []string
	// Parameters is how many parameters PHP reads of a query or a form
	// (max_input_vars); zero means 1000.
	parameters int
	// JSON is how much of a batch is read, in bytes; zero means 1 MiB.
	json int64
	// FormHead is how much of a form is read to find rest_route, in bytes; zero
	// means 64 KiB.
	formHead int64
}

func newRoutes(cfg siteConfig) routes {
	prefix := strings.Trim(cfg.restPrefix, "/")
	if prefix == "" {
		prefix = "wp-json"
	}
	r := routes{
		home: strings.Trim(cfg.url.Path, "/"), bases: []string{prefix, "index.php/" + prefix},
		parameters: cmp.Or(cfg.parameters, 1000), json: cmp.Or(cfg.json, 1<<20), formHead: cmp.Or(cfg.formHead, 64<<10),
	}
	for _, prefix := range cfg.paths {
		if prefix = strings.Trim(prefix, "/"); prefix != "" {
			r.prefixes = append(r.prefixes, prefix)
		}
	}
	namespaces := cfg.namespaces
	if len(namespaces) == 0 {
		namespaces = []string{"cocart"}
	}
	for _, ns := range namespaces {
		r.namespaces = append(r.namespaces, phpLower(strings.Trim(ns, "/")))
	}
	return r
}

// classify reads a request as WP::parse_request and WP_REST_Server will. It is
// a pure function: http.ServeMux would clean paths, compare case and redirect
// where WordPress does not. An error is a [Failure] with status 400: two readers
// could differ about a request that one of them takes for CoCart's. What is
// CoCart's to nobody is never refused.
func (rs routes) classify(w wire) (verdict, error) {
	path, rawQuery, _ := strings.Cut(w.target, "?")
	v := verdict{class: classSite, query: parseParams(rawQuery)}
	v.method = effectiveMethod(w, v.query)
	clean := rs.cleaned(path)
	door := rs.entrance(path, clean)
	switch {
	case rs.isJWKS(path) && (w.method == http.MethodGet || w.method == http.MethodHead):
		v.class = classJWKS
		return v, nil
	case door == otherScript:
		return v, nil
	}
	found := rs.findRoutes(path, clean, w, v.query)
	if !slices.ContainsFunc(found.all, rs.ours) {
		return v, nil
	}
	switch {
	case found.tooMany:
		return v, tooManyParameters(rs.parameters)
	case found.doubt != "":
		return v, ambiguous(found.doubt)
	case door == unclear:
		return v, ambiguous("the path names a PHP file that may not exist")
	case !rs.ours(found.route): // PHP overwrote ours with another one, or with an empty one
		return v, nil
	}
	if err := oddHeaders(w, v.query); err != nil {
		return v, err
	}
	if err := odd(found.route); err != nil {
		return v, err
	}
	v.route = trimRoute(found.route)
	v.class = rs.classOf(v.route, v.method)
	return v, nil
}

// ours tells whether a route is one that the gateway judges.
func (rs routes) ours(route string) bool {
	return rs.classOf(trimRoute(route), http.MethodPost) != classSite
}

// effectiveMethod is WP_REST_Server::serve_request: $_GET['_method'], else the
// override header, on any method. It is enough that they are there; empty ones
// make a method that no route has.
func effectiveMethod(w wire, query params) string {
	if m, ok := query.last("_method"); ok {
		return phpUpper(m.value)
	}
	if values := w.header["X-Http-Method-Override"]; len(values) > 0 {
		return phpUpper(values[len(values)-1])
	}
	return phpUpper(w.method)
}

// classOf names the class of a REST route. Routes match without regard to case
// (the i flag in WP_REST_Server::match_request_to_handler).
func (rs routes) classOf(route, method string) class {
	route = phpLower(route)
	if route == "/batch/v1" {
		return classBatch
	}
	rest, ok := rs.cutNamespace(route)
	post := method == http.MethodPost
	if below, found := strings.CutPrefix(route, pluginNamespace); !ok && found {
		if c := pluginClass(below, method); c != classSite {
			return c
		}
	}
	switch {
	case !ok:
		return classSite
	case isBatch(rest):
		return classBatch
	case !post:
		return classCoCart
	case rest == "/v2/login":
		return classLogin
	case rest == "/v2/logout", rest == "/v1/logout":
		return classLogout
	}
	if c, known := jwtClass(rest); known {
		return c
	}
	return classCoCart
}

// cutNamespace takes the namespace off a lower-case route.
func (rs routes) cutNamespace(route string) (rest string, ok bool) {
	for _, ns := range rs.namespaces {
		if rest, found := strings.CutPrefix(route, "/"+ns); found && (rest == "" || rest[0] == '/') {
			return rest, true
		}
	}
	return "", false
}

// odd refuses spellings of a CoCart route that no client sends and on which
// servers disagree. WordPress answers 404 to them, as far as is known; that is
// not worth relying on.
func odd(route string) error {
	decoded := phpURLDecode(strings.TrimSuffix(route, "\n")) // PCRE's "$" matches before a last line feed
	switch {
	case strings.ContainsAny(decoded, "\x00\r\n\\"):
		return ambiguous("the route holds a control character or a backslash")
	case strings.ContainsAny(decoded, `'"`): // WordPress puts a backslash before it
		return ambiguous("the route holds a quote")
	case strings.Contains(phpLower(route), "%2f"):
		return ambiguous("the route holds an encoded slash")
	case strings.Contains(strings.TrimRight(decoded, "/"), "//"):
		return ambiguous("the route holds an empty segment")
	case slices.ContainsFunc(strings.Split(decoded, "/"), func(s string) bool { return s == "." || s == ".." }):
		return ambiguous("the route holds a dot segment")
	}
	return nil
}

// trimRoute is rest_api_loaded's untrailingslashit; the pattern's "$" also
// matches before a final line feed.
func trimRoute(route string) string {
	return strings.TrimRight(strings.TrimSuffix(route, "\n"), "/\\")
}

// jwksPath is on the public listener: other services verify tokens with it.
const jwksPath = "/.well-known/jwks.json"

// isJWKS reports whether a path is that of the keys, at the root or below a prefix.
func (rs routes) isJWKS(path string) bool {
	if path == jwksPath {
		return true
	}
	for _, prefix := range rs.prefixes {
		if path == "/"+strings.TrimLeft(rs.home+"/"+prefix, "/")+jwksPath {
			return true
		}
	}
	return false
}

// isProducts is true for …/v1/products and …/v2/products and what is below.
func (rs routes) isProducts(route string) bool {
	rest, _ := rs.cutNamespace(phpLower(route))
	for _, version := range []string{"/v1", "/v2"} {
		if below, found := strings.CutPrefix(rest, version+"/products"); found && (below == "" || below[0] == '/') {
			return true
		}
	}
	return false
}

// reads reports whether a method only reads: GET and HEAD.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// unlistedPrefix is what stands before a REST path of CoCart's, or "".
func (rs routes) unlistedPrefix(target string) string {
	path, _, _ := strings.Cut(target, "?")
	segments := strings.Split(rs.cutHome(strings.Trim(path, "/")), "/")
	for i := 1; i < len(segments) && i <= 3; i++ {
		route, ok := rs.rewrite(strings.Join(segments[i:], "/"))
		plain := !slices.ContainsFunc(segments[:i], func(s string) bool { return !isPlainSegment(s) })
		if ok && plain && rs.ours(route) {
			return "/" + strings.Join(segments[:i], "/")
		}
	}
	return ""
}

func isPlainSegment(s string) bool {
	return s != "" && s[0] != '.' && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-") == ""
}

// isRoute reports whether WordPress will dispatch a route, given in lower case.
func (v verdict) isRoute(route string) bool { return phpLower(v.route) == route }
