package wprequest_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"cocart-gateway/gateway/wprequest"
)

func TestKeysThatNameACustomer(t *testing.T) {
	for key, want := range map[string]int64{
		"2": 2, "02": 2, "0000000000002": 2, "+2": 2, " 2": 2, "2 ": 2, "2e0": 2, "-2": 2, "\t2": 2, "２": 2, "²": 2, "2\u200b": 2, "2\x01": 2,
		"<b>2</b>": 2, "2%41": 2, "%32": 2, "%2532": 32, "ü2ü": 2, "_2": 2, "2_": 2, "2:": 2, "@2": 2, "'2'": 2, "2\\": 2, "2,": 2, "२": 2, "123456789": 123456789,
		"1.2.3": 123, "1:2": 12, "2.": 2, ".2e1": 2, "_9": 9, "٩": 9, "_019": 19,
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
		"user@2", "2a", "0x2", "0x1p1", "t2", "1e100", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "111111111111111111111111111111111111111111", ".", "-", "_",
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

// Beside a password the must-use plugin compares a number that it is sure to find. Any other spelling is for the gateway to refuse.
func TestWhichCartKeysThePluginMightReadOtherwise(t *testing.T) {
	for query, hidden := range map[string]bool{
		"cart_key=2": false, "cart_key=123456789": false, "cart.key=2": false,
		"cart_key=-2": true, "cart_key=%2B2": true, "cart_key=02": true, "cart_key=2.0": true, "cart_key=1234567890": true, "cart_key=t_2": true, "cart_key=": true, "cart_key[]=2": true,
	} {
		in := wprequest.Input{Query: wprequest.ParseParams(query), Body: &wprequest.Body{}}
		if got := in.HiddenCartKeys(); (len(got) == 1) != hidden || len(got) > 1 {
			t.Errorf("%s: %q", query, got)
		}
	}
	for _, name := range wprequest.CartKeyHeaders {
		in := wprequest.Input{Header: http.Header{name: {"2"}}, Body: &wprequest.Body{}}
		if got := in.HiddenCartKeys(); got != nil {
			t.Errorf("%s: 2: %q", name, got)
		}
	}
	for name, values := range map[string][]string{"not a plain number": {"-2"}, "two": {"2", "2"}} {
		in := wprequest.Input{Header: http.Header{"Cart-Key": values}, Body: &wprequest.Body{}}
		if got := in.HiddenCartKeys(); !slices.Equal(got, values) {
			t.Errorf("a header that is %s: %q", name, got)
		}
	}
}
