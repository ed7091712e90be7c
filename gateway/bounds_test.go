package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/bounds"
)

const addItemRoute = "/wp-json/cocart/v2/cart/add-item"

func tight(c *gateway.Config) {
	c.Bounds = bounds.Config{Body: 1000, Parameters: 3}
}

func fields(n int) string { return strings.TrimSuffix(strings.Repeat("a=1&", n), "&") }

func multipartOf(t *testing.T, n int, size int) (contentType, text string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for range n {
		if err := form.WriteField("a", strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), b.String()
}

func TestMethodsOfCoCartRoutes(t *testing.T) {
	s := openShop(t)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		if r := s.do(method, cartRoute, ""); r.Status != 200 {
			t.Errorf("%s: %d", method, r.Status)
		}
	}
	want := failure(405, "cocart_gateway_method_not_allowed", "This method is not accepted here.")
	asked := len(s.wordpress.Seen())
	for name, r := range map[string]reply{
		"PROPFIND":                s.do("PROPFIND", cartRoute, ""),
		"get":                     s.do("get", cartRoute, ""),
		"TRACE":                   s.do("TRACE", cartRoute, ""),
		"TRACE of the shop":       s.do("TRACE", "/shop/", ""),
		"overridden by query":     s.do("POST", cartRoute+"?_method=BREW", ""),
		"overridden by header":    s.do("POST", cartRoute, "", "X-HTTP-Method-Override: CONNECT"),
		"on a route of our own":   s.do("BREW", refreshRoute, ""),
		"on ?rest_route= as well": s.do("BREW", "/?rest_route=/cocart/v2/cart", ""),
	} {
		if got := r.failure(); got != want || r.Header.Get("Allow") != "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" {
			t.Errorf("%s: %s, Allow %q", name, got, r.Header.Get("Allow"))
		}
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress asked %d times", n-asked)
	}
	if r := s.do("PROPFIND", "/shop/", ""); r.Status != 200 {
		t.Errorf("PROPFIND of the storefront: %d", r.Status)
	}
	if got := s.rawReply("CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n"); got != 405 {
		t.Errorf("CONNECT: %d", got)
	}
}

