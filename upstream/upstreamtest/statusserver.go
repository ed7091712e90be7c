package upstreamtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// StatusServer is a shop whose set-up a test can break. It answers the status
// question, written from the wire format, and the index of CoCart's routes, and
// serves nothing else.
type StatusServer struct {
	*httptest.Server
	sync.Mutex // guards what follows

	// Secret is what wp-config.php holds; "" means that it is missing. Late says that it is below "That's all" there.
	Secret string
	Late   bool
	// Site is the address without scheme that WordPress believes to have.
	Site string
	// Now is the clock of PHP and of the web server.
	Now func() time.Time
	// Facts are reported unchanged.
	Facts map[string]any
	// Users are found by login name and by e-mail address, which is the login name at example.com. OldFind means that the
	// plugin does not know the question.
	Users   []User
	OldFind bool
	// Routes are those of the REST API, as in wc/store/v1/cart; nil means that the plugin does not know site.protect.
	Routes []string
	// Pages are paths that exist beside the REST API.
	Pages []string
	// Before may answer a request, or change it as a proxy in between would; it
	// returns true when it has answered.
	Before func(w http.ResponseWriter, r *http.Request) bool
	// NoPlugin means that the must-use plugin is not installed, OldPlugin that it has no status route.
	NoPlugin, OldPlugin bool
}

// NewStatusServer runs a shop without faults until the test ends.
func NewStatusServer(t testing.TB) *StatusServer {
	d := &StatusServer{Secret: Secret, Site: Audience(SiteURL), Now: time.Now, Facts: map[string]any{
		"plugin": "1.3.0", "php": "8.4.16", "sapi": "fpm-fcgi", "wordpress": "6.9", "woocommerce": "10.3.5", "cocart": "4.8.1",
		"routes": []string{"cocart/v1", "cocart/v2"}, "home": SiteURL, "siteurl": SiteURL, "rest_prefix": "wp-json",
		"permalinks": true, "tls": true, "required": true, "secrets": 1, "old_plugin": false, "jwt_plugins": []string{}, "object_cache": false,
		"multisite": false, "late": false, "copies": []string{}, "authorization": true, "paths": []string{},
	}}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *StatusServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.Lock()
	defer d.Unlock()
	w.Header().Set("Date", d.Now().UTC().Format(http.TimeFormat))
	if d.Before != nil && d.Before(w, r) {
		return
	}
	token := r.Header.Get("X-CoCart-Gateway")
	c, known := d.open(token)
	reason := d.reason(c, r)
	believed := known && reason == "" && !d.NoPlugin && (c.Kind != "status" || !d.OldPlugin)
	if believed {
		w.Header().Set("X-CoCart-Gateway-Plugin", d.Facts["plugin"].(string))
	}
	switch asks := r.URL.Query().Get("rest_route") == "/cocart-gateway/v1/status"; {
	case asks && (d.NoPlugin || d.OldPlugin):
		JSON(w, 404, `{"code":"rest_no_route","message":"No route was found matching the URL and request method.","data":{"status":404}}`)
	case asks && token == "":
		JSON(w, 403, `{"code":"cocart_gateway_required","message":"This request must come through the gateway.","data":{"status":403}}`)
	case !known || reason != "" && !asks:
		w.Header().Set("X-CoCart-Gateway-Refused", "cocart_gateway_bad_assertion")
		JSON(w, 403, `{"code":"cocart_gateway_bad_assertion","message":"This request could not be verified.","data":{"status":403}}`)
	case asks && reason != "":
		w.Header().Set("X-CoCart-Gateway-Plugin", d.Facts["plugin"].(string))
		d.answer(w, token, c, map[string]any{"refused": reason, "saw": map[string]string{"aud": d.Site, "m": r.Method, "h": r.Host, "t": target(r)}})
	case asks && c.Find != "" && !d.OldFind:
		d.answer(w, token, c, map[string]any{"found": find(d.Users, c.Find)})
	case asks:
		d.answer(w, token, c, map[string]any{"status": d.facts(c.Entries)})
	case c.Kind == "site" && r.URL.Path != "/" && !slices.Contains(d.Pages, r.URL.Path):
		http.NotFound(w, r)
	default:
		w.Header().Set("Allow", "GET")
		JSON(w, 200, `{"namespace":"cocart/v2"}`)
	}
}

