package wprequest

import (
	"net/http"
	"strings"
)

// PluginNamespace is where the PHP plugin registers its routes and where the
// Flutter and Swift SDKs look for them, whatever CoCart's own namespace is called.
const PluginNamespace = "/cocart"

// jwtClass names the class of a POST below /jwt; rest is the lower-case route
// below its namespace. WordPress knows neither /jwt/token nor /jwt/logout: the
// Flutter and Swift SDKs log in and out there.
func jwtClass(rest string) (Class, bool) {
	switch rest {
	case "/jwt/token":
		return ClassLogin, true
	case "/jwt/logout":
		return ClassLogout, true
	case "/jwt/refresh-token":
		return ClassRefresh, true
	case "/jwt/validate-token":
		return ClassValidate, true
	}
	return "", false
}

// pluginClass names the class of a route in the plugin's namespace where CoCart's own
// is called otherwise. Besides what the gateway answers to a POST, that is the index
// of that namespace, what browsers ask before a POST, and the routes of the gateway's own.
func pluginClass(rest, method string) Class {
	c, known := jwtClass(rest)
	switch {
	case isAccountRoute(rest):
		return ClassAccount
	case known && method == http.MethodPost:
		return c
	case known && method == http.MethodOptions, rest == "/jwt":
		return ClassCoCart
	}
	return ClassSite
}

// RouteBehindAlias returns the route of CoCart that does what an alias promises, in the
// namespace of the alias, or in the shop's first one; "" for any other route.
func (rs Site) RouteBehindAlias(v Classification) string {
	var real string
	switch route := phpLower(v.Route); {
	case v.Class == ClassLogin && strings.HasSuffix(route, "/jwt/token"):
		real = "/v2/login"
	case v.Class == ClassLogout && strings.HasSuffix(route, "/jwt/logout"):
		real = "/v2/logout"
	default:
		return ""
	}
	for _, ns := range rs.namespaces {
		if strings.HasPrefix(phpLower(v.Route), "/"+ns+"/jwt/") {
			return "/" + ns + real
		}
	}
	return "/" + rs.namespaces[0] + real
}

// TargetFor puts another route into a target, where that had its own: in the path,
// if it is a REST path, else as rest_route in the query.
func (rs Site) TargetFor(target, route string) string {
	path, rawQuery, _ := strings.Cut(target, "?")
	query := ParseParams(rawQuery).Without(IsRouteName)
	if _, ok := rs.pathRoute(path); !ok {
		return strings.TrimSuffix(path+"?rest_route="+route+"&"+query, "&")
	}
	base := rs.bases[0]
	clean := rs.cleaned(path)
	for i := range rs.readings() {
		if at, _ := rs.below(clean, i); strings.HasPrefix(at.path, "index.php/") {
			base = rs.bases[1]
		}
	}
	prefix := rs.prefixOf(path)
	real := "/" + strings.TrimLeft(rs.home+"/"+strings.TrimLeft(prefix+"/"+base+route, "/"), "/")
	return strings.TrimSuffix(real+"?"+query, "?")
}

func IsRouteName(name string) bool { return name == "rest_route" }

// JWTNamespace is the namespace in which CoCart JWT Authentication registers its routes.
const JWTNamespace = "cocart/jwt"

const JWTIndex = "/" + JWTNamespace

// JWTBrowser is the route that makes a link by which a browser is logged in.
const JWTBrowser = JWTIndex + "/browser"

// BrowserParameter is the parameter of the query in which such a link has its ticket, and BrowserRoute the REST route of the
// must-use plugin that the gateway asks in its place.
const (
	BrowserParameter = "cocart_browser"
	BrowserRoute     = "/cocart-gateway/v1/browser"
)

// JWTRoutes are what that plugin registers, the index among them, and the routes of the
// gateway's own, with their methods.
var JWTRoutes = map[string][]string{
	JWTIndex:                     {http.MethodGet},
	JWTIndex + "/refresh-token":  {http.MethodPost},
	JWTIndex + "/validate-token": {http.MethodPost},
	JWTIndex + "/me":             {http.MethodGet},
	JWTBrowser:                   {http.MethodPost},
	JWTIndex + "/sessions":       {http.MethodGet, http.MethodDelete},
	JWTIndex + sessionPattern:    {http.MethodDelete},
}

// sessionPattern is how WordPress would write the route of one session.
const sessionPattern = "/sessions/(?P<id>[A-Za-z0-9_-]{22})"

const sessionsRoute = "/jwt/sessions"

// isAccountRoute reports whether a lower-case route below its namespace is about a
// customer's own token and sessions. WordPress does not know these routes, so every method
// is the gateway's to answer.
func isAccountRoute(rest string) bool {
	below, sessions := strings.CutPrefix(rest, sessionsRoute)
	return rest == "/jwt/me" || rest == "/jwt/browser" || sessions && (below == "" || below[0] == '/')
}

// SessionRoute reports whether a route of ClassAccount is about sessions, and returns the id
// of the one that it names, as it came; "" for all of them.
func (rs Site) SessionRoute(v Classification) (id string, ok bool) {
	rest, ours := rs.cutNamespace(phpLower(v.Route))
	if !ours {
		rest = strings.TrimPrefix(phpLower(v.Route), PluginNamespace)
	}
	below, ok := strings.CutPrefix(rest, sessionsRoute)
	return strings.TrimPrefix(v.Route[len(v.Route)-len(below):], "/"), ok
}

// JWTRoute returns the name by which JWTRoutes has a route, also for one in a configured
// namespace; "" for any other route.
func (rs Site) JWTRoute(route string) string {
	route = phpLower(route)
	if rest, ok := rs.cutNamespace(route); ok && strings.HasPrefix(rest, "/jwt/") {
		route = PluginNamespace + rest
	}
	if strings.HasPrefix(route, JWTIndex+"/sessions/") {
		return JWTIndex + sessionPattern
	}
	if _, known := JWTRoutes[route]; known {
		return route
	}
	return ""
}

// LoginRoute returns CoCart's login in the shop's first namespace.
func (rs Site) LoginRoute() string { return "/" + rs.namespaces[0] + "/v2/login" }

// BrowserTarget returns the target of the request by which WordPress logs a browser in, in every permalink structure.
func (rs Site) BrowserTarget() string {
	return "/" + strings.TrimLeft(rs.home+"/?rest_route="+BrowserRoute, "/")
}

// RESTPath returns the path of a REST route, below that of the site.
func (rs Site) RESTPath(route string) string { return "/" + rs.bases[0] + route }
