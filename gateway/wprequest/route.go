package wprequest

import (
	"path"
	"strings"
)

// routesFound is every REST route that some reader could find in a request.
type routesFound struct {
	rest   bool   // there is one
	coCart bool   // one of them is CoCart's
	route  string // the one WordPress will dispatch; "" for a page
	doubt  string // why two readers could differ
	// tooMany parameters were sent: PHP drops the rest unseen.
	tooMany bool
}

// findRoutes looks where WP::parse_request looks. Of rest_route in the form, in
// the query and in the path it takes the first that is there, even if it is
// empty; it dies when form and query differ.
func (rs Site) findRoutes(path, clean string, w Request, query Params) (f routesFound) {
	fromPath, inPath := rs.addPaths(&f, path)
	for i := range rs.readings() {
		at, _ := rs.below(clean, i)
		if info, found := strings.CutPrefix(at.path, "index.php/"); found {
			rs.addPathInfo(&f, rs.pathInfoRoute(info), fromPath)
		}
	}
	_, rawQuery, _ := strings.Cut(w.Target, "?")
	fromQuery, inQuery := rs.parameter(&f, query)
	fromForm, inForm := rs.parameter(&f, w.form.params)
	f.tooMany = parameters(rawQuery) > rs.parameters || w.form.total > rs.parameters
	if strings.Contains(w.Target, "#") {
		f.doubt = "the query holds a fragment"
	}
	if w.form.unreadable {
		f.doubt = "the form cannot be read"
	}
	switch {
	case inQuery && inForm && fromQuery != fromForm:
		f.doubt = "the query and the form name different routes"
	case inForm:
		f.settle(fromForm, fromPath, inPath)
	case inQuery:
		f.settle(fromQuery, fromPath, inPath)
	default:
		f.route = fromPath
	}
	return f
}

func (rs Site) addPathInfo(f *routesFound, route, fromPath string) {
	if route != fromPath {
		rs.add(f, route)
		f.doubt = "web servers differ in what they make of a path below index.php"
	}
}

// addPaths adds what the path is below each prefix, and returns the first; WordPress knows
// which of them its language plugin takes off, and the gateway does not.
func (rs Site) addPaths(f *routesFound, path string) (first string, ok bool) {
	p := rs.cutHome(strings.Trim(path, "/"))
	for i := range rs.readings() {
		at, _ := rs.below(p, i)
		route, found := rs.rewrite(at.path)
		switch {
		case !found:
			continue
		case !ok:
			first, ok = route, true
		case route != first:
			f.doubt = "the path names different routes below different prefixes of site.paths"
		}
		rs.add(f, route)
	}
	return first, ok
}

func (rs Site) add(f *routesFound, route string) {
	f.rest = f.rest || route != ""
	f.coCart = f.coCart || rs.isCoCart(route)
}

// parameter reads rest_route from one source. Of several PHP takes the last.
func (rs Site) parameter(f *routesFound, ps Params) (route string, ok bool) {
	for _, p := range ps {
		if p.name != "rest_route" {
			continue
		}
		route, ok = p.value, true
		rs.add(f, route)
		if cut, _, found := strings.Cut(route, "#"); found {
			rs.add(f, cut)
		}
		if p.array {
			f.doubt = "rest_route is given as an array"
		}
	}
	return route, ok
}

func parameters(raw string) int { return 1 + strings.Count(raw, "&") }

// settle takes the route of a parameter, which beats the path. No client sends one that
// disagrees with the path. "0" is as empty to PHP as "" is.
func (f *routesFound) settle(route, fromPath string, inPath bool) {
	if inPath && trimRoute(route) != trimRoute(fromPath) {
		f.doubt = "the path and rest_route name different routes"
	}
	if route != "0" {
		f.route = route
	}
}

// pathRoute matches WordPress's rewrite rules ^wp-json/?$, ^wp-json/(.*)? and
// the same below index.php, first on the path as it came, then urldecoded:
// "WP-JSON" is no REST path, and "%77p-json" is one.
func (rs Site) pathRoute(path string) (route string, ok bool) {
	return rs.addPaths(&routesFound{}, path)
}

// belowPrefix is what remains of a path after one of the prefixes of site.paths.
type belowPrefix struct{ prefix, path string }

// readings returns in how many ways a path is read: that of the unfiltered home, and one
// for each prefix.
func (rs Site) readings() int { return 1 + len(rs.prefixes) }

// below reads a path, which begins at home, in one of these ways, as WP::parse_request
// does where a language plugin filters home_url for the segment that it knows: it takes
// the path of home_url off in any case. ok is false, and the result is empty, if the path
// is not below that prefix.
func (rs Site) below(p string, reading int) (at belowPrefix, ok bool) {
	if reading == 0 {
		return belowPrefix{"", p}, true
	}
	prefix := rs.prefixes[reading-1]
	n := len(prefix)
	if len(p) < n || !strings.EqualFold(p[:n], prefix) || len(p) > n && p[n] != '/' {
		return belowPrefix{}, false
	}
	return belowPrefix{prefix, strings.Trim(p[n:], "/")}, true
}

// prefixOf returns the prefix below which a path is a REST path; "" without one.
func (rs Site) prefixOf(path string) string {
	p := rs.cutHome(strings.Trim(path, "/"))
	for i := range rs.readings() {
		at, below := rs.below(p, i)
		if _, ok := rs.rewrite(at.path); ok && below {
			return at.prefix
		}
	}
	return ""
}

func (rs Site) rewrite(p string) (route string, ok bool) {
	decoded := phpURLDecode(p)
	for i, candidate := range [...]string{p, decoded} {
		if i == 1 && decoded == p {
			break
		}
		for _, base := range rs.bases {
			if rest, found := cutPattern(candidate, base); found && (rest == "" || rest == "\n" || rest[0] == '/') {
				line, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "\n") // "." stops there
				return "/" + line, true
			}
		}
	}
	return "", false
}

// cutPattern does as CutPrefix, but a dot in the prefix is any character: WordPress
// puts both names into its rewrite rules as they are.
func cutPattern(s, pattern string) (rest string, ok bool) {
	if len(s) < len(pattern) {
		return s, false
	}
	for i := range len(pattern) {
		if s[i] != pattern[i] && (pattern[i] != '.' || s[i] == '\n') {
			return s, false
		}
	}
	return s[len(pattern):], true
}

// cutHome takes the site's own path off, in any case and without a slash after
// it, as WP::parse_request does.
func (rs Site) cutHome(p string) string {
	if n := len(rs.home); n > 0 && len(p) >= n && strings.EqualFold(p[:n], rs.home) {
		return strings.Trim(p[n:], "/")
	}
	return p
}

// pathInfoRoute reads a path as does a web server that gives PHP a PATH_INFO: what
// follows index.php, decoded and without double slashes and dot segments.
func (rs Site) pathInfoRoute(info string) string {
	route, _ := rs.rewrite(strings.Trim(strings.ReplaceAll(info, "%", "%25"), "/"))
	return route
}

// cleaned returns a path as web servers look for files: below the site, decoded,
// without double slashes and dot segments.
func (rs Site) cleaned(p string) string {
	decoded := phpURLDecode(strings.ReplaceAll(p, "+", "%2B"))
	if !strings.HasPrefix(decoded, "/") {
		decoded = "/" + decoded
	}
	return rs.cutHome(strings.Trim(path.Clean(decoded), "/"))
}
