package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"strings"
	"testing"
	"time"
)

// forgery is an access token taken apart, to be put together otherwise.
type forgery struct {
	header, payload   map[string]any
	rawHead, rawClaim string // instead of those, as they are
	hash              func() hash.Hash
	secret            string
}

func (f *forgery) user() map[string]any {
	return f.payload["data"].(map[string]any)["user"].(map[string]any)
}

var now = func(by time.Duration) int64 { return time.Now().Add(by).Unix() }

// forgeries are the ways in which a token can be wrong, or be spelled.
var forgeries = map[string]func(f *forgery){
	"expired":          func(f *forgery) { f.payload["exp"] = now(-time.Hour) },
	"just expired":     func(f *forgery) { f.payload["exp"] = now(-time.Minute) },
	"no exp":           func(f *forgery) { delete(f.payload, "exp") },
	"nbf ahead":        func(f *forgery) { f.payload["nbf"] = now(time.Hour) },
	"iat ahead":        func(f *forgery) { f.payload["iat"] = now(time.Hour) },
	"other iss":        func(f *forgery) { f.payload["iss"] = "https://other.example" },
	"alg none":         func(f *forgery) { f.header["alg"] = "none" },
	"HS512":            func(f *forgery) { f.header["alg"], f.hash = "HS512", sha512.New },
	"says HS512":       func(f *forgery) { f.header["alg"] = "HS512" },
	"no typ":           func(f *forgery) { delete(f.header, "typ") },
	"typ jwt":          func(f *forgery) { f.header["typ"] = "jwt" },
	"header reordered": func(f *forgery) { f.rawHead = `{"typ":"JWT","kid":"k1","alg":"HS256"}` },
	"header list":      func(f *forgery) { f.rawHead = `["JWT"]` },
	"no id":            func(f *forgery) { delete(f.user(), "id") },
	"no data":          func(f *forgery) { delete(f.payload, "data") },
	"id null":          func(f *forgery) { f.user()["id"] = nil },
	"id text":          func(f *forgery) { f.user()["id"] = "2" },
	"id zero":          func(f *forgery) { f.user()["id"] = 0 },
	"id list":          func(f *forgery) { f.user()["id"] = []int{2} },
	"id bob":           func(f *forgery) { f.user()["id"] = 3 },
	"id fraction":      func(f *forgery) { f.user()["id"] = 2.9 },
	"wrong signature":  func(f *forgery) { f.secret = "another secret, as long as the right one is, or longer" },
	"no ip":            func(f *forgery) { delete(f.user(), "ip") },
	"no device":        func(f *forgery) { delete(f.user(), "device") },
	"no pat":           func(f *forgery) { delete(f.user(), "pat") },
	"pat unknown":      func(f *forgery) { f.user()["pat"] = "pat_000000000000000000000000" },
	"pat null":         func(f *forgery) { f.user()["pat"] = nil },
	"payload list":     func(f *forgery) { f.rawClaim = `["a"]` },
	"payload number":   func(f *forgery) { f.rawClaim = `5` },
	"payload empty":    func(f *forgery) { f.rawClaim = `{}` },
}

// forge makes another token of a good one, signed with the gateway's own secret
// unless it says otherwise.
func forge(t *testing.T, how, access string) string {
	t.Helper()
	parts := strings.Split(access, ".")
	switch how {
	case "6k":
		long := strings.Repeat("a", 2<<10)
		return long + "." + long + "." + long
	case "unsigned":
		return parts[0] + "." + parts[1] + "."
	case "tampered":
		f := takeApart(t, parts)
		f.user()["username"] = "bob"
		return parts[0] + "." + encode(t, f.payload, "") + "." + parts[2]
	}
	change, known := forgeries[how]
	if !known {
		t.Fatalf("nobody knows what {%s} is", how)
	}
	f := takeApart(t, parts)
	change(f)
	signed := encode(t, f.header, f.rawHead) + "." + encode(t, f.payload, f.rawClaim)
	mac := hmac.New(f.hash, []byte(f.secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func takeApart(t *testing.T, parts []string) *forgery {
	t.Helper()
	f := &forgery{hash: sha256.New, secret: signingSecret}
	for i, into := range []*map[string]any{&f.header, &f.payload} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(strings.NewReader(string(raw)))
		dec.UseNumber()
		if err := dec.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func encode(t *testing.T, v any, raw string) string {
	t.Helper()
	if raw == "" {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		raw = string(text)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}
