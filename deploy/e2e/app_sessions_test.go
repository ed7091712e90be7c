package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// sessionsPage is what the script of a page with app sessions reads there.
type sessionsPage struct {
	User             int
	Nonce, Ajax, API string
}

func (g *gateway) sessionsPage(target, cookie string) (page sessionsPage, body string) {
	g.t.Helper()
	r := g.send("GET", target, "", "Cookie: "+cookie)
	found := regexp.MustCompile(`id="cocart-gateway-sessions"[^>]* data-settings="([^"]*)"`).FindStringSubmatch(r.Body)
	if r.Status != 200 || found == nil || !strings.Contains(r.Body, "getElementById( 'cocart-gateway-sessions' )") {
		g.t.Fatalf("%s: %d %.3000s", target, r.Status, r.Body)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(found[1])), &page); err != nil {
		g.t.Fatal(err)
	}
	return page, r.Body
}

// capability asks WordPress for one, as the script does.
func (g *gateway) capability(page sessionsPage, cookie, act, session string) (string, reply) {
	g.t.Helper()
	form := url.Values{"action": {"cocart_gateway_capability"}, "nonce": {page.Nonce}, "user_id": {fmt.Sprint(page.User)}, "act": {act}, "session": {session}}.Encode()
	r := g.send("POST", page.Ajax, form, "Content-Type: application/x-www-form-urlencoded", "Cookie: "+cookie)
	var answer struct{ Data struct{ Capability string } }
	_ = json.Unmarshal([]byte(r.Body), &answer) // a refusal has other data
	return answer.Data.Capability, r
}

// devices lists the sessions as the script does: ids by device.
func (g *gateway) devices(page sessionsPage, cookie string) map[string]string {
	g.t.Helper()
	capability, r := g.capability(page, cookie, "list", "")
	if capability == "" {
		g.t.Fatalf("no capability: %d %s", r.Status, r.Body)
	}
	r = g.send("GET", page.API, "", "CoCart-Capability: "+capability)
	var answer struct{ Sessions []struct{ ID, Device string } }
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 {
		g.t.Fatalf("list: %d %s", r.Status, r.Body)
	}
	ids := map[string]string{}
	for _, s := range answer.Sessions {
		ids[s.Device] = s.ID
	}
	return ids
}

func (g *gateway) loginFrom(agent string) string {
	g.t.Helper()
	access, _ := g.tokens(g.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`, "User-Agent: "+agent))
	return access
}

// browserOf logs a user in to WordPress and returns the cookies.
func (g *gateway) browserOf(name, password string) string {
	g.t.Helper()
	form := url.Values{"log": {name}, "pwd": {password}, "testcookie": {"1"}}.Encode()
	r := g.send("POST", "/wp-login.php", form, "Content-Type: application/x-www-form-urlencoded", "Cookie: wordpress_test_cookie=WP+Cookie+check")
	var cookies []string
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if r.Status != 302 || len(cookies) < 2 {
		g.t.Fatalf("%s: %d %.300s", name, r.Status, r.Body)
	}
	return strings.Join(cookies, "; ")
}

const accountPage = `echo wp_insert_post(array('post_type' => 'page', 'post_status' => 'publish', 'post_name' => 'my-account', 'post_title' => 'My account', 'post_content' => '[woocommerce_my_account]'));`

// rulesOfBefore leaves the rewrite rules as they were before the plugin had its endpoint.
const rulesOfBefore = `update_option('rewrite_rules', array_filter((array) get_option('rewrite_rules'), fn($rule) => false === strpos($rule, 'app-sessions'), ARRAY_FILTER_USE_KEY));`

// In "My account" of WooCommerce, and on the user's page in wp-admin. Alice has no browser session when the staff looks.
func TestStaffAndCustomersManageAppSessions(t *testing.T) {
	reconfigure(t, func(c *shop.Config) { c.Constants = map[string]any{"COCART_STANDIN_MY_ACCOUNT": true} })
	afterwards(t)
	g := startGateway(t, "embedded", "")
	page := php(t, accountPage)
	php(t, rulesOfBefore)
	t.Cleanup(func() { // the context of the test is over by then
		if _, err := theShop.PHP(context.Background(), "wp_delete_post("+page+", true); delete_option('rewrite_rules');"); err != nil {
			t.Error(err)
		}
	})
	password, err := theShop.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	phone, tablet := g.loginFrom("Phone/1.0"), g.loginFrom("Tablet/2.0")
	admin := g.browserOf("admin", password)

	staff, body := g.sessionsPage("/wp-admin/user-edit.php?user_id=2", admin)
	if !strings.Contains(body, "Log Out Everywhere") || strings.Contains(body, `id="destroy-sessions"`) || staff.User != 2 {
		t.Errorf("WordPress's own button is there, or ours is not: %+v", staff)
	}
	ids := g.devices(staff, admin)
	if len(ids) != 2 || ids["Phone"] == "" || ids["Tablet"] == "" {
		t.Fatalf("staff sees %v", ids)
	}
	end, _ := g.capability(staff, admin, "end", ids["Phone"])
	if r := g.send("POST", staff.API+"/"+ids["Phone"], "", "CoCart-Capability: "+end, "X-HTTP-Method-Override: DELETE"); r.Body != `{"ended":1}` {
		t.Fatalf("staff ends the phone: %d %s", r.Status, r.Body)
	}
	statuses(t, "401 200", g.cart(phone), g.cart(tablet))

	alice := g.browserOf("alice", "wonderland-1")
	tab := regexp.MustCompile(`class="account-app-sessions" href="([^"]*)"(?: aria-current="page")?>App sessions<`)
	link := func() string {
		r := g.send("GET", "/my-account/", "", "Cookie: "+alice)
		found := tab.FindStringSubmatch(r.Body)
		if found == nil {
			t.Fatalf("My account: %d %.3000s", r.Status, r.Body)
		}
		return strings.TrimPrefix(html.UnescapeString(found[1]), siteURL)
	}
	if got := link(); got != "/my-account/?app-sessions" && got != "/my-account/?app-sessions=" {
		t.Errorf("before the rules are written the tab is at %s", got)
	}
	if _, body := g.sessionsPage(link(), alice); !slices.Equal(currentItems(body), []string{"app-sessions"}) {
		t.Errorf("current in the menu: %q", currentItems(body))
	}
	php(t, "flush_rewrite_rules(false);")
	if got := link(); got != "/my-account/app-sessions/" {
		t.Errorf("afterwards the tab is at %s", got)
	}
	own, body := g.sessionsPage(link(), alice)
	if ids := g.devices(own, alice); own.User != 2 || len(ids) != 1 || ids["Tablet"] == "" {
		t.Errorf("alice sees %v", ids)
	}
	refusedToOthers(t, g, own, staff, alice, admin)

	// Without a script: a form with a nonce.
	action := regexp.MustCompile(`name="_wpnonce" value="([0-9a-f]+)"`).FindStringSubmatch(body)
	if action == nil {
		t.Fatal("the form has no nonce")
	}
	everywhere := url.Values{"action": {"cocart_gateway_end_sessions"}, "user_id": {"2"}, "_wpnonce": {action[1]}}
	r := g.send("POST", "/wp-admin/admin-post.php", everywhere.Encode(), "Content-Type: application/x-www-form-urlencoded", "Cookie: "+alice, "Referer: "+siteURL+"/my-account/app-sessions/")
	if r.Status != 302 || r.Header.Get("Location") != siteURL+"/my-account/app-sessions/?cocart_gateway_ended=1" {
		t.Errorf("the form: %d %v", r.Status, r.Header)
	}
	statuses(t, "401", g.cart(tablet))
	if _, body := g.sessionsPage("/my-account/app-sessions/?cocart_gateway_ended=1", alice); !strings.Contains(body, "Logged out.") {
		t.Error("the page does not say so, or the browser is logged out")
	}
	endedByStaff(t, g, admin, alice)
}

