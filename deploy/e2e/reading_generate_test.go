package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
)

// The words that requests are made of: those that WordPress, PHP or a web server
// give a meaning to, and their neighbours.
var (
	someRoutes = []string{"/cocart/v2/cart", "/cocart/v2/cart", "/cocart/v2/login", "/cocart/v2/login/", "/cocart/jwt/refresh-token", "/cocart/jwt/validate-token",
		"/cocart/v1/logout", "/cocart/v2/logout", "/cocart/jwt/token", "/cocart/jwt/logout", "/cocart", "/cocart/", "/cocart/batch", "/cocart/v2/batch", "/batch/v1", "/COCART/V2/Login", "/cocartx/v2/cart",
		"/wp/v2/posts", "/wp/v2/users/me", "/", "", "0", "cocart/v2/cart", "//cocart/v2/cart", "/cocart//v2/cart", "/coc\u212Art/v2/cart", "/cocart\\v2\\cart"}
	somePrefixes = []string{"/wp-json", "/wp-json", "/wp-json", "/index.php/wp-json", "/index.php", "/indexXphp/wp-json", "/WP-JSON", "//wp-json", "/wp-json/", "/wp-jsonx",
		"/blog/wp-json", "/index.php/index.php/wp-json", "/index.php//wp-json", "/wp-content/wp-json", "/wp%2Djson", "/%77p-json", "/wp-json%2F", "/index.php%2Fwp-json"}
	somePages = []string{"/", "/", "/index.php", "/any-page/", "/feed/", "/wp-login.php", "/wp-cron.php", "/wp-admin/", "/wp-admin/admin-ajax.php", "/wp-admin/nothing",
		"/wp-login.php/x", "/nothing.php", "/nothing.php/x", "/wp-content/", "/wp-content/nothing.php", "/xmlrpc.php", "/wp-includes/css/dashicons.min.css",
		"/x/../wp-login.php", "/wp%2Dlogin.php", "/WP-LOGIN.PHP", "/robots.txt", "/wp-json", "/wp-json/", "/wp-sitemap.xml", "/index.php/x.php", "/x/index.php", "/.well-known/jwks.json"}
	someNames = []string{"rest_route", "rest_route", "rest_route", "rest.route", "rest route", "rest[route", "rest+route", "rest%5Froute", " rest_route", "rest_route[]",
		"rest_route[a][b", "rest_route%00x", "REST_ROUTE", "[rest_route]", "rest_route ", "_method", "_method", ".method", "_method[]", "x", "_envelope", "requests", "requests[0][path]", "page_id", "s"}
	someMethods = []string{"GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"}
	someStrange = []string{"/", "//", "%2f", "%2F", "%0a", "%0d", "%09", "%20", "+", ".", "..", "/./", "/../", "%2e", ";x", "%5c", "\\", "%25", "%", "%zz", "#", "?", "&", "é", "'", "\"", "%27", "~", "*", "@", ":"}
	someTypes   = []string{"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8", "Application/X-WWW-Form-Urlencoded",
		"application/x-www-form-urlencoded,x", "application/x-www-form-urlencoded\t;x", "application/json", "text/plain, application/json", "text/plain",
		"application/x-www-form-urlencoded, application/json", ""}
)

func generate(r *rand.Rand) sample {
	if r.IntN(8) == 0 {
		return someBatch(r)
	}
	s := sample{method: pickOne(r, someMethods), header: http.Header{}}
	s.target = somePath(r)
	if n := r.IntN(4); n > 0 {
		s.target += "?" + parameters(r, n, true)
	}
	if r.IntN(6) == 0 {
		s.header["X-Http-Method-Override"] = []string{pickOne(r, append([]string{"", "get", "po\u017Ft"}, someMethods...))}
	}
	if r.IntN(40) == 0 {
		s.header["X-Http-Method-Override"] = append(s.header["X-Http-Method-Override"], "POST")
	}
	if s.method != "GET" && s.method != "HEAD" && r.IntN(3) > 0 {
		addBody(r, &s)
	}
	return s
}

// someBatch is a request that is surely a batch, with its requests in any place.
func someBatch(r *rand.Rand) sample {
	s := sample{method: pickOne(r, []string{"POST", "POST", "POST", "PUT"}), header: http.Header{}}
	s.target = pickOne(r, []string{"/wp-json/batch/v1", "/wp-json/BATCH/v1/", "/?rest_route=/batch/v1", "/wp-json/batch/v1?requests[0][path]=/wp/v2/posts", "/wp-json/cocart/batch"})
	if kind := pickOne(r, append([]string{"x", ";x/y", "x;a/b", "application/json", "application/vnd.x+json", "application/json;x"}, someTypes...)); kind != "" {
		s.header["Content-Type"] = []string{kind}
	}
	if s.body = batchBody(r); r.IntN(2) == 0 {
		s.body = pickOne(r, []string{"requests[0][path]=", "requests[][path]=", "requests[0][path]=/x&requests[1][path]=", "requests%5B0%5D%5Bpath%5D="}) + pickOne(r, someRoutes)
	}
	return s
}

