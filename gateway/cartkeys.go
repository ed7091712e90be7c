package gateway

import (
	"cocart-gateway/gateway/cartkey"
	"encoding/json"
	"slices"
	"strings"
)

// cartKeyHeaders are the names in which CoCart 4 and 5 read a cart key.
var cartKeyHeaders = []string{"Cart-Key", "Cocart-Api-Cart-Key"}

func (b *body) cartKeys() []string {
	keys := append(cartKeysOf(b.form), cartKeysOf(b.untyped)...)
	return append(keys, cartKeysInJSON(b.object)...)
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

func cartKeysInJSON(members jsonObject) []string {
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

// isCustomerCart reports whether a cart key could name the cart of any customer.
func isCustomerCart(key string) bool { return len(cartkey.Customers(key)) > 0 }

// withoutCustomerCarts returns the parameters less the cart keys of customers.
func withoutCustomerCarts(ps params) params {
	return slices.DeleteFunc(slices.Clone(ps), func(p param) bool { return p.name == "cart_key" && isCustomerCart(p.value) })
}

// dropCustomerCartKeys takes the cart keys of customers off a body, if there are any.
func (b *body) dropCustomerCartKeys() (dropped bool) {
	if !slices.ContainsFunc(b.cartKeys(), isCustomerCart) {
		return false
	}
	switch {
	case b.object != nil:
		b.object = slices.DeleteFunc(b.object, func(m member) bool {
			return slices.ContainsFunc(cartKeysInJSON(jsonObject{m}), isCustomerCart)
		})
		b.raw = b.object.encode()
	case b.untyped != nil:
		b.raw = []byte(withoutCustomerCarts(b.untyped).without(nothing))
	default:
		b.form = withoutCustomerCarts(b.form)
		b.raw = []byte(b.form.without(nothing))
	}
	return true
}

func nothing(string) bool { return false }

// cartKeys returns every cart key that CoCart could find in a request. CoCart reads
// $_REQUEST and a header, and extensions the parameters of the REST request, which may
// come from any body.
func (in input) cartKeys() []string {
	keys := cartKeysOf(in.query)
	for _, name := range cartKeyHeaders {
		keys = append(keys, in.header[name]...)
	}
	return append(keys, in.body.cartKeys()...)
}

// cartless reports whether CoCart loads no cart for a route, and so ignores a cart key.
// Clients that stored a customer's number keep sending it after a logout, with each
// request for products as well.
func (rs routes) cartless(route string) bool {
	rest, ours := rs.cutNamespace(phpLower(route))
	return ours && cartkey.Cartless(rest)
}
