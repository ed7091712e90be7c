package shop_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fact is one answer that a real shop gave to a request that came without a gateway.
type fact struct {
	Name            string
	Method          string
	Target          string
	Headers         [][2]string
	Body            string
	Status          int
	Code            string
	Message         string
	Keys            []string // of the JSON object, in order
	User            string   // user_id of a login
	Cart            string   // cart_key and its header: "guest" or a user id
	Type            string
	BodyIs          string            `json:"body_is"`
	CookiesDeleted  int               `json:"cookies_deleted"`
	ResponseHeaders map[string]string `json:"response_headers"`
}

func TestTheShopAnswersLikeARealOne(t *testing.T) {
	freshShop(t)
	text, err := os.ReadFile("testdata/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var facts []fact
	if err := json.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		t.Run(f.Name, func(t *testing.T) { f.check(t) })
	}
}

func (f fact) check(t *testing.T) {
	a := request{f.Method, f.Target, f.Headers, f.Body}.send(t)
	if a.Status != f.Status {
		t.Fatalf("status %d, want %d: %.300s", a.Status, f.Status, a.Body)
	}
	f.checkHeaders(t, a)
	f.checkError(t, a)
	f.checkObject(t, a)
	if want := strings.ReplaceAll(f.BodyIs, "{home}", strings.ReplaceAll(theShop.URL, "/", `\/`)); want != "" && a.Body != want {
		t.Errorf("body %s\nwant %s", a.Body, want)
	}
}

func (f fact) checkHeaders(t *testing.T, a answer) {
	kind := f.Type
	if kind == "" && f.Status != 400 {
		kind = "application/json; charset=UTF-8"
	}
	if got := a.Header.Get("Content-Type"); kind != "" && got != kind {
		t.Errorf("content type %q, want %q", got, kind)
	}
	for name, want := range f.ResponseHeaders {
		want = strings.ReplaceAll(want, "{home}", theShop.URL)
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := len(a.Header.Values("Set-Cookie")); got != f.CookiesDeleted {
		t.Errorf("%d cookies are set, want %d deletions", got, f.CookiesDeleted)
	}
}

func (f fact) checkError(t *testing.T, a answer) {
	if f.Code == "" {
		return
	}
	var got struct {
		Code, Message string
		Data          struct{ Status int }
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	if got.Code != f.Code || f.Message != "" && got.Message != f.Message || got.Data.Status != f.Status {
		t.Errorf("error %+v, want %s %q", got, f.Code, f.Message)
	}
}

var guestKey = regexp.MustCompile(`^t_[0-9a-f]{30}$`)

func (f fact) checkObject(t *testing.T, a answer) {
	if got := keys(a.Body); f.Keys != nil && !slices.Equal(got, f.Keys) {
		t.Errorf("keys %v\nwant %v", got, f.Keys)
	}
	var body struct {
		CartKey string `json:"cart_key"`
		UserID  string `json:"user_id"`
	}
	_ = json.Unmarshal([]byte(a.Body), &body)
	if body.UserID != f.User {
		t.Errorf("user_id %q, want %q", body.UserID, f.User)
	}
	if f.Cart == "" && body.CartKey == "" {
		return
	}
	if f.Cart == "guest" && guestKey.MatchString(body.CartKey) && a.Header.Get("CoCart-API-Cart-Key") == body.CartKey {
		return
	}
	if body.CartKey != f.Cart || a.Header.Get("CoCart-API-Cart-Key") != f.Cart {
		t.Errorf("cart key %q, header %q, want %q", body.CartKey, a.Header.Get("CoCart-API-Cart-Key"), f.Cart)
	}
}

// keys lists the names of a JSON object in the order they were written.
func keys(text string) []string {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var names []string
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil
		}
		names = append(names, name.(string))
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return nil
		}
	}
	return names
}
