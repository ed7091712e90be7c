// Package upstreamtest is a WordPress for tests without PHP: it checks
// every assertion as the must-use plugin does, written from the wire format and
// not from package upstream's code, answers like CoCart, and remembers what it
// was asked.
//
//	wordpress.go     the shop and its answers
//	assertion.go     checks what the gateway signed, and signs as the plugin does
//	statusserver.go  a shop whose set-up a test can break, for what reads its status
//	oldplugin.go     the answers of CoCart JWT Authentication
//	deaf.go          an address that refuses every connection
//	leaks.go         looks for secrets where they must not stand
package upstreamtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Secret is shared by this WordPress and the gateways of a test.
const Secret = "a shared secret of the tests, of 32 bytes and more"

// SiteURL is where this WordPress believes it lives.
const SiteURL = "https://shop.example"

// User is a customer of the shop.
type User struct {
	ID                           int64
	Login, Password, Fingerprint string
	// PATs are the logins that the old JWT plugin still counts.
	PATs []string
}

// Seen is one request as it arrived.
type Seen struct {
	Method, Target, Host string
	Header, Trailer      http.Header
	Body                 string
	Claims               Claims
}

// WordPress is a running fake shop. Set the fields before the first request of
// this process, or under Lock.
type WordPress struct {
	*httptest.Server
	sync.Mutex

	Site, Secret string // SiteURL and Secret, unless a test has several shops
	Users        []User
	// Answer, when set, answers instead of the shop. It returns false to leave a
	// request to the shop after all.
	Answer func(w http.ResponseWriter, r *http.Request, s Seen) bool
	// NoPlugin means that the must-use plugin is not installed.
	NoPlugin bool
	// OldRefresh are the refresh tokens of the old JWT plugin and whose they are;
	// each is spent by its use. Nil: that plugin is not active.
	OldRefresh map[string]int64
	// OldPair, when set, is what that plugin issues for a user at a login and at a
	// refresh; "" for none.
	OldPair func(u User) (access, refresh string)
	Now     func() time.Time
	// Forgets means that requests are not remembered: for tests that send very many.
	Forgets bool
	// Questions means that Seen returns the questions for the status as well, which a gateway asks by itself.
	Questions bool

	seen []Seen
	t    testing.TB
}

// Start runs a shop with one customer until the test ends.
func Start(t testing.TB) *WordPress {
	wp := &WordPress{t: t, Site: SiteURL, Secret: Secret, Now: time.Now, Users: []User{{ID: 2, Login: "alice", Password: "wonderland-1", Fingerprint: "fp-alice-1"}}}
	wp.Server = httptest.NewServer(http.HandlerFunc(wp.serve))
	t.Cleanup(wp.Close)
	return wp
}

// Seen returns what arrived so far, oldest first.
func (wp *WordPress) Seen() []Seen {
	wp.Lock()
	defer wp.Unlock()
	return append([]Seen(nil), wp.seen...)
}

// Last returns the newest request; the test ends if there was none.
func (wp *WordPress) Last() Seen {
	wp.t.Helper()
	all := wp.Seen()
	if len(all) == 0 {
		wp.t.Fatal("WordPress was asked nothing")
	}
	return all[len(all)-1]
}

func (wp *WordPress) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what a broken request leaves is what arrived
	s := Seen{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header.Clone(), Trailer: r.Trailer.Clone(), Body: string(body)}
	assertion, observed := r.Header.Get("X-CoCart-Gateway"), r.Header.Get("X-CoCart-Gateway-Observed")
	if assertion == "" {
		assertion = observed
	}
	var err error
	s.Claims, err = wp.check(assertion, r)
	if s.Claims.Kind == "status" && s.Claims.Find == "" {
		wp.reportStatus(w, s, assertion, err)
		return
	}
	if err != nil {
		wp.t.Errorf("WordPress refuses the assertion of %s %s: %v", r.Method, r.RequestURI, err)
	}
	if err == nil && (s.Claims.Kind == "observed") != (observed != "") {
		wp.t.Errorf("an assertion of kind %s came in the wrong header", s.Claims.Kind)
	}
	if s.Claims.Carried != "" {
		r.Header.Set("Authorization", r.Header.Get("X-CoCart-Gateway-Authorization"))
	}
	wp.Lock()
	if !wp.Forgets {
		wp.seen = append(wp.seen, s)
	}
	answer, users, noPlugin := wp.Answer, wp.Users, wp.NoPlugin
	wp.Unlock()
	if !noPlugin {
		w.Header().Set("X-CoCart-Gateway-Plugin", "test")
		if s.Claims.Kind == "login" || s.Claims.Kind == "credentials" {
			wp.Report(w, assertion)
		}
	}
	if answer != nil && answer(w, r, s) {
		return
	}
	wp.shop(w, r, s, assertion, users, noPlugin)
}