func somePath(r *rand.Rand) string {
	path := pickOne(r, somePages)
	if r.IntN(3) > 0 {
		path = pickOne(r, somePrefixes) + pickOne(r, someRoutes)
	}
	if r.IntN(3) == 0 {
		path = mutate(r, path)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// mutate puts something strange into a text, or spells a part of it otherwise.
func mutate(r *rand.Rand, s string) string {
	for range 1 + r.IntN(2) {
		i := r.IntN(len(s) + 1)
		switch r.IntN(3) {
		case 0:
			s = s[:i] + pickOne(r, someStrange) + s[i:]
		case 1:
			if i < len(s) {
				s = s[:i] + fmt.Sprintf("%%%02x", s[i]) + s[i+1:]
			}
		case 2:
			s = s[:i] + strings.ToUpper(s[i:])
		}
	}
	return s
}

func parameters(r *rand.Rand, n int, inURL bool) string {
	var all []string
	for range n {
		name, value := pickOne(r, someNames), pickOne(r, someRoutes)
		if strings.Contains(name, "method") {
			value = pickOne(r, someMethods)
		}
		if r.IntN(4) == 0 {
			value = mutate(r, value)
		}
		if r.IntN(3) == 0 {
			value = url.QueryEscape(value)
		}
		if inURL { // a client cannot send them raw
			name, value = strings.ReplaceAll(name, " ", "%20"), strings.ReplaceAll(value, " ", "%20")
		}
		all = append(all, name+"="+value)
	}
	if r.IntN(60) == 0 {
		at := r.IntN(len(all) + 1)
		all = append(all[:at:at], append([]string{strings.Repeat("a=1&", 1100) + "a=1"}, all[at:]...)...)
	}
	return strings.Join(all, "&")
}

func addBody(r *rand.Rand, s *sample) {
	switch r.IntN(4) {
	case 0:
		multipartBody(r, s)
	case 1:
		s.header["Content-Type"] = []string{"application/json"}
		s.body = batchBody(r)
	default:
		s.body = parameters(r, 1+r.IntN(3), false)
		if kind := pickOne(r, someTypes); kind != "" {
			s.header["Content-Type"] = []string{kind}
		}
	}
	if r.IntN(25) == 0 {
		s.header["Content-Type"] = append(s.header["Content-Type"], pickOne(r, someTypes[:9]))
	}
}

func batchBody(r *rand.Rand) string {
	var all []string
	for range 1 + r.IntN(3) {
		path := pickOne(r, someRoutes)
		if r.IntN(4) == 0 {
			path = pickOne(r, []string{"//evil", "http://x", "/x/..", "x:", "?a=/", "#", "/%63ocart/../"}) + path
		}
		all = append(all, fmt.Sprintf(`{"method":"POST","path":%q}`, path))
	}
	list := "[" + strings.Join(all, ",") + "]"
	return pickOne(r, []string{`{"requests":` + list + `}`, `{"requests":` + list + `}`, `{"requests":[],"requests":` + list + `}`, `{"Requests":` + list + `}`,
		`{"requests":{"0":` + all[0] + `}}`, list, `{"requests":` + list, "\ufeff{}", `{"rest_route":"/cocart/v2/cart"}`})
}

// multipartBody is a form as browsers write it, or one that they do not.
func multipartBody(r *rand.Rand, s *sample) {
	boundary := pickOne(r, []string{"b", "b", "b", "----WebKitFormBoundaryx", "b b"})
	kind := "multipart/form-data; boundary=" + boundary
	if r.IntN(8) == 0 {
		kind = pickOne(r, []string{"multipart/form-data; boundary=\"b\"", "multipart/form-data;boundary=b, boundary=c", "multipart/form-data", "multipart/form-data; charset=x; boundary=b", "Multipart/Form-Data; Boundary=b", "multipart/form-data; boundary=b; boundary=c"})
	}
	end := pickOne(r, []string{"\r\n", "\r\n", "\r\n", "\n"})
	var b strings.Builder
	for range 1 + r.IntN(3) {
		disposition := fmt.Sprintf(`form-data; name="%s"`, pickOne(r, someNames))
		if r.IntN(4) == 0 {
			disposition = pickOne(r, []string{`form-data; name=rest_route`, `form-data; name="x"; name="rest_route"`, `attachment; name="rest_route"`, `form-data; name="rest_route"; filename=""`,
				`form-data; name="rest_route"; filename="a.txt"`, `form-data; name*=utf-8''rest_route`, `form-data; name='rest_route'`, `form-data; name="rest\_route"`, `form-data;name="rest_route"`})
		}
		b.WriteString("--" + boundary + end + "Content-Disposition: " + disposition + end + end + pickOne(r, someRoutes) + end)
	}
	b.WriteString(pickOne(r, []string{"--" + boundary + "--" + end, "--" + boundary + "--" + end, "", "--" + boundary}))
	s.header["Content-Type"], s.body = []string{kind}, b.String()
}

func pickOne(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }
