package wprequest

import (
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// CoCart keeps all carts in one table, those of guests under a random or custom key and
// those of customers under their user id. Before 4.9.5 it hands out the cart of any
// customer to a client that sends that number as cart_key. Its session handler reads
// $_REQUEST['cart_key'] and, from 4.2 on, the header CoCart-API-Cart-Key, takes away
// what sanitize_key does not know and looks for the rest
// (CoCart_Session_Handler::get_requested_cart); the check of guests goes by PHP's
// is_numeric (CoCart_WooCommerce::validate_cart_requested).

// longestID is how many digits the id of a customer may have. No shop has a thousand
// million users, while apps make custom keys of timestamps, which have ten digits in
// seconds. Of a longer number only WordPress knows whether it is a customer's; the
// must-use plugin checks that.
const longestID = 9

// CartKeyCustomers returns the ids of the customers whose cart a key could name; none for the
// key of a guest's cart, also of 0. Versions of CoCart and its extensions clean a key in
// different ways, so there may be several.
func CartKeyCustomers(key string) []int64 {
	var ids []int64
	for _, text := range cleanings(key) {
		for _, number := range []string{sanitizeKey(text), numeric(text)} {
			if id, ok := identify(number); ok && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// cleanings returns a key as the ways to read it begin: as it is, as
// sanitize_text_field and a second decoding leave it, and as a collation of MySQL
// compares it, to which "２" is "2".
func cleanings(key string) []string {
	all := []string{key, SanitizeTextField(key)}
	if again, err := url.QueryUnescape(key); err == nil {
		all = append(all, again, SanitizeTextField(again))
	}
	for _, text := range all {
		all = append(all, strings.Map(collated, norm.NFKC.String(text)))
	}
	return all
}

// collated removes what a collation ignores, and makes "2" of the digits that other
// scripts write for it.
func collated(r rune) rune {
	switch {
	case unicode.In(r, unicode.M, unicode.Z, unicode.C) || r == unicode.ReplacementChar:
		return -1
	case r < unicode.MaxASCII || !unicode.Is(unicode.Nd, r):
		return r
	}
	digit := '0'
	for unicode.Is(unicode.Nd, r-1) && digit < '9' {
		r, digit = r-1, digit+1
	}
	return digit
}

// sanitizeKey does as WordPress's sanitize_key. A number may have signs and separators around
// it, because some code makes an integer of what is left.
func sanitizeKey(key string) string {
	key = strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_', r == '-':
			return r
		}
		return -1
	}, key)
	return strings.Trim(key, "_-")
}

// numeric returns the integer that PHP makes of what is_numeric accepts, such as "+2",
// "2.0" and "2e0"; "" of other text.
func numeric(text string) string {
	text = strings.Trim(text, " \t\n\r\v\f")
	if strings.Trim(text, "0123456789+-.eE") != "" { // ParseFloat reads more than PHP, such as 0x1p1
		return ""
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(f) >= math.Pow10(longestID) {
		return ""
	}
	return strconv.FormatInt(int64(math.Abs(f)), 10)
}

// identify returns the id that a number is, if it can be one.
func identify(number string) (int64, bool) {
	if strings.Trim(number, "0123456789") != "" {
		return 0, false
	}
	number = strings.TrimLeft(number, "0")
	if number == "" || len(number) > longestID {
		return 0, false
	}
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil
}

// cartlessRoutes are the routes, below the namespace, for which CoCart loads no cart
// (CoCart_REST_API::prevent_routes_from_initializing, 3.1 to 4.7). It compares the
// beginning alone.
var cartlessRoutes = []string{"/v2/login", "/v2/logout", "/v1/products", "/v2/products", "/v2/sessions", "/v2/store"}

// isCartless reports whether CoCart loads no cart for a route below its namespace, in
// lower case, and so looks at no cart key.
func isCartless(route string) bool {
	return slices.ContainsFunc(cartlessRoutes, func(begin string) bool { return strings.HasPrefix(route, begin) })
}

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
		keys = append(keys, text)
	}
	return keys
}

// IsCustomerCart reports whether a cart key could name the cart of any customer.
func IsCustomerCart(key string) bool { return len(CartKeyCustomers(key)) > 0 }

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
		b.Raw = []byte(WithoutCustomerCarts(b.untyped).Without(None))
	default:
		b.Form = WithoutCustomerCarts(b.Form)
		b.Raw = []byte(b.Form.Without(None))
	}
	return true
}

func None(string) bool { return false }

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

// HiddenCartKeys returns the cart keys that the must-use plugin might not find, or might
// read in another way than CoCart: those in JSON and in bodies of no type, and in
// parameters those that are arrays or numbers in an unusual spelling.
func (in Input) HiddenCartKeys() []string {
	keys := append(cartKeysOf(in.Body.untyped), cartKeysInJSON(in.Body.Object)...)
	for _, p := range slices.Concat(in.Query, in.Body.Form) {
		if p.name == "cart_key" && (p.array || !isPlainNumber(p.value)) {
			keys = append(keys, p.value)
		}
	}
	for _, name := range CartKeyHeaders {
		values := in.Header[name]
		if len(values) > 1 || !slices.ContainsFunc(values, isPlainNumber) {
			keys = append(keys, values...)
		}
	}
	return keys
}

// isPlainNumber reports whether a key is the id of one customer as PHP writes it.
func isPlainNumber(key string) bool {
	id, ok := identify(key)
	return ok && strconv.FormatInt(id, 10) == key
}

// Cartless reports whether CoCart loads no cart for a route, and so ignores a cart key.
// Clients that stored a customer's number keep sending it after a logout, with each
// request for products as well.
func (rs Site) Cartless(route string) bool {
	rest, ours := rs.cutNamespace(phpLower(route))
	return ours && isCartless(rest)
}
