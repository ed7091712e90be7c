package gateway_test

import (
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

const formType = "Content-Type: application/x-www-form-urlencoded"

const logoutRoute = "/wp-json/cocart/v2/logout"

func TestFormsOfTheStorefrontArriveWhole(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.MaxLoginBody = 1000 })
	for name, body := range map[string]string{
		"short": "a=1", "longer than is looked at": "a=" + strings.Repeat("x", 5000), "empty": "",
		"with a route beyond the limit": "a=" + strings.Repeat("x", 5000) + "&rest_route=/cocart/v2/cart",
	} {
		r := s.do("POST", "/checkout/?x=1", body, formType)
		if seen := s.wordpress.Last(); r.Status != 200 || seen.Body != body || seen.Claims.Kind != "site" {
			t.Errorf("%s: %d, %s with %d bytes", name, r.Status, seen.Claims.Kind, len(seen.Body))
		}
	}
}

func TestLongFormsAreReadFromTheirBeginning(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.MaxLoginBody = 1000 })
	body := "rest_route=/cocart/v2/cart&a=" + strings.Repeat("x", 5000)
	s.do("POST", "/any-page/", body, formType)
	if seen := s.wordpress.Last(); seen.Claims.Kind != "guest" || seen.Body != body {
		t.Errorf("%s with %d bytes", seen.Claims.Kind, len(seen.Body))
	}
}

func TestFormsForOtherScriptsAreNotLookedAt(t *testing.T) {
	s := openShop(t)
	for _, path := range []string{"/wp-login.php", "/wp-admin/admin-ajax.php", "/wp-admin/", "/wp-content/plugins/x/y.php", "/wp-comments-post.php"} {
		s.do("POST", path+"?rest_route=/cocart/v2/cart", "rest_route=/cocart/v2/cart", formType)
		if seen := s.wordpress.Last(); seen.Claims.Kind != "site" {
			t.Errorf("%s: %s", path, seen.Claims.Kind)
		}
	}
}

// A batch that cannot be read belongs to no class: the must-use plugin refuses CoCart
// in what was asserted for another page.
func TestLongBatches(t *testing.T) {
	s := openShop(t)
	body := `{"requests":[{"path":"/cocart/v2/cart","body":{"x":"` + strings.Repeat("x", 1<<20) + `"}}]}`
	if r := s.post("/wp-json/cocart/batch", body); r.Status != 413 {
		t.Errorf("CoCart's own: %d %s", r.Status, r.Body)
	}
	if r := s.post("/wp-json/batch/v1", body); r.Status != 200 || s.wordpress.Last().Claims.Kind != "site" || s.wordpress.Last().Body != body {
		t.Errorf("WordPress's: %d as %s", r.Status, s.wordpress.Last().Claims.Kind)
	}
}

func TestCartKeysThatCouldNameACustomer(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	for _, key := range []string{"3", "03", "+3", " 3", "3 ", "3.0", "3e0", "-3", "\t3", "３", "³", "3\u200b", "3\x01", "<b>3</b>", "3%41", "%2533", "_3", "3_", "3:", "@3", "1:2", "20241128"} {
		for who, headers := range map[string][]string{"guest": nil, "customer": {"Authorization: Bearer " + access}, "password": {basicHeader("bob:x")}} {
			if who == "password" && (key == "3" || key == "20241128") {
				continue // left to the must-use plugin
			}
			if r := s.do("GET", cartRoute+"?cart_key="+url.QueryEscape(key), "", headers...); r.Status != 403 {
				t.Errorf("%s, %q: %d", who, key, r.Status)
			}
		}
	}
	for _, key := range []string{"", "0", "t_0123456789abcdef0123456789abcd", "0123456789abcdef0123456789abcdef", "6f1c9a5e-21d4-4d0a-8f51-0a1b2c3d4e5f", "guest2",
		"1732812345678", "device:9F-3A", "jane.doe@example.com", "2024-11-28", strings.Repeat("9", 42)} {
		for who, headers := range map[string][]string{"guest": nil, "customer": {"Authorization: Bearer " + access}, "password": {basicHeader("bob:x")}} {
			if r := s.do("GET", cartRoute+"?cart_key="+url.QueryEscape(key), "", headers...); r.Status != 200 {
				t.Errorf("%s, %q: %d %s", who, key, r.Status, r.Body)
			}
		}
		if r := s.do("GET", cartRoute, "", "CoCart-API-Cart-Key: "+key); r.Status != 200 || s.wordpress.Last().Header.Get("CoCart-API-Cart-Key") != key {
			t.Errorf("header, %q: %d %s", key, r.Status, r.Body)
		}
	}
	if r := s.do("GET", cartRoute+"?cart_key=2", "", "Authorization: Bearer "+access); r.Status != 200 {
		t.Errorf("one's own: %d %s", r.Status, r.Body)
	}
}