// raw sends bytes on a connection of their own and returns the status.
func (s *shop) rawReply(request string) int {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.must(err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	s.must(err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	s.must(err)
	defer resp.Body.Close()
	return resp.StatusCode
}

// PHP takes the first 1000 and drops the rest in silence.
func TestParametersAreCounted(t *testing.T) {
	s := openShop(t, tight)
	three, four := fields(3), fields(4)
	const form = "Content-Type: application/x-www-form-urlencoded"
	threeType, threeParts := multipartOf(t, 3, 1)
	fourType, fourParts := multipartOf(t, 4, 1)
	want := failure(400, "cocart_gateway_too_many_parameters", "The request has more than 3 parameters.")
	for name, r := range map[string]reply{
		"query":                s.do("GET", cartRoute+"?"+four, ""),
		"query of rest_route":  s.do("GET", "/?rest_route=/cocart/v2/cart&"+three, ""),
		"form":                 s.do("POST", addItemRoute, four, form),
		"form beside a bearer": s.do("POST", addItemRoute, four, form, "Authorization: Basic YTpi"),
		"multipart":            s.do("POST", addItemRoute, fourParts, "Content-Type: "+fourType),
		"login":                s.do("POST", loginRoute, four, form),
		"refresh":              s.do("POST", refreshRoute, four, form),
	} {
		if got := r.failure(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if n := len(s.wordpress.Seen()); n != 0 {
		t.Errorf("WordPress asked %d times", n)
	}
	for name, r := range map[string]reply{
		"query":      s.do("GET", cartRoute+"?"+three, ""),
		"form":       s.do("POST", addItemRoute, three, form),
		"multipart":  s.do("POST", addItemRoute, threeParts, "Content-Type: "+threeType),
		"JSON":       s.post(addItemRoute, `{"a":"&&&&&&"}`),
		"storefront": s.do("POST", "/shop/?"+four, four, form),
	} {
		if r.Status != 200 {
			t.Errorf("%s: %s", name, r.failure())
		}
	}
}

// A bearer's body is not looked at but streams, and is counted as it does.
func TestParametersAreCountedWhileTheyStream(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Bounds.Parameters, c.Bounds.Form = 40_000, 8<<20 })
	access, _ := s.login()
	asked := len(s.wordpress.Seen())
	want := failure(400, "cocart_gateway_too_many_parameters", "The request has more than 40000 parameters.")
	kind, parts := multipartOf(t, 40_001, 9)
	for name, r := range map[string]reply{
		"form":      s.do("POST", addItemRoute, fields(40_001), "Content-Type: application/x-www-form-urlencoded", "Authorization: Bearer "+access),
		"multipart": s.do("POST", addItemRoute, parts, "Content-Type: "+kind, "Authorization: Bearer "+access),
	} {
		if got := r.failure(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	kind, parts = multipartOf(t, 40_000, 9)
	for name, r := range map[string]reply{
		"form":      s.do("POST", addItemRoute, fields(40_000), "Content-Type: application/x-www-form-urlencoded", "Authorization: Bearer "+access),
		"multipart": s.do("POST", addItemRoute, parts, "Content-Type: "+kind, "Authorization: Bearer "+access),
	} {
		if r.Status != 200 {
			t.Errorf("%s: %s", name, r.failure())
		}
	}
	for _, seen := range s.wordpress.Seen()[asked:] {
		if n := strings.Count(seen.Body, "&"); n > 40_000 {
			t.Errorf("WordPress got %d fields", n)
		}
	}
}

func TestThousandParametersByDefault(t *testing.T) {
	s := openShop(t)
	if got := [2]int{s.do("GET", cartRoute+"?"+fields(1000), "").Status, s.do("GET", cartRoute+"?"+fields(1001), "").Status}; got != [2]int{200, 400} {
		t.Errorf("1000 and 1001 parameters: %v", got)
	}
}

func TestEncodedBodiesAreRefused(t *testing.T) {
	s := openShop(t)
	want := failure(415, "cocart_gateway_encoded_body", "The request body must not be compressed or encoded.")
	for name, r := range map[string]reply{
		"gzip":           s.post(addItemRoute, "x", "Content-Encoding: gzip"),
		"gzip at login":  s.post(loginRoute, "x", "Content-Encoding: gzip"),
		"twice":          s.post(addItemRoute, "x", "Content-Encoding: identity", "Content-Encoding: br"),
		"unknown":        s.post(addItemRoute, "x", "Content-Encoding: x-mine"),
		"without a body": s.do("GET", cartRoute, "", "Content-Encoding: deflate"),
	} {
		if got := r.failure(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	got := [2]int{s.post(addItemRoute, "{}", "Content-Encoding: Identity").Status, s.post("/wp-admin/admin-ajax.php", "x", "Content-Encoding: gzip").Status}
	if got != [2]int{200, 200} {
		t.Errorf("identity, storefront: %v", got)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := openShop(t, tight)
	access, _ := s.login()
	asked := len(s.wordpress.Seen())
	whole, larger := `"`+strings.Repeat("x", 998)+`"`, `"`+strings.Repeat("x", 999)+`"`
	want := failure(413, "cocart_gateway_body_too_large", "The request body is larger than 1000 bytes (limits.body).")
	for name, r := range map[string]reply{
		"guest":    s.post(addItemRoute, larger),
		"customer": s.post(addItemRoute, larger, "Authorization: Bearer "+access),
		"login":    s.post(loginRoute, larger),
		"picture":  s.do("POST", addItemRoute, larger, "Content-Type: image/png"),
	} {
		if got := r.failure(); got != want || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress asked %d times", n-asked)
	}
	for name, headers := range map[string]string{"guest": "Accept: */*", "customer": "Authorization: Bearer " + access} {
		if got := s.rawReply(chunked(addItemRoute, headers, larger)); got != 413 {
			t.Errorf("%s, in chunks: %d", name, got)
		}
		if got := s.rawReply(chunked(addItemRoute, headers, whole)); got != 200 || s.wordpress.Last().Body != whole {
			t.Errorf("%s, as large as may be, in chunks: %d", name, got)
		}
	}
	if got := [2]int{s.post(addItemRoute, whole).Status, s.post("/shop/", larger).Status}; got != [2]int{200, 200} {
		t.Errorf("as large as may be, storefront: %v", got)
	}
}

func chunked(target, header, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.example\r\n%s\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
		target, header, len(body), body)
}