func (wp *WordPress) shop(w http.ResponseWriter, r *http.Request, s Seen, assertion string, users []User, noPlugin bool) {
	path := strings.ToLower(r.URL.Path)
	if route := r.URL.Query().Get("rest_route"); route != "" {
		path = strings.ToLower(route)
	}
	switch {
	case (s.Claims.Kind == "customer" || s.Claims.Kind == "hand_back" || s.Claims.Kind == "browser") && !current(users, s.Claims):
		wp.end(w, s.Claims, assertion, users)
		JSON(w, 401, `{"code":"cocart_authentication_error","message":"Authentication failed.","data":{"status":401}}`)
	case s.Claims.Kind == "status" && s.Claims.Find != "" && !noPlugin:
		w.Header().Set("X-CoCart-Gateway-Status", wp.Sign("cocart-status+jwt", assertion, map[string]any{"found": find(users, s.Claims.Find)}))
		JSON(w, 200, "{}")
	case s.Claims.Kind == "browser":
		logBrowserIn(w, r, s)
	case strings.HasSuffix(path, "/v2/login"):
		wp.login(w, r, s, assertion, users, noPlugin)
	case strings.HasSuffix(path, "/jwt/refresh-token"):
		wp.oldRefresh(w, s, assertion, users, noPlugin)
	case strings.HasSuffix(path, "/logout"):
		JSON(w, 200, "true")
	case s.Claims.Kind == "credentials" && namesAnother(r, users):
		JSON(w, 403, `{"code":"cocart_gateway_not_your_cart","message":"The cart key belongs to a customer. Leave it out: your own cart comes with your login.","data":{"status":403}}`)
	case strings.Contains(path, "/cocart/") || strings.Contains(s.Target, "rest_route="):
		key := "t_0123456789abcdef0123456789abcd"
		if s.Claims.Kind == "customer" {
			key = s.Claims.Subject
		}
		w.Header().Set("CoCart-API-Cart-Key", key)
		JSON(w, 200, `{"cart_key":"`+key+`","items":[]}`)
	default:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>The storefront</h1>")
	}
}

// logBrowserIn does as Browser_Login in the plugin. The login cookie of this WordPress is the user's id.
func logBrowserIn(w http.ResponseWriter, r *http.Request, s Seen) {
	if c, err := r.Cookie("wordpress_logged_in_1"); err == nil && c.Value != s.Claims.Subject {
		JSON(w, 409, `{"code":"cocart_gateway_other_login"}`)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "wordpress_logged_in_1", Value: s.Claims.Subject, Path: "/", HttpOnly: true})
	to := s.Claims.To
	if to == "" {
		to = "/checkout/"
	}
	w.Header().Set("Location", SiteURL+to)
	w.WriteHeader(303)
}

// namesAnother reports whether a request by password names the cart of another customer (Cart_Keys in the plugin).
func namesAnother(r *http.Request, users []User) bool {
	name, _, _ := r.BasicAuth()
	for _, key := range []string{r.FormValue("cart_key"), r.Header.Get("Cart-Key"), r.Header.Get("CoCart-API-Cart-Key")} {
		customer := slices.ContainsFunc(users, func(u User) bool { return strconv.FormatInt(u.ID, 10) == key })
		if customer && key != strconv.FormatInt(idOf(users, name), 10) {
			return true
		}
	}
	return false
}

