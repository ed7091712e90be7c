package wprequest

import (
	"cocart-gateway/gateway/cartkey"
	"encoding/json"
	"slices"
	"strings"
)

// CartKeyHeaders are the names in which CoCart 4 and 5 read a cart key.
var CartKeyHeaders = []string{"Cart-Key", "Cocart-Api-Cart-Key"}

func (b *Body) cartKeys() []string {
	keys := append(cartKeysOf(b.Form), cartKeysOf(b.untyped)...)
	return append(keys, cartKeysInJSON(b.Object)...)
}

func isCartKeyName(name string) bool {
	name = strings.ReplaceAll(strings.Trim(phpLower(name), "[] "), "-", "_")
	return name == "cart_key" || name == "cocart_api_cart_key"
}

func cartKeysOf(ps Params) []string {
	var keys []string
	for _, p := range ps {
		if p.name == "cart_key" {
			keys = append(keys, p.value)
		}
	}
	return keys
}

func cartKeysInJSON(members Object) []string {
	var keys []string
	for _, m := range members {
		if !isCartKeyName(m.Name) {
			continue
		}
		var text string
		if json.Unmarshal(m.Value, &text) != nil {
			text = string(m.Value)
		}
		if text != "null" {
			keys = append(keys, text)
		}
	}
	return keys
}

// IsCustomerCart reports whether a cart key could name the cart of any customer.
func IsCustomerCart(key string) bool { return len(cartkey.Customers(key)) > 0 }

// WithoutCustomerCarts returns the parameters less the cart keys of customers.
func WithoutCustomerCarts(ps Params) Params {
	return slices.DeleteFunc(slices.Clone(ps), func(p Param) bool { return p.name == "cart_key" && IsCustomerCart(p.value) })
}

// DropCustomerCartKeys takes the cart keys of customers off a body, if there are any.
func (b *Body) DropCustomerCartKeys() (dropped bool) {
	if !slices.ContainsFunc(b.cartKeys(), IsCustomerCart) {
		return false
	}
	switch {
	case b.Object != nil:
		b.Object = slices.DeleteFunc(b.Object, func(m Member) bool {
			return slices.ContainsFunc(cartKeysInJSON(Object{m}), IsCustomerCart)
		})
		b.Raw = b.Object.Encode()
	case b.untyped != nil:
		b.Raw = []byte(WithoutCustomerCarts(b.untyped).Without(Nothing))
	default:
		b.Form = WithoutCustomerCarts(b.Form)
		b.Raw = []byte(b.Form.Without(Nothing))
	}
	return true
}

func Nothing(string) bool { return false }

// CartKeys returns every cart key that CoCart could find in a request. CoCart reads
// $_REQUEST and a header, and extensions the parameters of the REST request, which may
// come from any body.
func (in Input) CartKeys() []string {
	keys := cartKeysOf(in.Query)
	for _, name := range CartKeyHeaders {
		keys = append(keys, in.Header[name]...)
	}
	return append(keys, in.Body.cartKeys()...)
}

// Cartless reports whether CoCart loads no cart for a route, and so ignores a cart key.
// Clients that stored a customer's number keep sending it after a logout, with each
// request for products as well.
func (rs Site) Cartless(route string) bool {
	rest, ours := rs.cutNamespace(phpLower(route))
	return ours && cartkey.Cartless(rest)
}
