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