// open reads an assertion that was signed with this shop's secret.
func (d *StatusServer) open(token string) (c Claims, known bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || d.Secret == "" {
		return c, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, false
	}
	return c, parts[2] == b64(hash(hash([]byte(d.Secret), "cocart-gateway assertion v1"), parts[0]+"."+parts[1]))
}

func (d *StatusServer) reason(c Claims, r *http.Request) string {
	if d.Late {
		return "COCART_GATEWAY_SECRET is defined too late"
	}
	now := d.Now().Unix()
	switch {
	case c.Audience != d.Site:
		return "it is for " + c.Audience + ", but this is " + d.Site + " (COCART_GATEWAY_AUDIENCE can say otherwise)"
	case now >= c.Expiry+10:
		return "it has expired; do the clocks agree?"
	case c.IssuedAt > now+10:
		return "it is from the future; do the clocks agree?"
	case c.Method != r.Method:
		return "it is for another method"
	case c.Host != r.Host:
		return "it is for another host"
	case c.Target != target(r):
		return "it is for another URL"
	}
	return ""
}

// facts adds the answer about entries, as missing_entries in the plugin.
func (d *StatusServer) facts(entries string) map[string]any {
	if d.Routes == nil {
		return d.Facts
	}
	facts, missing := maps.Clone(d.Facts), []string{}
	for _, entry := range strings.Fields(entries) {
		if !slices.ContainsFunc(d.Routes, func(route string) bool {
			return strings.HasPrefix(strings.ToLower(route)+"/", strings.ToLower(entry)+"/")
		}) {
			missing = append(missing, entry)
		}
	}
	facts["missing"] = missing
	return facts
}

// find answers as find_users in the plugin.
func find(users []User, name string) []map[string]string {
	found := []map[string]string{}
	for _, u := range users {
		if strings.EqualFold(u.Login, name) || strings.EqualFold(u.Login+"@example.com", name) {
			found = append(found, map[string]string{"sub": strconv.FormatInt(u.ID, 10), "login": u.Login})
		}
	}
	return found
}

func target(r *http.Request) string {
	sum := sha256.Sum256([]byte(r.RequestURI))
	return b64(sum[:])
}

func (d *StatusServer) answer(w http.ResponseWriter, assertion string, asked Claims, claims map[string]any) {
	sum, now := sha256.Sum256([]byte(assertion)), d.Now().Unix()
	all := map[string]any{"iss": "cocart-wordpress", "aud": asked.Audience, "iat": now, "exp": now + 60, "req": b64(sum[:])}
	for name, v := range claims {
		all[name] = v
	}
	key := []byte(d.Secret)
	header, _ := json.Marshal(map[string]string{ // strings always encode
		"alg": "HS256", "kid": hex.EncodeToString(hash(key, "cocart-gateway kid v1")[:4]), "typ": "cocart-status+jwt"})
	payload, _ := json.Marshal(all) // as do the facts of a test
	signed := b64(header) + "." + b64(payload)
	w.Header().Set("X-CoCart-Gateway-Status", signed+"."+b64(hash(hash(key, "cocart-gateway reply v1"), signed)))
	w.Header().Set("Cache-Control", "no-store")
	JSON(w, 200, "{}")
}

// reportStatus answers the gateway's question for the clock, with its time in the signed reply.
func (wp *WordPress) reportStatus(w http.ResponseWriter, s Seen, assertion string, refused error) {
	wp.Lock()
	defer wp.Unlock()
	if wp.Questions {
		wp.seen = append(wp.seen, s)
	}
	claims := map[string]any{"status": map[string]any{"plugin": "test"}}
	switch {
	case wp.NoPlugin:
		JSON(w, 404, `{"code":"rest_no_route","message":"No route was found matching the URL and request method.","data":{"status":404}}`)
		return
	case errors.Is(refused, errTimes):
		claims = map[string]any{"refused": refused.Error(), "saw": map[string]string{}}
	case refused != nil:
		wp.t.Errorf("WordPress refuses the assertion of a status: %v", refused)
	}
	w.Header().Set("X-CoCart-Gateway-Status", wp.Sign("cocart-status+jwt", assertion, claims))
	JSON(w, 200, "{}")
}

// errTimes refuses an assertion for its time.
var errTimes = errors.New("do the clocks agree?")
