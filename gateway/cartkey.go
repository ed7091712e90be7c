package gateway

import (
	"bytes"
	"io"
	"net/url"
	"slices"
	"strings"

	"cocart-gateway/gateway/cartkey"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/upstream"
)

// admit is the last look before a CoCart request is forwarded, when it is known
// whose it is.
func (g *Gateway) admit(x *exchange, a upstream.Assertion) error {
	if a.Kind == upstream.Site {
		return nil
	}
	if x.verdict.batch.mixed && a.Kind != upstream.Credentials {
		return respond.Fail(respond.MixedBatch)
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

// notYourCart: CoCart before 4.9.5 hands out the cart of any customer to whoever
// knows the number. With a password in the request it is not known yet whose it
// is, so the number is refused there too: CoCart's clients send a cart key as
// guests only, and a customer's own cart needs none.
func notYourCart(a upstream.Assertion) *Failure {
	if a.Kind == upstream.Guest { // the code CoCart itself uses
		return respond.Fail(respond.MustAuthenticate)
	}
	return respond.Fail(respond.NotYourCart)
}

// cartKeys returns every cart key that CoCart could find in a request, with the body
// that was read for it.
func (g *Gateway) cartKeys(x *exchange) ([]string, *body, error) {
	b := &body{}
	if x.peek() != nil {
		var err error
		if b, err = peekBody(x.r, g.cfg.Bounds); err != nil {
			return nil, nil, err
		}
	}
	return append(x.input(b).cartKeys(), x.verdict.batch.cartKeys...), b, nil
}

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
