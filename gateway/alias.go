package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cocart-gateway/upstream"
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

// rename makes a request for an alias one for the route behind it, so that what
// is judged, asserted and dispatched is one thing.
func (g *Gateway) rename(x *exchange) error {
	real := g.routes.realRoute(x.verdict)
	if real == "" {
		return nil
	}
	if hasForm(x.r) { // which may hold a rest_route
		if err := g.dropFormRoute(x); err != nil {
			return err
		}
	}
	target := g.routes.renamed(x.target, real)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return ambiguous("the path cannot be read")
	}
	x.r.URL, x.target = u, target
	x.verdict.query, x.verdict.alias = parseParams(u.RawQuery), true
	return nil
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

func (g *Gateway) dropFormRoute(x *exchange) error {
	b, err := readBody(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	text := []byte(b.form.without(isRouteName))
	x.r.Body, x.r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	x.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return nil
}

// errLoggedOut ends the forwarding of a logout under its alias.
var errLoggedOut = errors.New("the client is told of its logout in other words")

// holdLogout keeps CoCart's "true" from a client that takes nothing but a JSON
// object: the Flutter SDK would fail on it, and keep its tokens.
func (x *exchange) holdLogout(answer *upstream.Answer) error {
	if !x.verdict.alias || x.verdict.class != classLogout || answer.Status != http.StatusOK {
		return nil
	}
	x.relayed = false
	if cookies := answer.Header["Set-Cookie"]; len(cookies) > 0 {
		x.w.Header()["Set-Cookie"] = cookies
	}
	return errLoggedOut
}

// addPair puts the tokens of a login under its alias where these SDKs look for
// them, in front of CoCart's own answer.
func addPair(members []member, access, refresh string) []member {
	rest := membersWithout(members, func(name string) bool { return name == "token" || name == "refresh_token" })
	pair := []member{{"token", quoted(access)}}
	if refresh != "" {
		pair = append(pair, member{"refresh_token", quoted(refresh)})
	}
	return append(pair, rest...)
}
