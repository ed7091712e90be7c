package wprequest

import (
	"net/http"
	"testing"
)

func TestTheRedirectOfABrowserLinkIsReadInWordPresssOrder(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, row := range map[string]struct {
		kind, body, query, want string
		refused                 bool
	}{
		"JSON":                    {kind: "application/json", body: `{"redirect":"/a"}`, query: "redirect=/c", want: "/a"},
		"null goes on":            {kind: "application/json", body: `{"redirect":null}`, query: "redirect=/c", want: "/c"},
		"JSON without it":         {kind: "application/json", body: `{}`, query: "redirect=/c", want: "/c"},
		"no string":               {kind: "application/json", body: `{"redirect":1}`, query: "redirect=/c", refused: true},
		"broken JSON":             {kind: "application/json", body: `{`, refused: true},
		"JSON that is no object":  {kind: "application/json", body: `[]`, refused: true},
		"blank JSON":              {kind: "application/json", body: ` `, query: "redirect=/c", want: "/c"},
		"a form before the query": {kind: form, body: "redirect=/b", query: "redirect=/c", want: "/b"},
		"an array in a form":      {kind: form, body: "redirect[]=/b", query: "redirect=/c", refused: true},
		"an array in the query":   {query: "redirect[a]=/c", refused: true},
		"the last of two":         {query: "redirect=/b&redirect=/c", want: "/c"},
		"none":                    {},
	} {
		body, err := ParseBody([]byte(row.body), row.kind)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Input{Method: "POST", Header: http.Header{"Content-Type": {row.kind}}, Query: ParseParams(row.query), Body: body}.Redirect()
		if got != row.want || (err != nil) != row.refused {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestPasswordsAreFoundInEveryPlace(t *testing.T) {
	basic := http.Header{"Authorization": {"basic YTpi"}} // a:b
	for name, row := range map[string]struct {
		in           Input
		holds        bool // a parameter username
		any, whole   bool
		form, object string
	}{
		"nothing":                     {},
		"a Basic header":              {in: Input{Header: basic}, any: true, whole: true},
		"a Bearer header":             {in: Input{Header: http.Header{"Authorization": {"Bearer YTpi"}}}},
		"a name in the query":         {in: Input{Query: ParseParams("username=a")}, holds: true, any: true},
		"a name in a form":            {form: "username=a", holds: true, any: true},
		"a name in JSON":              {object: `{"username":"a"}`, holds: true, any: true},
		"a list in JSON":              {object: `{"username":["a"]}`, holds: true, any: true},
		"empty":                       {in: Input{Query: ParseParams("username=&password=")}, holds: true},
		"both":                        {form: "username=a&password=b", holds: true, any: true, whole: true},
		"an API key without a secret": {in: Input{Query: ParseParams("consumer_key=a")}, any: true},
		"an API key":                  {in: Input{Query: ParseParams("consumer_key=a&consumer_secret=b")}, any: true, whole: true},
		"a signature without a key":   {in: Input{Query: ParseParams("oauth_signature=b")}},
		"a signed request":            {in: Input{Query: ParseParams("oauth_consumer_key=a&oauth_signature=b")}, any: true, whole: true},
	} {
		row.in.Method, row.in.Body = "POST", &Body{Form: ParseParams(row.form)}
		row.in.Body.Object, _ = ParseObject([]byte(row.object))
		if got := row.in.Holds("username"); got != row.holds {
			t.Errorf("%s: holds a name: %v", name, got)
		}
		if found, whole := row.in.CarriesPassword(), row.in.CarriesWholePassword(); found != row.any || whole != row.whole {
			t.Errorf("%s: a password: %v, a whole one: %v", name, found, whole)
		}
	}
}
