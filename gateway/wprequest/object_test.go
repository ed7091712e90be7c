package wprequest

import (
	"net/http"
	"slices"
	"testing"
)

// What json_decode refuses has no members.
func TestOnlyOneWholeObjectIsRead(t *testing.T) {
	for text, want := range map[string]int{
		`{}`: 0, ` {"a":1,"a":2} `: 2, `{"a":{"b":1}}`: 1, `{"a":1}x`: -1, `{"a":1}{}`: -1, `{"a":1`: -1, `{"a"}`: -1, `{"a":}`: -1, `{a:1}`: -1, `{"a":1,}`: -1, `[]`: -1, `null`: -1, ``: -1,
	} {
		members, err := ParseObject([]byte(text))
		if (err != nil) != (want < 0) || err == nil && len(members) != want || err != nil && members != nil {
			t.Errorf("%s: %q, %v", text, members, err)
		}
	}
}

// Attack: a request of a batch names the cart of another customer.
func TestCartKeysOfABatchAreFoundInEveryPlace(t *testing.T) {
	form := "a=1&requests[0][path]=/cocart/v2/cart&requests[0][headers][Cart-Key]=2&b=2&requests[0][body][cart_key]=3&requests[0][body][quantity]=9&requests%5B0%5D%5Bbody%5D%5Bcocart_api_cart_key%5D=4"
	for name, row := range map[string]struct {
		body, kind, method string
		query              Params
	}{
		"the query":         {"", "", http.MethodGet, ParseParams(form)},
		"a form":            {form, "application/x-www-form-urlencoded", http.MethodPost, nil},
		"a body of no type": {form, "", http.MethodPut, nil},
		"JSON":              {`{"requests":[{"path":"/cocart/v2/cart","headers":{"Cart-Key":2},"body":{"cart_key":"3","quantity":9,"cocart-api-cart-key":"4"}}]}`, "application/json", http.MethodPost, nil},
	} {
		all, doubt := requestsIn([]byte(row.body), row.kind, row.method, row.query)
		var keys []string
		for _, r := range all {
			keys = append(keys, r.cartKeys...)
		}
		slices.Sort(keys)
		if !slices.Equal(keys, []string{"2", "3", "4"}) || all[0].path != "/cocart/v2/cart" || doubt {
			t.Errorf("%s: %q in %+v, in doubt: %v", name, keys, all, doubt)
		}
	}
	if _, doubt := requestsIn([]byte(form), "application/x-www-form-urlencoded", http.MethodPost, ParseParams(form)); !doubt {
		t.Error("requests in a form and in the query are not in doubt")
	}
}
