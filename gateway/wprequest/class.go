package wprequest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Class is what the gateway does with a request. The words are metric labels.
type Class string

const (
	ClassLogin     Class = "login"
	ClassRefresh   Class = "refresh"
	ClassValidate  Class = "validate"
	ClassLogout    Class = "logout"
	ClassAccount   Class = "account" // a customer's own token and sessions
	ClassCoCart    Class = "cocart"  // any other route of the configured namespaces
	ClassBatch     Class = "batch"
	ClassJWKS      Class = "jwks"
	ClassProtected Class = "protected" // a route of site.protect, with a bearer or a session cookie that counts
	ClassBrowser   Class = "browser"   // a link that logs a browser in
	ClassSite      Class = "site"      // everything else
)

// Classes lists every class, for metrics that show their series from the start.
var Classes = []Class{ClassLogin, ClassRefresh, ClassValidate, ClassLogout, ClassAccount, ClassCoCart, ClassBatch, ClassJWKS, ClassProtected, ClassBrowser, ClassSite}

// IsCoCart reports whether a class is CoCart's. The public keys are not secret and
// have headers of their own, and so does the link for a browser.
func (c Class) IsCoCart() bool {
	return c != ClassSite && c != ClassJWKS && c != ClassBrowser && c != ""
}

// Request is a request as WordPress will see it. Its class depends on nothing else.
type Request struct {
	Method string
	Target string // path and query, as they will be sent
	Header http.Header
	// form is the body as PHP fills $_POST with it; the zero value where PHP reads
	// none.
	form form
}

// Classification is what WordPress will make of a request.
type Classification struct {
	Class Class
	// Route is the REST route, without a trailing slash; "" for a page.
	Route string
	// Method is the one WordPress will dispatch, after _method and
	// X-HTTP-Method-Override.
	Method string
	Query  Params
	Batch  BatchContent // what is in it, if it is one
	Alias  bool         // route was asked for under another name (alias.go)
	// Protect is the entry of site.protect that the request is for; "" for none. Its class is site all the same: whether a
	// bearer is there is for the caller to say.
	Protect string
	REST    bool // some reader takes the request for one of the REST API, of whatever plugin
}

// Site knows where the site's REST API lives.
type Site struct {
	home       string   // the path of the site's URL, without slashes at its ends
	prefixes   []string // path prefixes below home that have the REST API too, without slashes at their ends
	bases      []string // what REST paths begin with: rest_get_url_prefix, also below index.php
	namespaces []string // lower case
	protected  protection
	parameters int   // how many PHP reads of a query or a form (max_input_vars)
	json       int64 // how much of a batch is read, in bytes
	formHead   int64 // how much of a form is read, in bytes
}

// SiteConfig says where the REST API of a site lives and how much of a request is read.
type SiteConfig struct {
	// URL is the public address of the shop.
	URL *url.URL
	// RestPrefix is WordPress's REST prefix; empty means "wp-json".
	RestPrefix string
	// Paths are path prefixes below that of URL which have the REST API, too.
	Paths []string
	// Namespaces are the first segments of CoCart's routes; empty means "cocart".
	Namespaces []string
	// Protect lists REST namespaces and routes, such as wc/store, and paths, such as /graphql, on which a bearer counts.
	Protect []string
	// Parameters is how many parameters PHP reads of a query or a form
	// (max_input_vars); zero means 1000.
	Parameters int
	// JSON is how much of a batch is read, in bytes; zero means 1 MiB.
	JSON int64
	// FormHead is how much of a form is read to find rest_route, in bytes; zero
	// means 64 KiB.
	FormHead int64
}

func NewSite(cfg SiteConfig) Site {
	prefix := strings.Trim(cfg.RestPrefix, "/")
	if prefix == "" {
		prefix = "wp-json"
	}
	r := Site{
		home: strings.Trim(cfg.URL.Path, "/"), bases: []string{prefix, "index.php/" + prefix},
		parameters: cmp.Or(cfg.Parameters, 1000), json: cmp.Or(cfg.JSON, 1<<20), formHead: cmp.Or(cfg.FormHead, 64<<10),
	}
	r.protected = newProtection(cfg.Protect)
	for _, prefix := range cfg.Paths {
		if prefix = strings.Trim(prefix, "/"); prefix != "" {
			r.prefixes = append(r.prefixes, prefix)
		}
	}
	namespaces := cfg.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{"cocart"}
	}
	for _, ns := range namespaces {
		r.namespaces = append(r.namespaces, phpLower(strings.Trim(ns, "/")))
	}
	return r
}

// Classify reads a request as WP::parse_request and WP_REST_Server will. It is
// a pure function: http.ServeMux would clean paths, compare case and redirect
// where WordPress does not. An error is a [Failure] with status 400: two readers
// could differ about a request that one of them takes for CoCart's. A request
// that no reader takes for CoCart's is never refused.
func (rs Site) Classify(w Request) (Classification, error) {
	path, rawQuery, _ := strings.Cut(w.Target, "?")
	v := Classification{Class: ClassSite, Query: ParseParams(rawQuery)}
	v.Method = effectiveMethod(w, v.Query)
	if _, link := v.Query.Last(BrowserParameter); link { // on any path: the ticket must reach no other reader
		v.Class = ClassBrowser
		return v, nil
	}
	clean := rs.cleaned(path)
	door := rs.scriptOf(path, clean)
	switch {
	case rs.isJWKS(path) && (w.Method == http.MethodGet || w.Method == http.MethodHead):
		v.Class = ClassJWKS
		return v, nil
	case door == otherScript:
		return v, nil
	}
	found := rs.findRoutes(path, clean, w, v.Query)
	v.REST = found.rest
	if !found.coCart {
		v.Protect = rs.protect(w, v, found, clean, door)
		return v, nil
	}
	switch {
	case found.tooMany:
		return v, TooManyParameters(rs.parameters)
	case found.doubt != "":
		return v, Ambiguous(found.doubt)
	case door == unclearScript:
		return v, Ambiguous("the path names a PHP file that may not exist")
	case !rs.isCoCart(found.route): // PHP overwrote ours with another one, or with an empty one
		return v, nil
	}
	if err := ambiguousHeaders(w, v.Query); err != nil {
		return v, err
	}
	if err := ambiguousRoute(found.route); err != nil {
		return v, err
	}
	v.Route = trimRoute(found.route)
	v.Class = rs.classOf(v.Route, v.Method)
	return v, nil
}

