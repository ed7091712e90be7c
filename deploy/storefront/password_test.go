package storefront

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

const serversLogin = "staging:letmein"

// askForPassword runs a web server in front of the shop that asks for a user name and a
// password, as nginx does with auth_basic, and hands the header on to PHP. Each path
// that came without them is an error of the test. It returns its host.
func askForPassword(t *testing.T) string {
	t.Helper()
	shop, err := url.Parse(theShop.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(shop)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name+":"+password != serversLogin {
			t.Errorf("without the password: %s", r.URL.Path)
			w.Header().Set("WWW-Authenticate", `Basic realm="staging"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// user is who the looking glass of the shop says that a request is by.
func user(a answer) string {
	var got struct {
		User json.Number `json:"user_id"`
	}
	_ = json.Unmarshal([]byte(a.body), &got)
	return got.User.String()
}

func TestAShopWhoseWebServerAsksForAPassword(t *testing.T) {
	host, encoded := askForPassword(t), base64.StdEncoding.EncodeToString([]byte(serversLogin))
	for name, upstream := range map[string]string{
		"upstream.headers": fmt.Sprintf("{url: http://%s, secret: %q, headers: {authorization: Basic %s}}", host, gatewaySecret, encoded),
		"upstream.url":     fmt.Sprintf("{url: http://%s@%s, secret: %q}", serversLogin, host, gatewaySecret),
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, "upstream: "+upstream+"\n")
			passesThePassword(t, g)
			if log := g.logged(); strings.Contains(log, "letmein") || strings.Contains(log, encoded) {
				t.Errorf("the password is in the log:\n%s", log)
			}
		})
	}
}

func passesThePassword(t *testing.T, g *gateway) {
	t.Helper()
	servers, alice := basic("staging", "letmein"), basic("alice", "wonderland-1")
	login := ask(t, g.address, post("login", loginTarget, jsonType, asJSON(t, "alice", "wonderland-1"), servers))
	token := "Authorization: Bearer " + accessIn(login)
	const who, route = "/wp-json/demo/v1/whoami", "/wp-json/cocart/v2/test/whoami"
	for _, row := range []struct {
		request
		status int
		user   string // "" is not compared
	}{
		{get("a page", "/"), 200, ""},
		{get("a page, with the server's password", "/", servers), 200, ""},
		{get("REST", who), 200, "0"},
		{get("REST, with the server's password", who, servers), 200, "0"},
		{get("REST as an administrator", who, "Authorization: "+hire(t).Application), 200, "1"},
		{get("CoCart", route), 200, "0"},
		{get("CoCart, with the server's password", route, servers), 200, "0"},
		{get("cart, with the server's password", cartTarget, servers), 200, ""},
		{get("CoCart by password", route, alice), 200, "2"},
		{get("CoCart by token", route, token), 200, "2"},
		{get("CoCart by a wrong password", cartTarget, basic("alice", "wrong")), 401, ""},
		{post("login by a form", loginTarget, formType, asForm("alice", "wonderland-1")), 200, ""},
		{post("login by Basic", loginTarget, "", "", alice), 200, ""},
		{post("login by a wrong password", loginTarget, jsonType, asJSON(t, "alice", "wrong")), 401, ""},
	} {
		a := ask(t, g.address, row.request)
		if a.status != row.status || row.user != "" && user(a) != row.user {
			t.Errorf("%s: status %d, user %q, want %d %q: %.300s", row.name, a.status, user(a), row.status, row.user, a.body)
		}
	}
	seen := func(head ...string) string {
		f := flat(ask(t, g.address, get("report", reported, head...)), nil)
		var all []string
		for _, name := range []string{"HTTP_AUTHORIZATION", "PHP_AUTH_USER", "PHP_AUTH_PW", "HTTP_X_COCART_GATEWAY_AUTHORIZATION"} {
			all = append(all, f["server "+name])
		}
		return strings.Join(all, "|")
	}
	if got := seen(); got != "|||" {
		t.Errorf("PHP sees %q of a page without Authorization", got)
	}
	key := basic("ck_1", "cs_2")
	if got, want := seen(key), strings.TrimPrefix(key, "Authorization: ")+"|ck_1|cs_2|"; got != want {
		t.Errorf("PHP sees %q, want %q", got, want)
	}
}