// currentItems are the items of the menu that say that they are the current page.
func currentItems(body string) (names []string) {
	for _, found := range regexp.MustCompile(`class="account-([a-z-]+)" href="[^"]*" aria-current`).FindAllStringSubmatch(body, -1) {
		names = append(names, found[1])
	}
	return names
}

// refusedToOthers tries what neither alice nor a page without permission may do.
func refusedToOthers(t *testing.T, g *gateway, own, staff sessionsPage, alice, admin string) {
	t.Helper()
	ofAdmin := own
	ofAdmin.User = 1
	noNonce := own
	noNonce.Nonce = ""
	for name, row := range map[string]struct {
		page   sessionsPage
		cookie string
		act    string
		want   int
	}{
		"alice, for the administrator": {ofAdmin, alice, "list", 403},
		"alice, with staff's nonce":    {staff, alice, "list", 403},
		"without a nonce":              {noNonce, alice, "list", 403},
		"a visitor":                    {own, "", "list", 400},
		"another act":                  {own, alice, "end_all", 400},
		"an end of no session":         {own, alice, "end", 400},
		"staff, with alice's nonce":    {own, admin, "list", 403},
	} {
		if capability, r := g.capability(row.page, row.cookie, row.act, ""); capability != "" || r.Status != row.want {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if r := g.send("GET", "/wp-admin/admin-post.php?action=cocart_gateway_end_sessions&user_id=1&_wpnonce="+own.Nonce, "", "Cookie: "+alice); r.Status != 403 {
		t.Errorf("alice ends the administrator's: %d", r.Status)
	}
	if capability, r := g.capability(own, alice, "list", ""); send(t, theShop.URL, "POST", own.Ajax, "", "Cookie: "+alice).Status == 200 || capability == "" {
		t.Errorf("past the gateway: %d", r.Status)
	}
}

// endedByStaff presses the link of the user's page: apps and browsers are logged out.
func endedByStaff(t *testing.T, g *gateway, admin, alice string) {
	t.Helper()
	phone := g.loginFrom("Phone/1.0")
	_, body := g.sessionsPage("/wp-admin/user-edit.php?user_id=2", admin)
	link := regexp.MustCompile(`id="cocart-gateway-end-sessions" href="([^"]*)"`).FindStringSubmatch(body)
	if link == nil {
		t.Fatal("no link")
	}
	r := g.send("GET", strings.TrimPrefix(html.UnescapeString(link[1]), siteURL), "", "Cookie: "+admin, "Referer: "+siteURL+"/wp-admin/user-edit.php?user_id=2")
	if r.Status != 302 || !strings.Contains(r.Header.Get("Location"), "user_id=2&cocart_gateway_ended=1") {
		t.Errorf("the link: %d %v", r.Status, r.Header)
	}
	statuses(t, "401", g.cart(phone))
	if r := g.send("GET", "/my-account/", "", "Cookie: "+alice); !strings.Contains(r.Body, "Please log in.") {
		t.Error("alice's browser is logged in")
	}
}
