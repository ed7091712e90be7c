package config

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// OriginHeader is sent with each request to the web server of WordPress.
type OriginHeader struct {
	Name  string // canonical
	Value schema.Secret
}

const authorization = "Authorization"

// OriginHeaders are those of upstream.headers, and the Authorization for the login in upstream.url.
func (c Upstream) OriginHeaders() http.Header {
	h := http.Header{}
	for _, o := range c.Headers {
		h.Set(o.Name, o.Value.Reveal())
	}
	if c.Login.IsSet() {
		h.Set(authorization, "Basic "+base64.StdEncoding.EncodeToString([]byte(c.Login.Reveal())))
	}
	return h
}

// originHeaders is a block whose keys are names of headers. The values are secrets: most of them are passwords.
type originHeaders struct{ dst *[]OriginHeader }

func (o originHeaders) SetDefault() { *o.dst = nil }

func (o originHeaders) Read(r *schema.Reader, _ string, at schema.Position, n *yaml.Node) {
	if n.Kind != yaml.MappingNode && !schema.IsNull(n) {
		r.Reject(at, schema.DescribeBlind(n), "must be a block of headers", "write their names below it, indented, as in X-Origin-Verify: ${ORIGIN_VERIFY}")
		return
	}
	*o.dst = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if h, ok := readOriginHeader(r, at, n.Content[i], n.Content[i+1], *o.dst); ok {
			*o.dst = append(*o.dst, h)
		}
	}
}

// FromText is a block in YAML, as in {X-Origin-Verify: "${ORIGIN_VERIFY}"}.
func (o originHeaders) FromText(text string) (*yaml.Node, error) { return schema.YAMLNode(text) }

func (o originHeaders) Show(reveal bool) any {
	block := &yaml.Node{Kind: yaml.MappingNode}
	for _, h := range *o.dst {
		var name, value yaml.Node
		name.SetString(h.Name)
		value.SetString(fmt.Sprint(h.Value.Show(reveal)))
		block.Content = append(block.Content, &name, &value)
	}
	return block
}

func readOriginHeader(r *schema.Reader, at schema.Position, key, value *yaml.Node, before []OriginHeader) (OriginHeader, bool) {
	const rule = "must be the name of a header for the web server of WordPress: letters, digits and -"
	if key.Kind != yaml.ScalarNode {
		r.Reject(schema.Position{Key: at.Key, Line: key.Line}, "has a key that is not a plain word", rule, "write e.g. X-Origin-Verify")
		return OriginHeader{}, false
	}
	here, name := at.Child(schema.Printable(key.Value), key.Line), http.CanonicalHeaderKey(key.Value)
	switch {
	case !headerWord.MatchString(key.Value):
		r.Reject(here, "is not the name of a header", rule, "write e.g. X-Origin-Verify")
	case isSetOtherwise(name):
		r.Reject(here, "belongs to the gateway, the client or the connection", "must be a header that nothing else sets", "remove it")
	case slices.ContainsFunc(before, func(h OriginHeader) bool { return h.Name == name }):
		r.Reject(here, "is given twice", "must be given once", "remove one")
	default:
		r.Lines[here.Key] = key.Line
		text, ok := r.SecretText(here, value, false, originHeaderValue(name))
		return OriginHeader{name, schema.NewSecret(text)}, ok
	}
	return OriginHeader{}, false
}

// ownedHeaders are set by the gateway, describe the connection or the body, or are read by CoCart and WordPress as the
// client's word.
var ownedHeaders = slices.Concat(takenHeaders, []string{"Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Expect", "Range", "Date", "Via",
	"Forwarded", "X-Real-Ip", "Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip",
	"Cf-Connecting-Ipv6", "Cf-Visitor", "Cloudfront-Forwarded-Proto", "Front-End-Https", "Fastly-Client-Ip", "Incap-Client-Ip",
	"X-Sucuri-Clientip", "X-Proxyuser-Ip", "X-Original-Forwarded-For", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method", "X-Method-Override",
	"X-Request-Id", "X-Requested-With", "Sec-Websocket-Key", "Http2-Settings", "Early-Data", "Priority", "Last-Event-Id"})

