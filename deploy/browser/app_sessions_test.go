package browser

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// accountPage is the tab "App sessions" with the script of the must-use plugin. What follows presses the button of the
// first session, waits for the next list, and reports both lists.
const accountPage = `<!doctype html><meta charset="utf-8"><title>My account</title>
<div id="cocart-gateway-sessions" data-settings="%s"><p>The list needs JavaScript.</p></div>
<script>%s</script>
<script type="module">
const box = document.getElementById("cocart-gateway-sessions");
const cells = () => [...box.querySelectorAll("tr")].slice(1).map((row) => [...row.querySelectorAll("td")].slice(0, 2).map((cell) => cell.textContent));
const list = (length) => new Promise((done) => {
	const look = () => box.querySelectorAll("tr").length === length + 1 && (done(cells()), true);
	look() || new MutationObserver((_, watch) => look() && watch.disconnect()).observe(box, { childList: true });
});
const before = await list(2);
const form = box.querySelectorAll("thead th[scope=col]").length + " " + [...box.querySelectorAll("tbody tr:first-child td")].map((cell) => cell.dataset.title);
box.querySelector("button").click();
const after = await list(1);
const failed = new Promise((done) => new MutationObserver(() => done(box.textContent)).observe(box, { childList: true }));
await fetch("/no-more-capabilities");
box.querySelector("button").click();
const html = box.querySelectorAll("b").length;
await fetch(new URL(location).searchParams.get("report"), { method: "POST", mode: "no-cors", body: JSON.stringify({ before, after, form, html, failed: await failed }) });
</script>`

const accountSettings = `{"user":2,"nonce":"n0","ajax":"/wp-admin/admin-ajax.php","api":"/?rest_route=/cocart/jwt/sessions","class":"shop_table",` +
	`"text":{"device":"Device","address":"Address","created":"Logged in","used":"Last used","end":"Log out","action":"Actions","none":"No app is logged in.","failed":"Please reload."}}`

func TestThePageOfAppSessionsListsAndEndsThem(t *testing.T) {
	plugin, err := os.ReadFile("../wordpress/cocart-gateway.php")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile(`(?s)const SCRIPT = <<<'JS'\n(.*?)\nJS;`).FindSubmatch(plugin)
	if script == nil {
		t.Fatal("the plugin has no script")
	}
	s := openShop(t, anyOrigin)
	for _, agent := range []string{"Phone/1.0", "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36"} {
		s.login(agent)
	}
	var refuse atomic.Bool
	s.wordpress.Lock()
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		switch r.URL.Path {
		case "/my-account/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, accountPage, html.EscapeString(accountSettings), script[1])
		case "/no-more-capabilities":
			refuse.Store(true)
		case "/wp-admin/admin-ajax.php":
			form, _ := url.ParseQuery(seen.Body) // what cannot be read is refused
			if refuse.Load() || form.Get("nonce") != "n0" || form.Get("user_id") != "2" || form.Get("action") != "cocart_gateway_capability" {
				upstreamtest.JSON(w, 403, `{"success":false}`)
				break
			}
			upstreamtest.JSON(w, 200, `{"success":true,"data":{"capability":"`+s.wordpress.Capability(2, form.Get("act"), form.Get("session"), 2)+`"}}`)
		default:
			return false
		}
		return true
	}
	s.wordpress.Unlock()
	got := s.visit("app_sessions")
	want := map[string]any{
		"before": []any{[]any{"Phone", "127.0.0.1"}, []any{"Chrome on Pixel 8", "127.0.0.1"}},
		"after":  []any{[]any{"Chrome on Pixel 8", "127.0.0.1"}}, "html": 0.0, "failed": "Please reload.",
		"form": "5 Device,Address,Logged in,Last used,Actions", // WooCommerce's styles need both on narrow screens
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for _, seen := range s.wordpress.Seen() {
		if strings.Contains(seen.Target, "jwt/sessions") {
			t.Errorf("WordPress was asked %s %s", seen.Method, seen.Target)
		}
	}
}

// login begins a session of alice's from a device.
func (s *shop) login(agent string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.gateway+"/wp-json/cocart/v2/login", strings.NewReader(`{"username":"alice","password":"wonderland-1"}`))
	s.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", agent)
	resp, err := http.DefaultClient.Do(req)
	s.must(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("login: %d", resp.StatusCode)
	}
}