// isCoCart reports whether a route is CoCart's.
func (rs Site) isCoCart(route string) bool {
	return rs.classOf(trimRoute(route), http.MethodPost) != ClassSite
}

// effectiveMethod returns the method as WP_REST_Server::serve_request finds it: $_GET['_method'], else the
// override header, on any method. It is enough that they are there; empty ones
// make a method that no route has.
func effectiveMethod(w Request, query Params) string {
	if m, ok := query.Last("_method"); ok {
		return phpUpper(m.value)
	}
	if values := w.Header["X-Http-Method-Override"]; len(values) > 0 {
		return phpUpper(values[len(values)-1])
	}
	return phpUpper(w.Method)
}

// classOf names the class of a REST route. Routes match without regard to case
// (the i flag in WP_REST_Server::match_request_to_handler).
func (rs Site) classOf(route, method string) Class {
	route = phpLower(route)
	if route == "/batch/v1" {
		return ClassBatch
	}
	rest, ok := rs.cutNamespace(route)
	post := method == http.MethodPost
	if below, found := strings.CutPrefix(route, PluginNamespace); !ok && found {
		if c := pluginClass(below, method); c != ClassSite {
			return c
		}
	}
	switch {
	case !ok:
		return ClassSite
	case isBatch(rest):
		return ClassBatch
	case isAccountRoute(rest):
		return ClassAccount
	case !post:
		return ClassCoCart
	case rest == "/v2/login":
		return ClassLogin
	case rest == "/v2/logout", rest == "/v1/logout":
		return ClassLogout
	}
	if c, known := jwtClass(rest); known {
		return c
	}
	return ClassCoCart
}

// cutNamespace takes the namespace off a lower-case route.
func (rs Site) cutNamespace(route string) (rest string, ok bool) {
	for _, ns := range rs.namespaces {
		if rest, found := strings.CutPrefix(route, "/"+ns); found && (rest == "" || rest[0] == '/') {
			return rest, true
		}
	}
	return "", false
}

// ambiguousRoute refuses spellings of a CoCart route that no client sends and on which
// servers disagree. WordPress answers 404 to them, as far as is known; that is
// not worth relying on.
func ambiguousRoute(route string) error {
	decoded := phpURLDecode(strings.TrimSuffix(route, "\n")) // PCRE's "$" matches before a last line feed
	switch {
	case strings.ContainsAny(decoded, "\x00\r\n\\"):
		return Ambiguous("the route holds a control character or a backslash")
	case strings.ContainsAny(decoded, `'"`): // WordPress puts a backslash before it
		return Ambiguous("the route holds a quote")
	case strings.Contains(phpLower(route), "%2f"):
		return Ambiguous("the route holds an encoded slash")
	case strings.Contains(strings.TrimRight(decoded, "/"), "//"):
		return Ambiguous("the route holds an empty segment")
	case slices.ContainsFunc(strings.Split(decoded, "/"), func(s string) bool { return s == "." || s == ".." }):
		return Ambiguous("the route holds a dot segment")
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
func (rs Site) isJWKS(path string) bool {
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

// IsProducts reports whether a route is one of …/v1/products and …/v2/products and what is below.
func (rs Site) IsProducts(route string) bool {
	rest, _ := rs.cutNamespace(phpLower(route))
	for _, version := range []string{"/v1", "/v2"} {
		if below, found := strings.CutPrefix(rest, version+"/products"); found && (below == "" || below[0] == '/') {
			return true
		}
	}
	return false
}

// Methods are the methods of CoCart's routes. Do not change the list.
var Methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// IsSafe reports whether a method only reads: GET and HEAD.
func IsSafe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// UnlistedPrefix returns what stands before a REST path of CoCart's, or "".
func (rs Site) UnlistedPrefix(target string) string {
	path, _, _ := strings.Cut(target, "?")
	segments := strings.Split(rs.cutHome(strings.Trim(path, "/")), "/")
	for i := 1; i < len(segments) && i <= 3; i++ {
		route, ok := rs.rewrite(strings.Join(segments[i:], "/"))
		plain := !slices.ContainsFunc(segments[:i], func(s string) bool { return !isPlainSegment(s) })
		if ok && plain && rs.isCoCart(route) {
			return "/" + strings.Join(segments[:i], "/")
		}
	}
	return ""
}

func isPlainSegment(s string) bool {
	return s != "" && s[0] != '.' && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-") == ""
}

// IsRoute reports whether WordPress will dispatch a route, given in lower case.
func (v Classification) IsRoute(route string) bool { return phpLower(v.Route) == route }
