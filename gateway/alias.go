package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// pluginNamespace is where the PHP plugin registers its routes and where the
// Flutter and Swift SDKs look for them, whatever CoCart's own namespace is called.
const pluginNamespace = "/cocart"

// jwtClass names the class of a POST below /jwt; rest is the lower-case route
// below its namespace. WordPress knows neither /jwt/token nor /jwt/logout: the
// Flutter and Swift SDKs log in and out there.
func jwtClass(rest string) (class, bool) {
	switch rest {
	case "/jwt/token":
		return classLogin, true
	case "/jwt/logout":
		return classLogout, true
	case "/jwt/refresh-token":
		return classRefresh, true
	case "/jwt/validate-token":
		return classValidate, true
	}
	return "", false
}

// pluginClass names the class of a route in the plugin's namespace where CoCart's own
// is called otherwise. Besides what the gateway answers to a POST, that is the index
// of that namespace, and what browsers ask before a POST.
func pluginClass(rest, method string) class {
	c, known := jwtClass(rest)
	switch {
	case known && method == http.MethodPost:
		return c
	case known && method == http.MethodOptions, rest == "/jwt":
		return classCoCart
	}
	return classSite
}

// realRoute is the route of CoCart that does what an alias promises, in the
// namespace of the alias, or in the shop's first one; "" for any other route.
func (rs routes) realRoute(v verdict) string {
	var real string
	switch route := phpLower(v.route); {
	case v.class == classLogin && strings.HasSuffix(route, "/jwt/token"):
		real = "/v2/login"
	case v.class == classLogout && strings.HasSuffix(route, "/jwt/logout"):
		real = "/v2/logout"
	default:
		return ""
	}
	for _, ns := range rs.namespaces {
		if strings.HasPrefix(phpLower(v.route), "/"+ns+"/jwt/") {
			return "/" + ns + real
		}
	}
	return "/" + rs.namespaces[0] + real
}

// renamed puts another route into a target, where that had its own: in the path,
// if it is a REST path, else as rest_route in the query.
func (rs routes) renamed(target, route string) string {
	path, rawQuery, _ := strings.Cut(target, "?")
	query := parseParams(rawQuery).without(isRouteName)
	if _, ok := rs.pathRoute(path); !ok {
		return strings.TrimSuffix(path+"?rest_route="+route+"&"+query, "&")
	}
	base := rs.bases[0]
	if slices.ContainsFunc(rs.below(rs.cleaned(path)), func(at belowPrefix) bool { return strings.HasPrefix(at.path, "index.php/") }) {
		base = rs.bases[1]
	}
	prefix := rs.prefixOf(path)
	real := "/" + strings.TrimLeft(rs.home+"/"+strings.TrimLeft(prefix+"/"+base+route, "/"), "/")
	return strings.TrimSuffix(real+"?"+query, "?")
}

func isRouteName(name string) bool { return name == "rest_route" }

// jwtNamespace is the namespace in which CoCart JWT Authentication registers its routes.
const jwtNamespace = "cocart/jwt"

// jwtRoutes are what that plugin registers, the index among them.
var jwtRoutes = []string{jwtIndex, jwtIndex + "/refresh-token", jwtIndex + "/validate-token"}

const jwtIndex = "/" + jwtNamespace

// jwtRoute is the name by which that plugin registers a route, also for one in a
// configured namespace; "" for any other route.
func (rs routes) jwtRoute(route string) string {
	route = phpLower(route)
	if rest, ok := rs.cutNamespace(route); ok && strings.HasPrefix(rest, "/jwt/") {
		route = pluginNamespace + rest
	}
	if slices.Contains(jwtRoutes, route) {
		return route
	}
	return ""
}

// loginRoute is CoCart's login in the shop's first namespace.
func (rs routes) loginRoute() string { return "/" + rs.namespaces[0] + "/v2/login" }

// restPath is the path of a REST route, below that of the site.
func (rs routes) restPath(route string) string { return "/" + rs.bases[0] + route }