// The SDK sends the number of one's own cart beside Basic when it moves a guest's cart. Only WordPress knows whose password
// that is, so the must-use plugin decides, and what it might not find is refused here.
func TestOnesOwnCartKeyPassesBesideThePassword(t *testing.T) {
	s := openShop(t)
	s.wordpress.Users = append(s.wordpress.Users, upstreamtest.User{ID: 3, Login: "bob", Password: "builder-2", Fingerprint: "fp-bob-1"})
	const multipart = "--b\r\nContent-Disposition: form-data; name=\"cart_key\"\r\n\r\n2\r\n--b--\r\n"
	alice := basicHeader("alice:wonderland-1")
	for name, row := range map[string]struct {
		method, target, body string
		headers              []string
		status               int
		forwarded            bool
	}{
		"query":              {"GET", cartRoute + "?cart_key=2", "", nil, 200, true},
		"header":             {"GET", cartRoute, "", []string{"Cart-Key: 2"}, 200, true},
		"header of CoCart 4": {"GET", cartRoute, "", []string{"CoCart-API-Cart-Key: 2"}, 200, true},
		"form":               {"POST", cartRoute, "cart_key=2", []string{"Content-Type: application/x-www-form-urlencoded"}, 200, true},
		"multipart form":     {"POST", cartRoute, multipart, []string{"Content-Type: multipart/form-data; boundary=b"}, 200, true},
		"a guest's":          {"GET", cartRoute + "?cart_key=t_1", "", []string{"Cart-Key: t_1"}, 200, true},
		"bob's":              {"GET", cartRoute + "?cart_key=3", "", nil, 403, true},
		"bob's by header":    {"POST", cartRoute, "", []string{"Cart-Key: 3"}, 403, true},
		"bob's beside one's": {"GET", cartRoute + "?cart_key=2", "", []string{"Cart-Key: 3"}, 403, true},
		"two headers":        {"GET", cartRoute, "", []string{"Cart-Key: 2", "Cart-Key: 3"}, 403, false},
		"an array":           {"GET", cartRoute + "?cart_key[]=2", "", nil, 403, false},
		"another spelling":   {"GET", cartRoute + "?cart_key=02", "", nil, 403, false},
		"JSON":               {"POST", cartRoute, `{"cart_key":"2"}`, []string{"Content-Type: application/json"}, 403, false},
		"no type":            {"PUT", cartRoute, "cart_key=2", nil, 403, false},
		"in a batch":         {"POST", "/wp-json/cocart/batch", `{"requests":[{"path":"/cocart/v2/cart?cart_key=2"}]}`, []string{"Content-Type: application/json"}, 403, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(s.wordpress.Seen())
			r := s.do(row.method, row.target, row.body, append(row.headers, alice)...)
			if r.Status != row.status || r.Status == 403 && !strings.Contains(r.Body, "cocart_gateway_not_your_cart") {
				t.Errorf("%d %s", r.Status, r.Body)
			}
			if forwarded := len(s.wordpress.Seen()) > before; forwarded != row.forwarded {
				t.Errorf("forwarded: %v", forwarded)
			}
		})
	}
	if r := s.do("GET", cartRoute+"?cart_key=2", "", "Cookie: wordpress_logged_in_1=x", "X-WP-Nonce: x"); r.Status != 403 {
		t.Errorf("beside a cookie: %d", r.Status)
	}
}

