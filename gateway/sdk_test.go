package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// kit is how one of CoCart's SDKs behaves where that matters to who is logged in.
// SDKS.md says what each of them does.
type kit struct {
	name          string
	alias         bool     // logs in and out below /jwt, and refreshes before a token expires instead of after a refusal
	keepsOld      bool     // never stores the refresh token that a refresh brings
	logoutBody    string   //
	objectsOnly   bool     // fails on an answer that is no JSON object
	cartHeaders   []string // what a guest's cart key is sent as
	cartAnswers   []string // and read from, the first that is there
	etagOnPost    bool     // sends an ETag on other methods than GET, too
	etagByPath    bool     // and keeps it without the query
	keepsBody     bool     // shows what it had on a 304; the others show nothing
	takesOnly200s bool     // takes no other success than 200 and 201
	batches       bool     // puts several requests into one, which it never sends twice
	// asksTwice takes a challenge for a second factor for an expired token: it
	// refreshes, if it can, and sends the login once more.
	asksTwice bool
	fixedJWT  bool // looks for the routes below /jwt in the namespace cocart, whatever the shop's is
}

var kits = []kit{
	{name: "Go", cartHeaders: []string{"CoCart-API-Cart-Key"}, cartAnswers: []string{"Cart-Key", "CoCart-API-Cart-Key"}, keepsBody: true, batches: true, asksTwice: true},
	{name: "TypeScript", batches: true, asksTwice: true, cartHeaders: []string{"Cart-Key"}, cartAnswers: []string{"Cart-Key"}},
	{name: "PHP", batches: true, logoutBody: "[]", cartHeaders: []string{"Cart-Key"}, cartAnswers: []string{"Cart-Key", "CoCart-API-Cart-Key"}, keepsBody: true},
	{name: "Flutter", alias: true, fixedJWT: true, keepsOld: true, objectsOnly: true, cartHeaders: []string{"Cart-Key", "CoCart-API-Cart-Key"}, cartAnswers: []string{"Cart-Key", "CoCart-API-Cart-Key"}},
	{name: "Swift", alias: true, fixedJWT: true, keepsOld: true, etagOnPost: true, etagByPath: true, takesOnly200s: true, cartHeaders: []string{"Cart-Key", "CoCart-API-Cart-Key"}, cartAnswers: []string{"Cart-Key"}},
}

// app is an SDK in the hands of a customer. Its requests may run at once.
type app struct {
	kit
	s     *shop
	names naming

	mu             sync.Mutex // held for the fields below
	token, refresh string
	cartKey        string
	etags, bodies  map[string]string
}

// naming is what an app knows of its shop.
type naming struct{ prefix, namespace, header string }

// path puts the shop's names into a path.
func (a *app) path(path string) string {
	namespace := a.names.namespace
	if a.fixedJWT && strings.HasPrefix(path, "/wp-json/cocart/jwt/") {
		namespace = "cocart"
	}
	return strings.Replace(path, "/wp-json/cocart/", "/"+a.names.prefix+"/"+namespace+"/", 1)
}

func newApp(s *shop, k kit) *app {
	return &app{kit: k, s: s, names: naming{"wp-json", "cocart", "Authorization"}, etags: map[string]string{}, bodies: map[string]string{}}
}

func (a *app) login() error { return a.loginWith(aliceJSON) }

