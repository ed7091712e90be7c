package wprequest

import (
	"net/http"
	"slices"
	"testing"
)

func TestATypeThatIsAFormAndJSONIsRefused(t *testing.T) {
	for contentType, refused := range map[string]bool{
		"application/x-www-form-urlencoded": false, "application/json": false, "application/x-www-form-urlencoded, application/json": true,
		"application/x-www-form-urlencoded; x=application/json": true, "application/x-www-form-urlencoded;application/js<b>on": true, "multipart/form-data application/vnd.x+json": true,
	} {
		err := ambiguousHeaders(Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {contentType}}}, nil)
		if (err != nil) != refused {
			t.Errorf("%q: %v", contentType, err)
		}
	}
}

func TestTheAuthorizationHeaderIsGatheredFromItsNames(t *testing.T) {
	names := []string{"Authorization", "x-auth"}
	for name, row := range map[string]struct {
		names         []string
		header        http.Header
		authorization []string
		refused       bool
	}{
		"one":                       {names, http.Header{"X-Auth": {"Bearer a"}}, []string{"Bearer a"}, false},
		"a blank one beside it":     {names, http.Header{"Authorization": {" \t"}, "X-Auth": {"Bearer a", ""}}, []string{"Bearer a"}, false},
		"only a blank one":          {names, http.Header{"Authorization": {" "}}, nil, false},
		"two":                       {names, http.Header{"Authorization": {"Bearer a"}, "X-Auth": {"Bearer a"}}, nil, true},
		"a name that is not listed": {[]string{"X-Auth"}, http.Header{"Authorization": {"Bearer a"}}, nil, false},
		"no names":                  {nil, http.Header{"Authorization": {"Bearer a"}, "X-Auth": {"Bearer b"}}, []string{"Bearer a"}, false},
	} {
		err := GatherAuthorization(row.header, row.names)
		if got := row.header["Authorization"]; (err != nil) != row.refused || len(got) != len(row.authorization) || len(got) == 1 && got[0] != row.authorization[0] {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if row.names != nil && row.header["X-Auth"] != nil {
			t.Errorf("%s: the other header stayed", name)
		}
	}
}

func TestHeadersWithTheSameValueBecomeOne(t *testing.T) {
	for name, row := range map[string]struct {
		values []string
		want   int
	}{"one": {[]string{"a/b"}, 1}, "two": {[]string{"a/b", " A/B\t"}, 1}, "three": {[]string{"a/b", "a/b", "a/c"}, 3}, "two others": {[]string{"a/b", "a/c"}, 2}} {
		h := http.Header{"Content-Type": row.values, "X-Http-Method-Override": {"PUT", "put"}}
		if JoinEqualHeaders(h); len(h["Content-Type"]) != row.want || len(h["X-Http-Method-Override"]) != 1 {
			t.Errorf("%s: %q", name, h)
		}
	}
}

func TestABearerIsWhatFollowsTheScheme(t *testing.T) {
	for value, want := range map[string]string{"Bearer a": "a", " bearer\t a b ": "a b", "Bearer": "", "Basic a": "", "Bearera": "", "": ""} {
		if got, err := BearerToken(http.Header{"Authorization": {value}}); got != want || err != nil {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
	if _, err := BearerToken(http.Header{"Authorization": {"Bearer a", "Bearer a"}}); err == nil {
		t.Error("two headers are no error")
	}
}

func TestCookiesOfLoginsGoAndOthersStay(t *testing.T) {
	for name, row := range map[string]struct{ lines, want []string }{
		"none":          {},
		"others":        {[]string{"a=1; woocommerce_cart=2", "b=%20"}, []string{"a=1; woocommerce_cart=2", "b=%20"}},
		"a login":       {[]string{"a=1; wordpress_logged_in_x=2; b=3"}, []string{"a=1; b=3"}},
		"logins alone":  {[]string{"wordpress_sec_x=2", "wordpress_x"}, nil},
		"another name":  {[]string{"my_wordpress_x=2"}, []string{"my_wordpress_x=2"}},
		"escaped":       {[]string{"a=1;%77ordpress_x=2"}, []string{"a=1"}},
		"with a dot":    {[]string{"\t wordpress.x=2;a=1"}, []string{"a=1"}},
		"in other case": {[]string{"Wordpress_x=2"}, []string{"Wordpress_x=2"}},
	} {
		h := http.Header{"Cookie": row.lines}
		DropLoginCookies(h)
		if _, there := h["Cookie"]; !slices.Equal(h["Cookie"], row.want) || there != (row.want != nil) {
			t.Errorf("%s: %q, want %q", name, h, row.want)
		}
	}
}