// CoCart loads no cart on these routes and ignores the key; a version that loads it must
// not see it.
func TestRoutesWithoutACartIgnoreACustomersKey(t *testing.T) {
	s := openShop(t)
	const multipart = "--b\r\nContent-Disposition: form-data; name=\"cart_key\"\r\n\r\n3\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--b--\r\n"
	type seen struct{ target, body, key, legacy string }
	for name, row := range map[string]struct {
		method, target, body string
		headers              []string
		want                 seen
	}{
		"products":              {"GET", productsRoute + "?per_page=1&cart_key=3&x=%20y", "", nil, seen{target: productsRoute + "?per_page=1&x=%20y"}},
		"a product":             {"GET", productsRoute + "/12/?cart_key=3", "", nil, seen{target: productsRoute + "/12/"}},
		"products of v1":        {"GET", "/wp-json/cocart/v1/products?cart_key=%203", "", nil, seen{target: "/wp-json/cocart/v1/products"}},
		"store":                 {"GET", "/wp-json/cocart/v2/store?cart.key=3", "", nil, seen{target: "/wp-json/cocart/v2/store"}},
		"sessions":              {"GET", "/wp-json/cocart/v2/sessions?cart_key=3", "", []string{"Authorization: Bearer {token}"}, seen{target: "/wp-json/cocart/v2/sessions"}},
		"logout":                {"POST", logoutRoute + "?cart_key=3", "", []string{"Authorization: Bearer {token}"}, seen{target: logoutRoute}},
		"rest_route":            {"GET", "/?rest_route=/cocart/v2/products&cart_key=3", "", nil, seen{target: "/?rest_route=/cocart/v2/products"}},
		"headers":               {"GET", productsRoute, "", []string{"Cart-Key: 3", "CoCart-API-Cart-Key: 3"}, seen{target: productsRoute}},
		"a guest's own":         {"GET", productsRoute + "?cart_key=t_1", "", []string{"Cart-Key: t_1"}, seen{target: productsRoute + "?cart_key=t_1", key: "t_1"}},
		"a guest's beside one":  {"GET", productsRoute + "?cart_key=3", "", []string{"Cart-Key: t_1"}, seen{target: productsRoute, key: "t_1"}},
		"a form":                {"POST", logoutRoute, "cart_key=3&a=b", []string{formType}, seen{target: logoutRoute, body: "a=b"}},
		"a multipart form":      {"POST", logoutRoute, multipart, []string{"Content-Type: multipart/form-data; boundary=b"}, seen{target: logoutRoute, body: "a=b"}},
		"JSON":                  {"POST", logoutRoute, `{"cart_key":3,"a":"b"}`, []string{"Content-Type: application/json"}, seen{target: logoutRoute, body: `{"a":"b"}`}},
		"another body":          {"POST", logoutRoute + "?cart_key=3", "hello", []string{"Content-Type: text/plain"}, seen{target: logoutRoute, body: "hello"}},
		"a customer's password": {"GET", productsRoute + "?cart_key=3", "", []string{basicHeader("bob:x")}, seen{target: productsRoute}},
		"login":                 {"POST", loginRoute + "?cart_key=3", `{"username":"alice","password":"wonderland-1","cart_key":"3"}`, []string{"Content-Type: application/json", "Cart-Key: 3"}, seen{target: loginRoute, body: `{"username":"alice","password":"wonderland-1"}`}},
		"login by a form":       {"POST", loginRoute, "username=alice&password=wonderland-1&cart_key=3", []string{formType}, seen{target: loginRoute, body: "username=alice&password=wonderland-1"}},
	} {
		access, _ := s.login()
		for i := range row.headers {
			row.headers[i] = strings.Replace(row.headers[i], "{token}", access, 1)
		}
		before := len(s.wordpress.Seen())
		r := s.do(row.method, row.target, row.body, row.headers...)
		if r.Status != 200 || len(s.wordpress.Seen()) != before+1 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
			continue
		}
		last := s.wordpress.Last()
		if got := (seen{last.Target, last.Body, last.Header.Get("Cart-Key"), last.Header.Get("CoCart-API-Cart-Key")}); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

func TestCartKeysMeanNothingOnTheStorefront(t *testing.T) {
	s := openShop(t)
	if r := s.do("GET", "/shop/?cart_key=3", "", "Cart-Key: 3"); r.Status != 200 || s.wordpress.Last().Header.Get("Cart-Key") != "3" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestWithoutAuthorizationInTheListItIsNotRead(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.AuthHeaders = []string{"x-token"} })
	access, _ := s.login()
	if r := s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer a.b.c", "X-Token: Bearer "+access); r.Status != 200 || s.wordpress.Last().Claims.Subject != "2" {
		t.Errorf("%d as %s", r.Status, s.wordpress.Last().Claims.Subject)
	}
	if s.do("GET", "/", "", "X-Token: 1", "Authorization: Basic eDp5"); s.wordpress.Last().Header.Get("X-Token") != "1" || s.wordpress.Last().Header.Get("Authorization") == "" {
		t.Error("the storefront's headers were touched")
	}
}