func (a *app) loginWith(body string) error {
	path := "/wp-json/cocart/v2/login"
	if a.alias {
		path = "/wp-json/cocart/jwt/token"
	}
	r, err := a.once("POST", path, body)
	if err == nil && r.Status == 401 && a.asksTwice && a.hasRefresh() {
		if err := a.renew(); err != nil {
			return err
		}
		r, err = a.once("POST", path, body)
	}
	if err != nil {
		return err
	}
	if r.Status >= 400 {
		return fmt.Errorf("login: %d %s", r.Status, r.Body)
	}
	var answer struct {
		Token   string `json:"token"`
		Refresh string `json:"refresh_token"`
		Extras  struct {
			Token   string `json:"jwt_token"`
			Refresh string `json:"jwt_refresh"`
		}
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil {
		return fmt.Errorf("%w in %d %s", err, r.Status, r.Body)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token, a.refresh = answer.Extras.Token, answer.Extras.Refresh; a.alias {
		a.token, a.refresh = answer.Token, answer.Refresh
	}
	if a.token == "" || a.refresh == "" {
		return fmt.Errorf("no tokens: %d %s", r.Status, r.Body)
	}
	return nil
}

func (a *app) logout() error {
	path := "/wp-json/cocart/v2/logout"
	if a.alias {
		path = "/wp-json/cocart/jwt/logout"
	}
	if _, err := a.once("POST", path, a.logoutBody); err != nil && a.objectsOnly {
		return err // and keeps its tokens
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token, a.refresh = "", ""
	return nil
}

// renew refreshes. The token that is about to be replaced goes along.
func (a *app) renew() error {
	a.mu.Lock()
	spent := a.refresh
	a.mu.Unlock()
	r, err := a.once("POST", refreshRoute, `{"refresh_token":"`+spent+`"}`)
	if err != nil {
		return err
	}
	var answer struct {
		Token   string `json:"token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 || answer.Token == "" {
		return fmt.Errorf("refresh: %d %s", r.Status, r.Body)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token = answer.Token; !a.keepsOld {
		a.refresh = answer.Refresh
	}
	return nil
}

func (a *app) validate() bool {
	r, err := a.once("POST", "/wp-json/cocart/jwt/validate-token", "")
	if err != nil || !a.alias {
		return err == nil && r.Status < 300
	}
	var answer struct{ Data struct{ Status int } }
	return json.Unmarshal([]byte(r.Body), &answer) == nil && answer.Data.Status == 200
}

// ask sends a request as an app does: refreshing before or after it, and then
// once more, never in step with the app's other requests.
func (a *app) ask(method, path, body string) (reply, error) {
	if a.alias {
		if a.expired() {
			if err := a.renew(); err != nil {
				return reply{}, err
			}
		}
		return a.once(method, path, body)
	}
	r, err := a.once(method, path, body)
	if err == nil && (r.Status == 401 || r.Status == 403) && a.hasRefresh() {
		if err := a.renew(); err != nil {
			return r, err
		}
		return a.once(method, path, body)
	}
	return r, err
}

func (a *app) hasRefresh() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refresh != ""
}

// expired reads the token by itself, half a minute early: three parts, base64url
// without padding, a whole number.
func (a *app) expired() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == "" {
		return false
	}
	parts := strings.Split(a.token, ".")
	if len(parts) != 3 {
		return true
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	var payload struct{ Exp json.Number }
	if err != nil || json.Unmarshal(raw, &payload) != nil {
		return true
	}
	exp, err := strconv.ParseInt(payload.Exp.String(), 10, 64)
	return err != nil || a.s.clock.Now().Add(30*time.Second).Unix() > exp
}

// once sends one request and nothing else.
func (a *app) once(method, path, body string) (reply, error) {
	path = a.withCartKey(path)
	req, err := http.NewRequestWithContext(a.s.t.Context(), method, a.s.URL+a.path(path), strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	key, _, _ := strings.Cut(path, "?")
	if !a.etagByPath {
		key = path
	}
	a.dress(req, key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	return a.read(reply{resp.StatusCode, resp.Header, string(text)}, key)
}

// withCartKey names a guest's cart in the query, beside the headers that name it.
func (a *app) withCartKey(path string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.token != "" || a.cartKey == "" || !strings.Contains(path, "/v2/"):
		return path
	case strings.Contains(path, "?"):
		return path + "&cart_key=" + a.cartKey
	}
	return path + "?cart_key=" + a.cartKey
}

func (a *app) dress(req *http.Request, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	req.Host = "shop.example"
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json") // on GET, and without a body, too
	switch {
	case a.token != "":
		req.Header.Set(a.names.header, "Bearer "+a.token)
	case a.cartKey != "":
		for _, name := range a.cartHeaders {
			req.Header.Set(name, a.cartKey)
		}
	}
	if etag := a.etags[key]; etag != "" && (req.Method == "GET" || a.etagOnPost) {
		req.Header.Set("If-None-Match", etag)
	}
}

func (a *app) read(r reply, key string) (reply, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if etag := r.Header.Get("ETag"); etag != "" {
		a.etags[key] = etag
	}
	if r.Status == 304 && a.keepsBody {
		r.Body = a.bodies[key]
	} else if r.Status == 200 {
		a.bodies[key] = r.Body
	}
	if i := slices.IndexFunc(a.cartAnswers, func(name string) bool { return r.Header.Get(name) != "" }); i >= 0 && a.token == "" {
		a.cartKey = r.Header.Get(a.cartAnswers[i])
	}
	if a.objectsOnly && r.Body != "" && !strings.HasPrefix(r.Body, "{") {
		return r, fmt.Errorf("an answer that is no object: %s", r.Body)
	}
	if a.takesOnly200s && r.Status > 201 && r.Status < 300 {
		return r, fmt.Errorf("a success of another kind: %d", r.Status)
	}
	return r, nil
}
