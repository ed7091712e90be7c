package browser_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"cocart-gateway/gateway/browser"
)

func TestWhichPagesMayUseTheSessionCookie(t *testing.T) {
	site := &url.URL{Scheme: "https", Host: "shop.example"}
	pages, err := browser.NewPages(site, []string{"https://app.example", "https://*.eu.example:8443", "capacitor://localhost"})
	if err != nil {
		t.Fatal(err)
	}
	disguised, other := browser.ErrDisguised, browser.ErrOtherSite
	for name, row := range map[string]struct {
		method, host, fetchSite, origin string
		acts                            bool
		want                            error
	}{
		"the shop's page reads":                        {"GET", "shop.example", "same-origin", "", false, nil},
		"the shop's page acts":                         {"POST", "shop.example", "same-origin", "https://shop.example", true, nil},
		"an address that was typed":                    {"GET", "shop.example", "none", "", false, nil},
		"a server passes the cookie on":                {"POST", "shop.example", "", "", true, nil},
		"a server passes it on by another name":        {"GET", "gateway.internal:8080", "", "", false, nil},
		"the shop's page, an older browser":            {"POST", "shop.example", "", "https://shop.example", true, nil},
		"behind a proxy that changes Host":             {"POST", "10.0.0.1:8080", "", "https://shop.example", true, nil},
		"another name of the shop, an older browser":   {"POST", "Shop.example.net", "", "https://shop.example.net", true, nil},
		"a listed origin reads":                        {"GET", "shop.example", "cross-site", "https://app.example", false, nil},
		"a listed origin acts":                         {"DELETE", "shop.example", "cross-site", "https://app.example", true, nil},
		"a listed origin, an older browser":            {"POST", "shop.example", "", "https://app.example", true, nil},
		"a listed origin by wildcard":                  {"POST", "shop.example", "cross-site", "https://de.eu.example:8443", true, nil},
		"an app in a web view":                         {"POST", "shop.example", "cross-site", "capacitor://localhost", true, nil},
		"another site acts":                            {"POST", "shop.example", "cross-site", "https://evil.example", true, other},
		"another site acts, an older browser":          {"POST", "shop.example", "", "https://evil.example", true, other},
		"another site reads":                           {"GET", "shop.example", "cross-site", "https://evil.example", false, other},
		"another site reads, an older browser":         {"GET", "shop.example", "", "https://evil.example", false, other},
		"an image or a link of another site":           {"GET", "shop.example", "cross-site", "", false, other},
		"a sibling host":                               {"POST", "shop.example", "same-site", "https://blog.shop.example", true, other},
		"an image of a sibling host":                   {"GET", "shop.example", "same-site", "", false, other},
		"a listed origin's image, which has no origin": {"GET", "shop.example", "cross-site", "", false, other},
		"a sandboxed frame":                            {"POST", "shop.example", "cross-site", "null", true, other},
		"a sandboxed frame, an older browser":          {"POST", "shop.example", "", "null", true, other},
		"the shop by plain http":                       {"POST", "shop.example", "cross-site", "http://shop.example", true, other},
		"the wildcard's own domain":                    {"POST", "shop.example", "cross-site", "https://eu.example:8443", true, other},
		"a domain that ends alike":                     {"POST", "shop.example", "cross-site", "https://evil-eu.example:8443", true, other},
		"the wildcard by another scheme":               {"POST", "shop.example", "cross-site", "http://de.eu.example:8443", true, other},
		"an image on the shop's page that acts":        {"GET", "shop.example", "same-origin", "", true, disguised},
		"the same without Fetch Metadata":              {"GET", "shop.example", "", "", true, disguised},
		"HEAD that acts":                               {"HEAD", "shop.example", "same-origin", "", true, disguised},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			if row.fetchSite != "" {
				h.Set("Sec-Fetch-Site", row.fetchSite)
			}
			if row.origin != "" {
				h.Set("Origin", row.origin)
			}
			if err := pages.Check(&http.Request{Method: row.method, Header: h}, row.host, row.acts); !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

func TestWithoutListedOriginsOnlyTheShopsPagesCount(t *testing.T) {
	pages, err := browser.NewPages(&url.URL{Scheme: "http", Host: "127.0.0.1:8080"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]error{"http://127.0.0.1:8080": nil, "http://127.0.0.1:8081": browser.ErrOtherSite} {
		err := pages.Check(&http.Request{Method: "POST", Header: http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"same-site"}}}, "127.0.0.1:8080", true)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func TestATextThatIsNoOriginIsAnError(t *testing.T) {
	if _, err := browser.NewPages(&url.URL{Scheme: "https", Host: "shop.example"}, []string{"null"}); err == nil {
		t.Error("null is taken for an origin")
	}
}
