package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cocart-gateway/gateway/cartkey"
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
	keys, b, err := g.cartKeys(x)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(keys, func(key string) bool { return isCartOfAnother(key, a) }) {
		if !g.routes.cartless(x.verdict.route) {
			return notYourCart(a)
		}
		x.cartless = b
	}
	return nil
}

// isCartOfAnother reports whether a key could name the cart of a customer who is not the
// one that the request is from.
func isCartOfAnother(key string, a upstream.Assertion) bool {
	return slices.ContainsFunc(cartkey.Customers(key), func(id int64) bool {
		return a.Kind != upstream.Customer || id != a.UserID
	})
}

// cartless reports whether CoCart loads no cart for a route, and so ignores a cart key.
// Clients that stored a customer's number keep sending it after a logout, with each
// request for products as well.
func (rs routes) cartless(route string) bool {
	rest, ours := rs.cutNamespace(phpLower(route))
	return ours && cartkey.Cartless(rest)
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

// cartKeys returns every cart key that CoCart could find in a request, with the body
// that was looked at for it. CoCart reads $_REQUEST and a header, and extensions the
// parameters of the REST request, which may come from any body.
func (g *Gateway) cartKeys(x *exchange) ([]string, *body, error) {
	keys := append(cartKeysOf(x.verdict.query), x.verdict.batch.cartKeys...)
	for _, name := range cartKeyHeaders {
		keys = append(keys, x.r.Header[name]...)
	}
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return keys, &body{}, nil
	}
	b, err := peekBody(x.r, g.cfg.Bounds)
	if err != nil {
		return nil, nil, err
	}
	return append(keys, b.cartKeys()...), b, nil
}

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
			return slices.ContainsFunc(cartKeysInJSON([]member{m}), isCustomerCart)
		})
		b.raw = writeObject(b.object)
	case b.untyped != nil:
		b.raw = []byte(withoutCustomerCarts(b.untyped).without(nothing))
	default:
		b.form = withoutCustomerCarts(b.form)
		b.raw = []byte(b.form.without(nothing))
	}
	return true
}

func nothing(string) bool { return false }

// dropCustomerCartKeys takes them off a request to a route that needs none. A client
// whose session ran out may still hold the number of its own cart; it must be able to log
// in again, and CoCart 4.8 would load that cart at login.
func (x *exchange) dropCustomerCartKeys(b *body) {
	x.verdict.query = withoutCustomerCarts(x.verdict.query)
	for _, name := range cartKeyHeaders {
		if slices.ContainsFunc(x.r.Header[name], isCustomerCart) {
			delete(x.r.Header, name)
		}
	}
	b.dropCustomerCartKeys()
}

// ignoreCartKeys takes the cart keys of customers off a request that is forwarded, since
// a version of CoCart that loads the cart there would look at them.
func (g *Gateway) ignoreCartKeys(x *exchange) error {
	if before := len(x.verdict.query); before != len(withoutCustomerCarts(x.verdict.query)) {
		path, _, _ := strings.Cut(x.target, "?")
		target := strings.TrimSuffix(path+"?"+withoutCustomerCarts(x.verdict.query).without(nothing), "?")
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return ambiguous("the path cannot be read")
		}
		x.r.URL, x.target = u, target
	}
	multipart := x.cartless.multipart
	if x.cartless.dropCustomerCartKeys() {
		x.r.Body, x.r.ContentLength = io.NopCloser(bytes.NewReader(x.cartless.raw)), int64(len(x.cartless.raw))
		if multipart {
			x.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	x.dropCustomerCartKeys(x.cartless)
	return nil
}
