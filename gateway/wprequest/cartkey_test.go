package wprequest_test

import (
	"net/url"
	"slices"
	"testing"

	"cocart-gateway/gateway/wprequest"
)

func TestKeysThatNameACustomer(t *testing.T) {
	for key, want := range map[string]int64{
		"2": 2, "02": 2, "0000000000002": 2, "+2": 2, " 2": 2, "2 ": 2, "2e0": 2, "-2": 2, "\t2": 2, "２": 2, "²": 2, "2\u200b": 2, "2\x01": 2,
		"<b>2</b>": 2, "2%41": 2, "%32": 2, "%2532": 32, "ü2ü": 2, "_2": 2, "2_": 2, "2:": 2, "@2": 2, "'2'": 2, "2\\": 2, "2,": 2, "२": 2, "123456789": 123456789,
		"1.2.3": 123, "1:2": 12, "2.": 2, ".2e1": 2,
	} {
		ids := wprequest.CartKeyCustomers(key)
		if !slices.Contains(ids, want) {
			t.Errorf("%q: %v, want %d", key, ids, want)
		}
	}
	if ids := wprequest.CartKeyCustomers("2.0"); !slices.Contains(ids, 2) || !slices.Contains(ids, 20) {
		t.Errorf("2.0 is customer 2 to is_numeric and 20 to sanitize_key: %v", ids)
	}
}

func TestKeysOfGuests(t *testing.T) {
	for _, key := range []string{
		"", "0", "00", "+0", "t_0123456789abcdef0123456789abcd", "0123456789abcdef0123456789abcdef", "6f1c9a5e-21d4-4d0a-8f51-0a1b2c3d4e5f", "guest2",
		"1732812345", "1732812345678", "1732812345.678", "99999999999999999999999", "device:9F-3A", "jane.doe@example.com", "2024-11-28", "2024_11_28",
		"user@2", "2a", "0x2", "t2", "1e100", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "111111111111111111111111111111111111111111", ".", "-", "_",
	} {
		if ids := wprequest.CartKeyCustomers(key); ids != nil {
			t.Errorf("%q: %v", key, ids)
		}
	}
}

func TestRoutesWithoutACart(t *testing.T) {
	site := wprequest.NewSite(wprequest.SiteConfig{URL: &url.URL{Scheme: "https", Host: "shop.example"}})
	for route, want := range map[string]bool{
		"/v2/login": true, "/v2/logout": true, "/v1/products": true, "/v2/products/12/reviews": true, "/v2/sessions": true, "/v2/store": true,
		"/v2/cart": false, "/v1/get-cart": false, "/v2/session/2": false, "/v1/logout": false, "": false, "/v2/cart/add-item": false, "/batch": false,
	} {
		if got := site.Cartless("/cocart" + route); got != want {
			t.Errorf("%q: %v", route, got)
		}
	}
}
