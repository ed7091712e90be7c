package gateway_test

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/gateway/openapitest"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// described is the document with which every answer that a test gets is compared.
const described = "../deploy/docs/openapi/public.yaml"

// compare fails the test if the answer to a request is not the documented one. The document is about requests for which
// neither the method nor the route is overridden, and about errors of the gateway for programs. A dry run passes on what WordPress
// answers.
func (s *shop) compare(r *http.Request, sent string, resp *http.Response, body string) {
	s.t.Helper()
	query := r.URL.Query()
	override := r.Header.Get("X-HTTP-Method-Override") != "" || query.Has("_method") || query.Has("rest_route") || strings.Contains(sent, "rest") || query.Has(wprequest.BrowserParameter)
	page := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	login := strings.HasSuffix(r.URL.Path, "/login") || strings.HasSuffix(r.URL.Path, "/token")
	relayed := resp.StatusCode != http.StatusOK && // an error of WordPress, often a short one in these tests
		(resp.Header.Get("X-Content-Type-Options") == "" || login && !strings.Contains(body, `"message"`))
	if s.dryRun || override || page || relayed || resp.StatusCode == http.StatusMethodNotAllowed {
		return
	}
	openapitest.Open(s.t, described).Check(s.t, r.Method, r.URL.Path, resp.StatusCode, resp.Header, body)
}

// ownClasses are those that the gateway answers itself, or to whose answer it adds something.
var ownClasses = []wprequest.Class{wprequest.ClassLogin, wprequest.ClassRefresh, wprequest.ClassValidate, wprequest.ClassLogout, wprequest.ClassAccount, wprequest.ClassJWKS}

func classOf(t *testing.T, method, path string) wprequest.Classification {
	t.Helper()
	home, err := url.Parse("https://shop.example")
	if err != nil {
		t.Fatal(err)
	}
	c, err := wprequest.NewSite(wprequest.SiteConfig{URL: home}).Classify(wprequest.Request{Method: method, Target: path, Header: http.Header{}})
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return c
}

const anySession = "AZas9kgAQTGtGQ4nT5nEWw"

func TestTheDocumentDescribesOnlyRoutesOfTheGateway(t *testing.T) {
	for _, operation := range openapitest.Open(t, described).Operations() {
		method, path, _ := strings.Cut(operation, " ")
		class := classOf(t, method, strings.ReplaceAll(path, "{id}", anySession)).Class
		if !slices.Contains(ownClasses, class) && operation != "GET /wp-json/cocart/jwt" {
			t.Errorf("%s has class %s", operation, class)
		}
	}
}

// Every route of the gateway is written in the files that classify requests.
func TestTheDocumentDescribesEveryRouteOfTheGateway(t *testing.T) {
	operations := openapitest.Open(t, described).Operations()
	for route, methods := range wprequest.JWTRoutes {
		path, _, pattern := strings.Cut(route, "(?P<id>")
		if pattern {
			path += "{id}"
		}
		for _, method := range methods {
			if !slices.Contains(operations, method+" /wp-json"+path) {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	}
	found := 0
	for _, file := range []string{"wprequest/class.go", "wprequest/alias.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, literal := range regexp.MustCompile(`"(/[a-z0-9./-]+)"`).FindAllStringSubmatch(string(text), -1) {
			for _, path := range []string{literal[1], "/wp-json/cocart" + literal[1]} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					class := classOf(t, method, path).Class
					if !slices.Contains(ownClasses, class) || class == wprequest.ClassAccount { // whose methods JWTRoutes lists
						continue
					}
					if found++; !slices.Contains(operations, method+" "+path) {
						t.Errorf("%s %s is not described", method, path)
					}
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("%d routes in the files", found)
	}
}

// elsewhere are the codes of answers that no described route has.
var elsewhere = []respond.Code{
	respond.MethodNotAllowed,               // of other methods; the document says so in its introduction
	respond.MixedBatch, respond.NotInBatch, // of batches
	respond.BrowserLink, respond.NotNavigation, respond.OtherLogin, // of the page that jwt/browser links to; described there
	respond.InvalidNonce, // of login cookies of WordPress
	respond.AdminToken, respond.AdminLimited, respond.NoSuchSession, respond.NoSuchUser, respond.AmbiguousUser, respond.FingerprintNeeded, respond.ConfigurationRefused,
}

func TestTheDocumentHasTheCodesOfItsRoutes(t *testing.T) {
	page, err := os.ReadFile("../deploy/docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := openapitest.Open(t, described).Codes()
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented, other := slices.Contains(codes, row[1]), slices.Contains(elsewhere, respond.Code(row[1]))
		if documented == other {
			t.Errorf("%s: described %t, in the list of codes of other routes %t", row[1], documented, other)
		}
	}
	for _, code := range codes {
		if !strings.Contains(string(page), "| `"+code+"` |") {
			t.Errorf("%s is not in deploy/docs/errors.md", code)
		}
	}
}

func TestEveryDescribedRouteAnswersAsTheDocumentSays(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	bearer := "Authorization: Bearer " + access
	s.login()
	for _, row := range []struct {
		method, path, body string
		headers            []string
	}{
		{"POST", "/wp-json/cocart/jwt/token", `{"username":"alice","password":"wonderland-1"}`, nil},
		{"POST", "/wp-json/cocart/jwt/validate-token", ``, []string{bearer}},
		{"GET", "/wp-json/cocart/jwt", ``, nil},
		{"GET", "/wp-json/cocart/jwt/me", ``, []string{bearer}},
		{"GET", "/wp-json/cocart/jwt/sessions", ``, []string{bearer}},
		{"POST", "/wp-json/cocart/jwt/browser", `{}`, []string{bearer}},
		{"DELETE", "/wp-json/cocart/jwt/sessions", ``, []string{bearer}},
		{"GET", "/.well-known/jwks.json", ``, nil},
		{"POST", "/wp-json/cocart/v2/logout", ``, []string{bearer}},
	} {
		headers := append([]string{"Content-Type: application/json"}, row.headers...)
		if r := s.do(row.method, row.path, row.body, headers...); r.Status != 200 {
			t.Errorf("%s %s: %d %s", row.method, row.path, r.Status, r.Body)
		}
	}
	access, refresh := s.login()
	id := strings.Trim(regexp.MustCompile(`"id":"[^"]+"`).FindString(s.do("GET", "/wp-json/cocart/jwt/sessions", "", "Authorization: Bearer "+access).Body)[5:], `"`)
	access, _ = s.refresh(refresh).pair(t)
	for _, request := range []string{"DELETE /wp-json/cocart/jwt/sessions/" + id, "POST /wp-json/cocart/v1/logout", "POST /wp-json/cocart/jwt/logout"} {
		method, path, _ := strings.Cut(request, " ")
		if r := s.do(method, path, "", "Authorization: Bearer "+access); r.Status != 200 && r.Status != 401 {
			t.Errorf("%s: %d %s", request, r.Status, r.Body)
		}
		access, _ = s.login()
	}
	seen := openapitest.Open(t, described).Seen()
	for _, operation := range openapitest.Open(t, described).Operations() {
		if !slices.Contains(seen, operation+" 200") {
			t.Errorf("no test has a good answer of %s", operation)
		}
	}
}
