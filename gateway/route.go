package gateway

import (
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

// wire is a request as WordPress will see it: what classify judges, and all it
// judges.
type wire struct {
	method   string
	target   string // path and query, as they will be sent
	override string // X-HTTP-Method-Override
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
}

// routes knows where the site's REST API lives.
type routes struct {
	home       string   // the path of the site's URL, without slashes at its ends
	prefix     string   // rest_get_url_prefix
	namespaces []string // lower case
}

func newRoutes(site *url.URL, prefix string, namespaces []string) routes {
	r := routes{home: strings.Trim(site.Path, "/"), prefix: strings.Trim(prefix, "/")}
	if r.prefix == "" {
		r.prefix = "wp-json"
	}
	if len(namespaces) == 0 {
		namespaces = []string{"cocart"}
	}
	for _, ns := range namespaces {
		r.namespaces = append(r.namespaces, strings.ToLower(strings.Trim(ns, "/")))
	}
	return r
}

// classify reads a request as WP::parse_request and WP_REST_Server will. It is
// a pure function: http.ServeMux would clean paths, compare case and redirect
// where WordPress does not. An error is a [Failure] with status 400: WordPress
// could be brought to see another route than the one a reader sees.
func (rs routes) classify(w wire) (verdict, error) {
	path, rawQuery, _ := strings.Cut(w.target, "?")
	v := verdict{class: classSite, query: parseParams(rawQuery)}
	v.method = effectiveMethod(w, v.query)
	fromPath, inPath := rs.pathRoute(path)
	fromQuery, inQuery := v.query.last("rest_route")
	switch {
	case path == jwksPath && (w.method == http.MethodGet || w.method == http.MethodHead):
		v.class = classJWKS
		return v, nil
	case !rs.frontController(path):
		return v, nil
	case inQuery && fromQuery.array:
		return v, rs.refuseIfOurs(fromPath, ambiguous("rest_route is given as an array"))
	case inQuery && inPath && !sameRoute(fromQuery.value, fromPath):
		return v, rs.refuseIfOurs(fromPath+"\n"+fromQuery.value, ambiguous("the path and rest_route name different routes"))
	case inQuery && fromQuery.value != "": // WP::parse_request: the query beats the path
		v.route = trimRoute(fromQuery.value)
	case inPath:
		v.route = trimRoute(fromPath)
	default:
		return v, nil
	}
	v.class = rs.classOf(v.route, v.method)
	if v.class == classSite {
		return v, nil
	}
	return v, odd(v.route)
}

// effectiveMethod is WP_REST_Server::serve_request: $_GET['_method'], else the
// override header, on any method.
func effectiveMethod(w wire, query params) string {
	if m := query.value("_method"); m != "" {
		return strings.ToUpper(m)
	}
	if w.override != "" {
		return strings.ToUpper(w.override)
	}
	return w.method
}

// pathRoute matches WordPress's rewrite rules ^wp-json/?$, ^wp-json/(.*)? and
// the same below index.php, first on the path as it came, then urldecoded:
// "WP-JSON" is no REST path, and "%77p-json" is one.
func (rs routes) pathRoute(path string) (route string, ok bool) {
	p := strings.Trim(path, "/")
	if len(rs.home) > 0 && len(p) >= len(rs.home) && strings.EqualFold(p[:len(rs.home)], rs.home) {
		p = strings.Trim(p[len(rs.home):], "/")
	}
	for _, candidate := range []string{p, phpURLDecode(p)} {
		for {
			if rest, found := strings.CutPrefix(candidate, rs.prefix); found && (rest == "" || rest[0] == '/') {
				return "/" + strings.TrimPrefix(rest, "/"), true
			}
			rest, found := strings.CutPrefix(candidate, "index.php/")
			if !found {
				break
			}
			candidate = strings.TrimLeft(rest, "/")
		}
	}
	return "", false
}

// frontController tells whether a path reaches index.php at the site's root.
// Another PHP file never dispatches REST routes, and wp-admin and admin-ajax
// must not be mistaken for CoCart because of a parameter.
func (rs routes) frontController(path string) bool {
	p := strings.ToLower(phpURLDecode(path))
	if strings.Contains(p, "/wp-admin/") || strings.HasSuffix(p, "/wp-admin") {
		return false
	}
	for segment := range strings.SplitSeq(p, "/") {
		if strings.HasSuffix(segment, ".php") && segment != "index.php" {
			return false
		}
	}
	return true
}

// classOf names the class of a REST route. Routes match without regard to case
// (the i flag in WP_REST_Server::match_request_to_handler).
func (rs routes) classOf(route, method string) class {
	route = strings.ToLower(route)
	if route == "/batch/v1" {
		return classBatch
	}
	rest, ok := rs.cutNamespace(route)
	if !ok {
		return classSite
	}
	post := method == http.MethodPost
	switch {
	case rest == "/batch":
		return classBatch
	case !post:
		return classCoCart
	case rest == "/v2/login":
		return classLogin
	case rest == "/v2/logout", rest == "/v1/logout":
		return classLogout
	case rest == "/jwt/refresh-token":
		return classRefresh
	case rest == "/jwt/validate-token":
		return classValidate
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

// refuseIfOurs returns the error when one of the routes a request could mean is
// CoCart's; other plugins' requests are not ours to judge.
func (rs routes) refuseIfOurs(candidates string, err error) error {
	for route := range strings.SplitSeq(candidates, "\n") {
		if rs.classOf(trimRoute(route), http.MethodGet) != classSite {
			return err
		}
	}
	return nil
}

// odd refuses spellings of a CoCart route that no client sends and on which
// servers disagree. WordPress answers 404 to them, as far as is known; that is
// not worth relying on.
func odd(route string) error {
	decoded := phpURLDecode(route)
	switch {
	case strings.ContainsAny(decoded, "\x00\r\n\\"):
		return ambiguous("the route holds a control character or a backslash")
	case strings.Contains(strings.ToLower(route), "%2f"):
		return ambiguous("the route holds an encoded slash")
	case strings.Contains(decoded, "//"):
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

func sameRoute(a, b string) bool { return trimRoute(a) == trimRoute(b) }
