package gateway

import (
	"bytes"
	"io"
	"net/url"
	"slices"
	"strings"

	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/upstream"
)

// checkForwarding checks a CoCart request before it is forwarded with an assertion:
// mixed batches, and cart keys of other customers.
func (g *Gateway) checkForwarding(x *exchange, a upstream.Assertion) error {
	if a.Kind == upstream.Site {
		return nil
	}
	if x.classification.Batch.Mixed && a.Kind != upstream.Credentials {
		return respond.Fail(respond.MixedBatch)
	}
	keys, b, err := g.cartKeys(x, a)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(keys, func(key string) bool { return isCartOfAnother(key, a) }) {
		if !g.routes.Cartless(x.classification.Route) {
			return notYourCart(a)
		}
		x.cartless = b
	}
	return nil
}

// isCartOfAnother reports whether a key could name the cart of a customer who is not the
// one that the request is from.
func isCartOfAnother(key string, a upstream.Assertion) bool {
	return slices.ContainsFunc(wprequest.CartKeyCustomers(key), func(id int64) bool {
		return a.Kind != upstream.Customer || id != a.UserID
	})
}

// movesCart reports whether CoCart may move a guest's cart for a request by a: a customer names it. That is no reading, whatever
// the method. CoCart 4.6.2 to 4.7 would empty the customer's cart if the request were sent again.
func (x *exchange) movesCart(a upstream.Assertion) bool {
	return (a.Kind == upstream.Customer || a.Kind == upstream.Credentials) && len(x.input(nil).CartKeys()) > 0
}

// notYourCart refuses the cart key of another customer. CoCart before 4.9.5 returns the
// cart of any customer to each client that sends its number.
func notYourCart(a upstream.Assertion) *respond.Failure {
	if a.Kind == upstream.Guest { // the code CoCart itself uses
		return respond.Fail(respond.MustAuthenticate)
	}
	return respond.Fail(respond.NotYourCart)
}

// cartKeys returns the cart keys of a request that the gateway has to compare with its
// customer, with the body that was read for it.
//
// Beside a password only WordPress knows the customer. CoCart's SDKs send the number of
// one's own cart there: they keep it from an answer, and name it when they move a guest's
// cart. So a number that the must-use plugin is sure to find is left to it. The plugin
// takes the number of another customer away before CoCart loads a cart, and refuses the
// request before the route runs (Cart_Keys, Request_Guard::check_cart_keys). A number in
// any other place or spelling stays refused.
func (g *Gateway) cartKeys(x *exchange, a upstream.Assertion) ([]string, *wprequest.Body, error) {
	b := &wprequest.Body{}
	if bounds.Head(x.r) != nil {
		var err error
		if b, err = g.cfg.Bounds.Peek(x.r); err != nil {
			return nil, nil, err
		}
	}
	keys := x.input(b).CartKeys()
	if a.Kind == upstream.Credentials && x.input(b).CarriesPassword() && !g.routes.Cartless(x.classification.Route) {
		keys = x.input(b).HiddenCartKeys()
	}
	return append(keys, x.classification.Batch.CartKeys...), b, nil
}

// dropCustomerCartKeys takes them off a request to a route that needs none. A client
// whose session ran out may still hold the number of its own cart; it must be able to log
// in again, and CoCart 4.8 would load that cart at login.
func (x *exchange) dropCustomerCartKeys(b *wprequest.Body) {
	x.classification.Query = wprequest.WithoutCustomerCarts(x.classification.Query)
	for _, name := range wprequest.CartKeyHeaders {
		if slices.ContainsFunc(x.r.Header[name], wprequest.IsCustomerCart) {
			delete(x.r.Header, name)
		}
	}
	b.DropCustomerCartKeys()
}

// ignoreCartKeys takes the cart keys of customers off a request that is forwarded, since
// a version of CoCart that loads the cart there would look at them.
func (g *Gateway) ignoreCartKeys(x *exchange) error {
	if before := len(x.classification.Query); before != len(wprequest.WithoutCustomerCarts(x.classification.Query)) {
		path, _, _ := strings.Cut(x.target, "?")
		target := strings.TrimSuffix(path+"?"+wprequest.WithoutCustomerCarts(x.classification.Query).Without(wprequest.None), "?")
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return wprequest.Ambiguous("the path cannot be read")
		}
		x.r.URL, x.target = u, target
	}
	multipart := x.cartless.Multipart
	if x.cartless.DropCustomerCartKeys() {
		x.r.Body, x.r.ContentLength = io.NopCloser(bytes.NewReader(x.cartless.Raw)), int64(len(x.cartless.Raw))
		if multipart {
			x.r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	x.dropCustomerCartKeys(x.cartless)
	return nil
}