func current(users []User, c Claims) bool {
	for _, u := range users {
		if strconv.FormatInt(u.ID, 10) == c.Subject {
			return c.PAT == "" && u.Fingerprint == c.Fingerprint || c.PAT != "" && slices.Contains(u.PATs, c.PAT)
		}
	}
	return false
}

func (wp *WordPress) login(w http.ResponseWriter, r *http.Request, s Seen, assertion string, users []User, noPlugin bool) {
	username, password, _ := r.BasicAuth()
	for _, u := range users {
		known := u.Login == username && u.Password == password && s.Claims.Kind == "login"
		if !known && (s.Claims.Kind != "customer" && s.Claims.Kind != "hand_back" || strconv.FormatInt(u.ID, 10) != s.Claims.Subject) {
			continue
		}
		if (s.Claims.Kind == "login" || s.Claims.PAT != "") && !noPlugin {
			wp.vouch(w, u, assertion)
		}
		JSON(w, 200, wp.withOldPair(LoginAnswer(u), u))
		return
	}
	if s.Claims.Kind == "login" && !noPlugin && username != "" {
		wp.Report(w, assertion, Check{User: idOf(users, username), Result: "refused"})
	}
	JSON(w, 401, `{"code":"cocart_authentication_error","message":"The password you entered is incorrect.","data":{"status":401}}`)
}

func idOf(users []User, login string) int64 {
	for _, u := range users {
		if u.Login == login {
			return u.ID
		}
	}
	return 0
}

// Check is a row of the plugin's report on passwords.
type Check struct {
	User   int64
	Result string
	Times  int
}

// Report sets the header that says which passwords were checked; by none it says
// that none was.
func (wp *WordPress) Report(w http.ResponseWriter, assertion string, checks ...Check) {
	rows := []map[string]any{}
	for _, c := range checks {
		rows = append(rows, map[string]any{"sub": strconv.FormatInt(c.User, 10), "result": c.Result, "n": max(c.Times, 1)})
	}
	w.Header().Set("X-CoCart-Gateway-Attempt", wp.Sign("cocart-attempt+jwt", assertion, map[string]any{"sub": "0", "result": "accepted", "checks": rows}))
}

// LoginAnswer is CoCart's answer to a login, byte for byte as PHP writes it.
func LoginAnswer(u User) string {
	return fmt.Sprintf(`{"user_id":"%d","first_name":"Alice","last_name":"Liddell","display_name":"%s","role":"Customer",`+
		`"avatar_urls":{"24":"http:\/\/shop.example\/24.png"},"email":"alice@example.com","extras":[],"dev_note":"Don't forget \/ to store the user's login information."}`, u.ID, u.Login)
}

// JSON writes an answer as WordPress does.
func JSON(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the test sees what is missing
}

// Begin sets the header by which a plugin of the shop begins a session for a user; with keep, the session of the request
// goes on with that user's fingerprint.
func (wp *WordPress) Begin(w http.ResponseWriter, s Seen, u User, keep bool) {
	claims := map[string]any{"sub": strconv.FormatInt(u.ID, 10), "login": u.Login, "fp": u.Fingerprint, "claims": map[string]any{},
		"origin": "plugins/one-time-code/routes.php:31", "route": "/shop/v1/code"}
	if keep {
		claims["sid"] = s.Claims.Session
	}
	w.Header().Set("X-CoCart-Gateway-Session", wp.Sign("cocart-session+jwt", s.Header.Get("X-CoCart-Gateway"), claims))
}

// End sets the header that says that a fingerprint is dead.
func (wp *WordPress) End(w http.ResponseWriter, s Seen, user int64, fingerprint string) {
	w.Header().Add("X-CoCart-Gateway-Ended", wp.Sign("cocart-ended+jwt", s.Header.Get("X-CoCart-Gateway"),
		map[string]any{"sub": strconv.FormatInt(user, 10), "fp": fingerprint, "reason": "changed"}))
}
