package wprequest

import (
	"path"
	"strings"
)

// routesFound is every REST route that some reader could find in a request.
type routesFound struct {
	all   []string
	route string // the one WordPress will dispatch; "" for a page
	doubt string // why two readers could differ
	// tooMany parameters were sent: PHP drops the rest unseen.
	tooMany bool
}

// findRoutes looks where WP::parse_request looks. Of rest_route in the form, in
// the query and in the path it takes the first that is there, even if it is
// empty; it dies when form and query differ.
func (rs Site) findRoutes(path, clean string, w Request, query Params) (f routesFound) {
	fromPath, inPath := rs.pathRoute(path)
	f.addPaths(rs.pathRoutes(path))
	for _, at := range rs.below(clean) {
		if info, found := strings.CutPrefix(at.path, "index.php/"); found {
			f.addPathInfo(rs.pathInfoRoute(info), fromPath)
		}
	}
	_, rawQuery, _ := strings.Cut(w.Target, "?")
	fromQuery, inQuery := f.parameter(query)
	fromForm, inForm := f.parameter(w.form.params)
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

func (f *routesFound) addPathInfo(route, fromPath string) {
	if route != fromPath {
		f.add(route)
		f.doubt = "web servers differ in what they make of a path below index.php"
	}
}

// addPaths adds what the path is below each prefix; WordPress knows which of them
// its language plugin takes off, and the gateway does not.
func (f *routesFound) addPaths(routes []string) {
	for _, route := range routes {
		f.add(route)
		if route != routes[0] {
			f.doubt = "the path names different routes below different prefixes of site.paths"
		}
	}
}

func (f *routesFound) add(route string) { f.all = append(f.all, route) }

// parameter reads rest_route from one source. Of several PHP takes the last.
func (f *routesFound) parameter(ps Params) (route string, ok bool) {
	for _, p := range ps {
		if p.name != "rest_route" {
			continue
		}
		route, ok = p.value, true
		f.add(route)
		if cut, _, found := strings.Cut(route, "#"); found {
			f.add(cut)
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
	if all := rs.pathRoutes(path); len(all) > 0 {
		return all[0], true
	}
	return "", false
}

func (rs Site) pathRoutes(path string) (all []string) {
	for _, at := range rs.below(rs.cutHome(strings.Trim(path, "/"))) {
		if route, ok := rs.rewrite(at.path); ok {
			all = append(all, route)
		}
	}
	return all
}

// belowPrefix is what remains of a path after one of the prefixes of site.paths.
type belowPrefix struct{ prefix, path string }

// below reads a path, which begins at home, as WP::parse_request does where a
// language plugin filters home_url for the segment that it knows: it takes the path
// of home_url off in any case. The first reading is that of the unfiltered home.
func (rs Site) below(p string) []belowPrefix {
	all := []belowPrefix{{"", p}}
	for _, prefix := range rs.prefixes {
		if n := len(prefix); len(p) >= n && strings.EqualFold(p[:n], prefix) && (len(p) == n || p[n] == '/') {
			all = append(all, belowPrefix{prefix, strings.Trim(p[n:], "/")})
		}
	}
	return all
}

// prefixOf returns the prefix below which a path is a REST path; "" without one.
func (rs Site) prefixOf(path string) string {
	for _, at := range rs.below(rs.cutHome(strings.Trim(path, "/"))) {
		if _, ok := rs.rewrite(at.path); ok {
			return at.prefix
		}
	}
	return ""
}

func (rs Site) rewrite(p string) (route string, ok bool) {
	for _, candidate := range []string{p, phpURLDecode(p)} {
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
	return rs.cutHome(strings.Trim(path.Clean("/"+decoded), "/"))
}
