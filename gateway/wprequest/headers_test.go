package wprequest

import (
	"net/http"
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
