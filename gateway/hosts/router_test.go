package hosts_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"cocart-gateway/gateway/hosts"
)

func TestARequestGoesToTheShopOfItsHost(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	router := hosts.NewRouter([]hosts.Shop{
		{Hosts: []string{"toys.example", "*.toys.example"}, Handler: named("toys")},
		{Hosts: []string{"books.toys.example", "*.books.toys.example", "books.example"}, Handler: named("books")},
	}, named("none"))
	for host, want := range map[string]string{
		"toys.example": "toys", "TOYS.example:8443": "toys", "www.toys.example": "toys", "a.b.toys.example": "toys",
		"books.toys.example": "books", "a.books.toys.example": "books", "books.example": "books",
		"a.books.example": "none", ".toys.example": "none", "eviltoys.example": "none", "toys.example.": "none", "toys.example.evil.example": "none",
		"toys.example:x@evil.example": "none", "evil.example:@toys.example": "none", "[::1]": "none", "": "none", "books.example,toys.example": "none",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if got := w.Body.String(); got != want {
			t.Errorf("%q goes to %s, want %s", host, got, want)
		}
	}
}
