package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"cocart-gateway/upstream"
)

// admit is the last look before a CoCart request is forwarded, when it is known
// whose it is.
func (g *Gateway) admit(x *exchange, a upstream.Assertion) error {
	if a.Kind == upstream.Site {
		return nil
	}
	if x.verdict.batch.mixed && a.Kind != upstream.Credentials {
		return &Failure{Status: http.StatusBadRequest, Code: "cocart_gateway_mixed_batch",
			Message: "A batch may hold CoCart's routes or those of others, not both."}
	}
	keys, err := g.cartKeys(x)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if isCustomerCart(key) && (a.Kind != upstream.Customer || key != strconv.FormatInt(a.UserID, 10)) {
			return notYourCart(a)
		}
	}
	return nil
}

// notYourCart: CoCart before 4.9.5 hands out the cart of any customer to whoever
// knows the number. With a password in the request it is not known yet whose it
// is, so the number is refused there too: CoCart's clients send a cart key as
// guests only, and a customer's own cart needs none.
func notYourCart(a upstream.Assertion) *Failure {
	f := &Failure{Status: http.StatusForbidden, Code: "cocart_gateway_not_your_cart",
		Message: "The cart key belongs to a customer. Leave it out: your own cart comes with your login."}
	if a.Kind == upstream.Guest { // the code CoCart itself uses
		f.Code = "cocart_must_authenticate_user"
	}
	return f
}

// cartKeyHeaders are the names in which CoCart 4 and 5 read a cart key.
var cartKeyHeaders = []string{"Cart-Key", "Cocart-Api-Cart-Key"}

// cartKeys returns every cart key that CoCart could find in a request. It reads
// the query and the headers; bodies are looked at for the sake of extensions.
func (g *Gateway) cartKeys(x *exchange) ([]string, error) {
	keys := append(cartKeysOf(x.verdict.query), x.verdict.batch.cartKeys...)
	for _, name := range cartKeyHeaders {
		keys = append(keys, x.r.Header[name]...)
	}
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return keys, nil
	}
	b, err := peekBody(x.r, g.cfg.Bounds)
	if err != nil {
		return nil, err
	}
	keys = append(append(keys, cartKeysOf(b.form)...), cartKeysOf(b.untyped)...)
	return append(keys, cartKeysInJSON(b.object)...), nil
}

func isCartKeyName(name string) bool {
	name = strings.ReplaceAll(strings.Trim(phpLower(name), "[] "), "-", "_")
	return name == "cart_key" || name == "cocart_api_cart_key"
}

func cartKeysOf(ps params) []string {
	var keys []string
	for _, p := range ps {
		if p.name == "cart_key" {
			keys = append(keys, p.value)
		}
	}
	return keys
}

func cartKeysInJSON(members []member) []string {
	var keys []string
	for _, m := range members {
		if !isCartKeyName(m.name) {
			continue
		}
		var text string
		if json.Unmarshal(m.value, &text) != nil {
			text = string(m.value)
		}
		if text != "null" {
			keys = append(keys, text)
		}
	}
	return keys
}

// isCustomerCart tells whether a cart key could be found under a customer's
// number. PHP's is_numeric takes "+2", " 2", "2.0" and "2e0" for numbers, CoCart
// cleans tags, blanks and %41 away, and a MySQL collation finds "2" under "２" and
// under a "2" with an invisible character. The key of a guest's cart is made of
// letters, digits, "_" and "-", and holds a letter.
func isCustomerCart(key string) bool {
	if key == "" {
		return false
	}
	for i := range len(key) {
		c := key[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && c != '_' && c != '-' && (c < '0' || c > '9') {
			return true
		}
	}
	return strings.Trim(key, "0123456789-_eE") == ""
}

// dropCustomerCartKeys takes them off a login. A client whose session ran out may
// still hold the number of its own cart; it must be able to log in again, and
// needs no cart key for that.
func (x *exchange) dropCustomerCartKeys() {
	kept := make(params, 0, len(x.verdict.query))
	for _, p := range x.verdict.query {
		if p.name != "cart_key" || !isCustomerCart(p.value) {
			kept = append(kept, p)
		}
	}
	x.verdict.query = kept
	for _, name := range cartKeyHeaders {
		for _, key := range x.r.Header[name] {
			if isCustomerCart(key) {
				delete(x.r.Header, name)
				break
			}
		}
	}
}