var ownedBeginnings = []string{"Content-", "X-Forwarded-", "X-Cocart-", "Cocart-", "Access-Control-", "Accept-", "If-", "Sec-", "X-Wp-", "X-Http-"}

func isSetOtherwise(name string) bool {
	return slices.Contains(ownedHeaders, name) ||
		slices.ContainsFunc(ownedBeginnings, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// originHeaderValue is text that every web server takes as it is (RFC 9110 section 5.5).
func originHeaderValue(name string) schema.SecretForm {
	const rule = "must be 1 to 4096 printable ASCII characters without blanks at the ends"
	return schema.SecretForm{Rule: rule, Remedy: "write what the web server of WordPress requires", Check: func(s string) *schema.Mistake {
		if s == "" || len(s) > schema.LongestSecret || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) {
			return &schema.Mistake{}
		}
		if name == authorization {
			return badAuthorization(s)
		}
		return nil
	}}
}

func badAuthorization(s string) *schema.Mistake {
	scheme, rest, _ := strings.Cut(s, " ")
	if rest == "" {
		return &schema.Mistake{Rule: "must be a scheme, a blank and credentials (RFC 9110 section 11.4)", Remedy: "write e.g. Basic ${STAGING_BASIC}"}
	}
	if !strings.EqualFold(scheme, "Basic") {
		return nil
	}
	if login, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest)); err != nil || !strings.Contains(string(login), ":") {
		return &schema.Mistake{Rule: "must hold user:password in base64 after Basic", Remedy: "make it with: printf 'user:password' | base64"}
	}
	return nil
}

// parseWithLogin reads an address that may have user:password before its host.
func parseWithLogin(s string, parse func(string) (*url.URL, *schema.Mistake)) (*url.URL, *schema.Mistake) {
	if !strings.Contains(s, "@") {
		return parse(s)
	}
	u, err := url.Parse(s)
	if err != nil || !goodLogin(u.User) {
		return nil, &schema.Mistake{Value: "has no valid user name and password before the @", Rule: "must have both or neither, as in http://user:password@host",
			Remedy: "write other characters than letters, digits and - . _ ~ as %XX, e.g. %40 for @"}
	}
	address, m := parse(withoutLogin(u).String())
	if m == nil {
		address.User = u.User
	}
	return address, m
}

// goodLogin reports whether Basic can carry it (RFC 7617 section 2).
func goodLogin(u *url.Userinfo) bool {
	password, _ := u.Password()
	return u.Username() != "" && password != "" && !strings.Contains(u.Username(), ":") && schema.Untidy(u.Username()+":"+password) == nil
}

func loginOf(u *url.URL) schema.Secret {
	if u.User == nil {
		return schema.Secret{}
	}
	password, _ := u.User.Password()
	return schema.NewSecret(u.User.Username() + ":" + password)
}

// withoutLogin is the address alone, which is what logs and messages show.
func withoutLogin(u *url.URL) *url.URL {
	bare := *u
	bare.User = nil
	return &bare
}

func (c *Upstream) showOrigin(f schema.Form[*url.URL], u *url.URL, reveal bool) any {
	if u == nil || !c.Login.IsSet() {
		return f.Show(u)
	}
	if !reveal {
		return u.Scheme + "://" + schema.Redacted + "@" + u.Host
	}
	user, password, _ := strings.Cut(c.Login.Reveal(), ":")
	full := *u
	full.User = url.UserPassword(user, password)
	return schema.EscapeVariables(full.String())
}

// checkOriginLogin refuses two values for Authorization.
func checkOriginLogin(c *Upstream, r *schema.Reader) {
	const key = "upstream.headers." + authorization
	own := slices.ContainsFunc(c.Headers, func(h OriginHeader) bool { return h.Name == authorization })
	if own && c.Login.IsSet() && r.Sound("upstream.url", key) {
		r.Reject(r.At(key, "upstream.headers"), "is given, and upstream.url has a user name and password", "must be one of the two", "remove one of them")
	}
}
