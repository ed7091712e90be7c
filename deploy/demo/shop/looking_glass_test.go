package shop_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const whoamiPath = "/wp-json/cocart/v2/test/whoami"

// facts are what a request looks like inside WordPress.
type facts struct {
	UserID     int    `json:"user_id"`
	Login      string `json:"login"`
	EarlyUser  *int   `json:"user_at_rest_api_init"`
	CartKey    string `json:"cart_key"`
	RemoteAddr string `json:"remote_addr"`
	TLS        bool   `json:"is_ssl"`
	Method     string
	URI        string `json:"request_uri"`
	Host       string
	Server     map[string]string
	Headers    map[string]string
	Cookies    []string
	Get, Post  map[string]any
	Body       string `json:"body_base64"`
}

func TestWhoamiTellsWhatArrived(t *testing.T) {
	freshShop(t)
	r := request{
		Method: "POST", Target: whoamiPath + "?a=1&b[]=2",
		Headers: [][2]string{asAlice, {"Content-Type", "application/x-www-form-urlencoded"}, {"Cookie", "one=1; two=2"}, {"X-User-Id", "first"}, {"X_User_Id", "second"}, {"X.Other", "dot"}},
		Body:    "c=3",
	}
	got := read[facts](t, r.send(t))
	early := 2
	host := strings.TrimPrefix(theShop.URL, "http://")
	want := facts{
		UserID: 2, Login: "alice", EarlyUser: &early, CartKey: "2", RemoteAddr: "127.0.0.1",
		Method: "POST", URI: whoamiPath + "?a=1&b[]=2", Host: host,
		Server: map[string]string{
			"CONTENT_LENGTH": "3", "CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_CONTENT_LENGTH": "3",
			"HTTP_CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_AUTHORIZATION": asAlice[1], "HTTP_CONNECTION": "close",
			"HTTP_COOKIE": "one=1; two=2", "HTTP_HOST": host, "HTTP_X_USER_ID": "second", "HTTP_X_OTHER": "dot", "PHP_AUTH_USER": "alice", "PHP_AUTH_PW": "wonderland-1",
		},
		Headers: got.Headers,
		Cookies: []string{"one", "two"},
		Get:     map[string]any{"a": "1", "b": []any{"2"}}, Post: map[string]any{"c": "3"},
		Body: base64.StdEncoding.EncodeToString([]byte("c=3")),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("facts\n%+v\nwant\n%+v", got, want)
	}
	if got.Headers["Authorization"] != asAlice[1] {
		t.Errorf("getallheaders() says %q", got.Headers["Authorization"])
	}
}

func TestTheStorefrontTellsTheSameFacts(t *testing.T) {
	freshShop(t)
	for _, target := range []string{"/wp-json/demo/v1/whoami", "/?demo_whoami=1", "/any-page/?demo_whoami=1"} {
		got := read[facts](t, get(target, [2]string{"X-Forwarded-For", "192.0.2.1"}).send(t))
		seen := fmt.Sprint(got.UserID, got.URI, got.RemoteAddr, got.Server["HTTP_X_FORWARDED_FOR"])
		if want := fmt.Sprint(0, target, "127.0.0.1", "192.0.2.1"); seen != want {
			t.Errorf("%s: %s, want %s", target, seen, want)
		}
	}
}

// CoCart's credentials do not reach beyond CoCart, except by its own look at the address.
func TestCredentialsOutsideOfCoCart(t *testing.T) {
	freshShop(t)
	rows := map[string]int{"/wp-json/demo/v1/whoami": 0, "/wp-json/demo/v1/whoami?x=wp-json/cocart/": 2}
	for target, want := range rows {
		if got := read[facts](t, get(target, asAlice).send(t)).UserID; got != want {
			t.Errorf("%s: user %d, want %d", target, got, want)
		}
	}
}

func TestAStreamArrivesInPieces(t *testing.T) {
	freshShop(t)
	for _, target := range []string{"/wp-json/cocart/v2/test/stream?name=one", "/?demo_stream=one"} {
		response, err := http.Get(theShop.URL + target)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		pieces := []string{piece(lines)}
		read[map[string]any](t, post("/wp-json/cocart/v2/test/stream?name=one", "").send(t))
		pieces = append(pieces, piece(lines), piece(lines))
		if want := []string{"data: one", "data: two", "data: three"}; !slices.Equal(pieces, want) {
			t.Errorf("%s: %v, want %v", target, pieces, want)
		}
	}
}

func piece(lines *bufio.Scanner) string {
	for lines.Scan() {
		if lines.Text() != "" {
			return lines.Text()
		}
	}
	return "(end)"
}