func multipartForm(fields ...string) string {
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		b.WriteString("--b\r\nContent-Disposition: form-data; name=\"" + fields[i] + "\"\r\n\r\n" + fields[i+1] + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

const multipartType = "Content-Type: multipart/form-data; boundary=b"

// A customer attaches a log, a how-to or a broken file: none of it is the gateway's business.
func TestNothingOutsideCoCartIsRefusedForItsContent(t *testing.T) {
	s := openShop(t)
	words := "how to call ?rest_route=/cocart/v2/cart and /wp-json/batch/v1"
	long := strings.Repeat(words+"\n", 3000)
	for name, row := range map[string][2]string{
		"a long form with an attached log":  {multipartType, multipartForm("message", "see below", "log", long)},
		"a long form, cut by the client":    {multipartType, strings.TrimSuffix(multipartForm("log", long), "--b--\r\n")},
		"a short form with our words":       {multipartType, multipartForm("message", words)},
		"no boundary":                       {"Content-Type: multipart/form-data", words},
		"an odd boundary":                   {"Content-Type: multipart/form-data; boundary=\"a;b\"; boundary=c", multipartForm("rest_route", words)},
		"a preamble":                        {multipartType, "rest_route\r\n" + multipartForm("a", words)},
		"an escaped quote in a file name":   {multipartType, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\\\"b rest_route cocart\"\r\n\r\n1\r\n--b--\r\n"},
		"two Content-Disposition headers":   {multipartType, "--b\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Disposition: form-data; name=\"rest_route\"\r\n\r\n" + words + "\r\n--b--\r\n"},
		"no media type":                     {"Content-Type: ;application/json", `{"rest_route":"/cocart/v2/cart"}`},
		"urlencoded garbage":                {formType, "%%%&=&rest_rout%" + words},
		"invalid JSON":                      {"Content-Type: application/json", "{" + long},
		"a type that names a form and JSON": {"Content-Type: application/x-www-form-urlencoded; application/json", "a=1"},
	} {
		for _, target := range []string{"/contact/", "/wp-json/wp/v2/media", "/wp-json/contact-form-7/v1/contact-forms/5/feedback", "/?wc-ajax=checkout"} {
			r := s.do("POST", target, row[1], row[0])
			if seen := s.wordpress.Last(); r.Status != 200 || seen.Claims.Kind != "site" || seen.Body != row[1] {
				t.Errorf("%s to %s: %d, %s with %d bytes of %d", name, target, r.Status, seen.Claims.Kind, len(seen.Body), len(row[1]))
			}
		}
	}
}

// PHP fills nothing from such a body, so there is nothing in it to be refused.
func TestABodyThatPHPReadsAsEmptyIsEmpty(t *testing.T) {
	s := openShop(t)
	const noBoundary = "Content-Type: multipart/form-data"
	basicAuth := "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"
	for name, r := range map[string]reply{
		"a guest's cart":            s.do("GET", cartRoute, "", noBoundary),
		"a product by the query":    s.do("POST", addItemRoute+"?id=12&quantity=1", "", noBoundary, "Content-Length: 0"),
		"a login by Basic":          s.do("POST", loginRoute, "", noBoundary, "Content-Length: 0", basicAuth),
		"a login with a body":       s.do("POST", loginRoute, "ignored by PHP", noBoundary, basicAuth),
		"a cart with a body":        s.do("POST", addItemRoute+"?id=12", "ignored by PHP", noBoundary),
		"an empty form":             s.do("POST", addItemRoute+"?id=12", "", formType),
		"an empty multipart form":   s.do("POST", addItemRoute+"?id=12", "", multipartType),
		"no media type and no body": s.do("GET", cartRoute, "", "Content-Type: json"),
		"an empty type":             s.do("GET", cartRoute, "", "Content-Type: "),
	} {
		if r.Status != 200 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

func TestEqualContentTypesCountAsOne(t *testing.T) {
	s := openShop(t)
	const login = `{"username":"alice","password":"wonderland-1"}`
	for name, row := range map[string]struct {
		status int
		r      reply
	}{
		"add an item":        {200, s.do("POST", addItemRoute, `{"id":"12"}`, "Content-Type: application/json", "Content-Type: application/json")},
		"a login":            {200, s.do("POST", loginRoute, login, "Content-Type: application/json", "Content-Type: application/json")},
		"in another case":    {200, s.do("POST", addItemRoute, `{"id":"12"}`, "Content-Type: application/json; charset=utf-8", "Content-Type: Application/JSON; charset=UTF-8")},
		"three":              {200, s.do("POST", addItemRoute, "id=12", formType, formType, formType)},
		"the method":         {200, s.do("POST", cartRoute, "", "X-HTTP-Method-Override: GET", "X-HTTP-Method-Override: GET")},
		"different":          {400, s.do("POST", addItemRoute, `{"id":"12"}`, "Content-Type: application/json", formType)},
		"different charsets": {400, s.do("POST", addItemRoute, `{"id":"12"}`, "Content-Type: application/json", "Content-Type: application/json; charset=utf-8")},
		"the storefront":     {200, s.do("POST", "/shop/", "a=1", "Content-Type: text/plain", formType)},
	} {
		if row.r.Status != row.status {
			t.Errorf("%s: %d %s", name, row.r.Status, row.r.Body)
		}
	}
}

func TestLongJSONPassesWhereItsLimitIsRaised(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Bounds.JSON = 4 << 20 })
	access, _ := s.login()
	picture := `{"id":"12","item_data":{"image":"` + strings.Repeat("A", 3<<19) + `"}}`
	for name, headers := range map[string][]string{"guest": nil, "customer": {"Authorization: Bearer " + access}} {
		r := s.post(addItemRoute, picture, headers...)
		if r.Status != 200 || s.wordpress.Last().Body != picture {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}