// userPage is the page of a user in wp-admin, around the panel of the must-use plugin. What follows presses "Log out" of the first
// session, follows "Log Out Everywhere", comes back, and reports what the panel showed. The form is WordPress's own: no button of
// the panel may send it.
const userPage = `<!doctype html><meta charset="utf-8"><title>Edit User</title>
<form id="your-profile" action="/wp-admin/saved" method="post">%s</form>
<script type="module">
const box = document.getElementById("cocart-gateway-sessions");
const parameters = new URL(location).searchParams;
const shows = (holds) => new Promise((done) => {
	const look = () => holds() && (done(), true);
	look() || new MutationObserver((_, watch) => look() && watch.disconnect()).observe(box, { childList: true });
});
const devices = async (length) => {
	await shows(() => box.querySelectorAll(":scope tbody tr").length === length);
	return [...box.querySelectorAll(":scope tbody tr")].map((row) => row.querySelector("td").textContent);
};
if (!parameters.has("before")) {
	const before = (await devices(2)).sort();
	const form = box.querySelector("table").className + (box.closest(".form-table") ? " in a form-table" : "");
	const phone = Object.assign(document.createElement("iframe"), { width: 390, srcdoc: document.querySelector("style").outerHTML + box.outerHTML });
	await new Promise((done) => { phone.onload = done; document.body.append(phone); });
	const narrow = ["thead", "td"].map((name) => phone.contentWindow.getComputedStyle(phone.contentDocument.querySelector(name)).display);
	box.querySelector("button").click();
	const after = (await devices(1)).length;
	parameters.set("before", JSON.stringify({ before, after, form, narrow }));
	await fetch("/come-back?" + parameters);
	document.getElementById("cocart-gateway-end-sessions").click();
} else {
	await shows(() => box.textContent === "No app is logged in.");
	const seen = { ...JSON.parse(parameters.get("before")), everywhere: box.textContent };
	await fetch(parameters.get("report"), { method: "POST", mode: "no-cors", body: JSON.stringify(seen) });
}
</script>`

// panel is what the must-use plugin prints in wp-admin for staff with these capabilities.
func panel(t *testing.T, capabilities string) string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "php", "-d", "error_log=", "testdata/panel.php", capabilities).Output()
	if err != nil {
		t.Fatalf("running PHP: %v %s", err, text)
	}
	return string(text)
}

func TestStaffSeesAndEndsTheSessionsOfACustomer(t *testing.T) {
	for _, capabilities := range []string{"edit_posts", "edit_users", "edit_user"} {
		if text := panel(t, capabilities); strings.Contains(text, "App sessions") {
			t.Errorf("staff with %s alone gets the panel: %s", capabilities, text)
		}
	}
	page := panel(t, "edit_users,edit_user")
	settings := regexp.MustCompile(`data-settings="([^"]*)"`).FindStringSubmatch(page)
	if settings == nil || !strings.Contains(page, "Log Out Everywhere") {
		t.Fatalf("no panel: %s", page)
	}
	nonce := regexp.MustCompile(`"nonce":"(\w+)"`).FindStringSubmatch(html.UnescapeString(settings[1]))
	if nonce == nil {
		t.Fatalf("no nonce: %s", settings[1])
	}
	s := openShop(t, anyOrigin)
	for _, agent := range []string{"Phone/1.0", "Tablet/2.0"} {
		s.login(agent)
	}
	var back atomic.Value
	s.wordpress.Lock()
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		switch r.URL.Path {
		case "/my-account/": // where testdata/app_sessions.js leads
			http.Redirect(w, r, "/wp-admin/user-edit.php?user_id=2&"+r.URL.RawQuery, http.StatusSeeOther)
		case "/wp-admin/user-edit.php":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, userPage, page)
		case "/wp-admin/admin-ajax.php":
			form, _ := url.ParseQuery(seen.Body) // what cannot be read is refused
			if form.Get("nonce") != nonce[1] || form.Get("user_id") != "2" {
				upstreamtest.JSON(w, 403, `{"success":false}`)
				break
			}
			upstreamtest.JSON(w, 200, `{"success":true,"data":{"capability":"`+s.wordpress.Capability(2, form.Get("act"), form.Get("session"), 1)+`"}}`)
		case "/come-back":
			back.Store(r.URL.RawQuery)
		case "/wp-admin/admin-post.php":
			if q := r.URL.Query(); q.Get("action") != "cocart_gateway_end_sessions" || q.Get("user_id") != "2" || q.Get("_wpnonce") != nonce[1] {
				http.Error(w, "Sorry, you are not allowed to edit this user.", http.StatusForbidden)
				break
			}
			s.wordpress.End(w, seen, 2, s.wordpress.Users[0].Fingerprint)
			http.Redirect(w, r, "/wp-admin/user-edit.php?"+back.Load().(string), http.StatusSeeOther)
		default:
			return false
		}
		return true
	}
	s.wordpress.Unlock()
	got := s.visit("app_sessions")
	want := map[string]any{"before": []any{"Phone", "Tablet"}, "after": 1.0, "form": "widefat striped", "narrow": []any{"none", "flex"}, "everywhere": "No app is logged in."}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for _, seen := range s.wordpress.Seen() {
		if strings.Contains(seen.Target, "jwt/sessions") || strings.Contains(seen.Target, "/wp-admin/saved") {
			t.Errorf("WordPress was asked %s %s", seen.Method, seen.Target)
		}
	}
}
