package tokens_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/tokens/tokenstest"
)

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forge signs whatever it is told with the test key k1, as somebody who has the secret could.
func forge(header, payload string) string {
	signed := b64(header) + "." + b64(payload)
	mac := hmac.New(sha256.New, []byte(tokenstest.Secret+"k1"))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const (
	goodHeader  = `{"alg":"HS256","typ":"JWT","kid":"k1"}`
	goodPayload = `{"iss":"https://shop.example","iat":1800000000,"nbf":1800000000,"exp":1800000600,"sub":"2","aud":"shop",` +
		`"sid":"AaMaq9gAAQIDBAUGBwgJCg","gen":1,"fp":"f","data":{"user":{"id":2,"username":"alice","ip":"","device":"","pat":""}}}`
)

func with(text, old, new string) string {
	if !strings.Contains(text, old) {
		panic("nothing to replace: " + old)
	}
	return strings.Replace(text, old, new, 1)
}

func attacked(t *testing.T) (*world, *tokens.Authority) {
	w := embedded(t)
	return w, w.authority(func(c *tokens.Config) {
		c.Audience = "shop"
		c.Plugin = migration.NewAccessTokens([]byte(tokenstest.Secret+"k1"), tokenstest.Issuer, "")
	})
}

func TestTheForgedTokenWithoutAFlawIsGood(t *testing.T) {
	w, a := attacked(t)
	w.accessIs(a, forge(goodHeader, goodPayload), nil)
	w.accessIs(a, forge(`{"kid":"k1", "typ":"JWT", "alg":"HS256"}`, " "+goodPayload), nil)
}

func TestATokenWithAFlawInItsForm(t *testing.T) {
	good := forge(goodHeader, goodPayload)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty": "", "dots only": "..", "one dot": parts[0] + "." + parts[1], "three dots": good + ".", "five parts (JWE)": good + ".a.b",
		"longer than 8 KiB": good + strings.Repeat("A", 8<<10), "a million dots": strings.Repeat(".", 1<<20), "no header": "." + parts[1] + "." + parts[2],
		"no payload (detached)": parts[0] + ".." + parts[2], "no signature": parts[0] + "." + parts[1] + ".", "padding": good + "=", "blank before": " " + good, "newline after": good + "\n",
		"newline inside": good[:50] + "\n" + good[50:], "carriage return inside": good[:50] + "\r" + good[50:], "standard base64": strings.Replace(good, parts[2], strings.Repeat("+", 43), 1),
		"stray bits in the signature": good[:len(good)-1] + nextLetter(good[len(good)-1]), "NUL": good[:5] + "\x00" + good[6:], "not ASCII": good + "é",
		"header not JSON": b64("x") + "." + parts[1] + "." + parts[2], "header an array": forge(`["HS256"]`, goodPayload), "header null": forge(`null`, goodPayload),
	} {
		t.Run(name, func(t *testing.T) {
			w, a := attacked(t)
			w.accessIs(a, token, tokens.Malformed)
		})
	}
}

// nextLetter differs from the last letter of 43 only in bits that carry nothing.
func nextLetter(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1:][:1]
}

func TestATokenWhoseHeaderAsksForSomething(t *testing.T) {
	for header, want := range map[string]tokens.Rejection{
		`{"alg":"none","typ":"JWT","kid":"k1"}`:                                 tokens.WrongAlgorithm,
		`{"alg":"None","typ":"JWT","kid":"k1"}`:                                 tokens.WrongAlgorithm,
		`{"alg":"nOnE","typ":"JWT"}`:                                            tokens.WrongAlgorithm,
		`{"alg":"hs256","typ":"JWT","kid":"k1"}`:                                tokens.WrongAlgorithm,
		`{"alg":"HS512","typ":"JWT","kid":"k1"}`:                                tokens.WrongAlgorithm,
		`{"alg":"RS256","typ":"JWT","kid":"k1"}`:                                tokens.WrongAlgorithm,
		`{"alg":"","typ":"JWT","kid":"k1"}`:                                     tokens.WrongAlgorithm,
		`{"typ":"JWT","kid":"k1"}`:                                              tokens.WrongAlgorithm,
		`{"ALG":"HS256","typ":"JWT","kid":"k1"}`:                                tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k2"}`:                                tokens.UnknownKey,
		`{"alg":"HS256","typ":"JWT","kid":"../../../dev/null"}`:                 tokens.UnknownKey,
		`{"alg":"HS256","typ":"JWT","kid":"k1' OR '1'='1"}`:                     tokens.UnknownKey,
		`{"alg":"HS256","typ":"JWT","kid":""}`:                                  tokens.UnknownKey,
		`{"alg":"HS256","typ":"JWT","kid":["k1"]}`:                              tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","kid":"k1"}`:                     tokens.Malformed,
		`{"alg":"HS256","alg":"none","typ":"JWT","kid":"k1"}`:                   tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","crit":["exp"]}`:                 tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","crit":[]}`:                      tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","b64":false}`:                    tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","zip":"DEF"}`:                    tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","enc":"A128GCM"}`:                tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","jku":"https://evil.example"}`:   tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","jwk":{"kty":"oct","k":"AAAA"}}`: tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","x5u":"https://evil.example"}`:   tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1","x5c":["AAAA"]}`:                 tokens.Malformed,
		`{"alg":"HS256","typ":"at+jwt","kid":"k1"}`:                             tokens.Malformed,
		`{"alg":"HS256","kid":"k1"}`:                                            tokens.Malformed,
		`{"alg":"HS256","typ":"JWT","kid":"k1"} {}`:                             tokens.Malformed,
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\xff\"}":                tokens.Malformed,
		`{"alg":"HS256","typ":"JWT"}`:                                           tokens.Malformed, // a kidless token with our claims
		`{"alg":"HS256","typ":"JWT","kid":"` + strings.Repeat("k", 5000) + `"}`: tokens.UnknownKey,
		`{"alg":"HS256","typ":"JWT","kid":null,"\u006bid":"k1"}`:                tokens.Malformed,
	} {
		t.Run(header[:min(60, len(header))], func(t *testing.T) {
			w, a := attacked(t)
			w.accessIs(a, forge(header, goodPayload), want)
		})
	}
}

// Each of these is signed with the right key: what it says must still be refused.
func TestATokenThatSaysWhatItMustNot(t *testing.T) {
	id := `"id":2`
	for name, row := range map[string]struct {
		old, new string
		want     tokens.Rejection
	}{
		"id a string":                 {id, `"id":"2"`, tokens.Malformed},
		"id an SQL string":            {id, `"id":"2 OR 1"`, tokens.Malformed},
		"id a float":                  {id, `"id":2.0`, tokens.Malformed},
		"id a half":                   {id, `"id":2.9`, tokens.Malformed},
		"id with an exponent":         {id, `"id":2e0`, tokens.Malformed},
		"id an array":                 {id, `"id":[2]`, tokens.Malformed},
		"id true":                     {id, `"id":true`, tokens.Malformed},
		"id null":                     {id, `"id":null`, tokens.Malformed},
		"id zero":                     {id, `"id":0`, tokens.Malformed},
		"id negative":                 {id, `"id":-2`, tokens.Malformed},
		"id beyond exact JSON":        {id, `"id":9007199254740992`, tokens.Malformed},
		"id beyond 64 bits":           {id, `"id":18446744073709551618`, tokens.Malformed},
		"id missing":                  {id + ",", ``, tokens.Malformed},
		"id in other case":            {id, `"ID":2`, tokens.Malformed},
		"id twice":                    {id, `"id":1,"id":2`, tokens.Malformed},
		"id twice, once escaped":      {id, `"\u0069d":1,"id":2`, tokens.Malformed},
		"user twice":                  {`"user":{`, `"user":{"id":1},"user":{`, tokens.Malformed},
		"data twice":                  {`"data":{`, `"data":{},"data":{`, tokens.Malformed},
		"a stranger twice, deep":      {id, `"x":[{"y":1,"y":2}],"id":2`, tokens.Malformed},
		"username a number":           {`"username":"alice"`, `"username":1`, tokens.Malformed},
		"data an array":               {`"data":{`, `"data":[],"x":{`, tokens.Malformed},
		"exp missing":                 {`"exp":1800000600,`, ``, tokens.Malformed},
		"exp null":                    {`"exp":1800000600`, `"exp":null`, tokens.Malformed},
		"exp a string":                {`"exp":1800000600`, `"exp":"1800000600"`, tokens.Malformed},
		"exp zero":                    {`"exp":1800000600`, `"exp":0`, tokens.Malformed},
		"exp past":                    {`"exp":1800000600`, `"exp":1799999970`, tokens.Expired},
		"iat missing":                 {`"iat":1800000000,`, ``, tokens.Malformed},
		"iat in the future":           {`"iat":1800000000`, `"iat":1800000031`, tokens.NotYetValid},
		"nbf in the future":           {`"nbf":1800000000`, `"nbf":1800000031`, tokens.NotYetValid},
		"nbf negative":                {`"nbf":1800000000`, `"nbf":-1`, tokens.Malformed},
		"nbf a string":                {`"nbf":1800000000`, `"nbf":"x"`, tokens.Malformed},
		"sid missing":                 {`"sid":"AaMaq9gAAQIDBAUGBwgJCg",`, ``, tokens.Malformed},
		"sid empty":                   {`"sid":"AaMaq9gAAQIDBAUGBwgJCg"`, `"sid":""`, tokens.Malformed},
		"sid with stray bits":         {`"sid":"AaMaq9gAAQIDBAUGBwgJCg"`, `"sid":"AaMaq9gAAQIDBAUGBwgJCh"`, tokens.Malformed},
		"sid with a line break":       {`"sid":"AaMaq9gAAQIDBAUGBwgJCg"`, `"sid":"AaMaq9gAAQIDBAUGBwgJ\n"`, tokens.Malformed},
		"gen missing":                 {`"gen":1,`, ``, tokens.Malformed},
		"gen zero":                    {`"gen":1`, `"gen":0`, tokens.Malformed},
		"gen negative":                {`"gen":1`, `"gen":-1`, tokens.Malformed},
		"fp missing":                  {`"fp":"f",`, ``, tokens.Malformed},
		"sub of somebody else":        {`"sub":"2"`, `"sub":"3"`, tokens.Malformed},
		"sub with a zero before":      {`"sub":"2"`, `"sub":"02"`, tokens.Malformed},
		"sub a number":                {`"sub":"2"`, `"sub":2`, tokens.Malformed},
		"sub missing":                 {`"sub":"2",`, ``, tokens.Malformed},
		"iss of somebody else":        {`"iss":"https://shop.example"`, `"iss":"https://evil.example"`, tokens.WrongIssuer},
		"iss with a slash after":      {`"iss":"https://shop.example"`, `"iss":"https://shop.example/"`, tokens.WrongIssuer},
		"iss in upper case":           {`"iss":"https://shop.example"`, `"iss":"https://SHOP.example"`, tokens.WrongIssuer},
		"iss missing":                 {`"iss":"https://shop.example",`, ``, tokens.WrongIssuer},
		"aud of somebody else":        {`"aud":"shop"`, `"aud":"other"`, tokens.WrongAudience},
		"aud missing":                 {`"aud":"shop",`, ``, tokens.WrongAudience},
		"aud an array":                {`"aud":"shop"`, `"aud":["shop"]`, tokens.WrongAudience},
		"invalid UTF-8":               {`"fp":"f"`, "\"fp\":\"\xff\"", tokens.Malformed},
		"half a surrogate":            {`"fp":"f"`, `"fp":"\ud800"`, tokens.Malformed},
		"something after the payload": {`""}}}`, `""}}}{}`, tokens.Malformed},
		"a comment":                   {`"fp":"f"`, `/**/"fp":"f"`, tokens.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			w, a := attacked(t)
			w.accessIs(a, forge(goodHeader, with(goodPayload, row.old, row.new)), row.want)
		})
	}
}

func TestUserIDsNobodyHas(t *testing.T) {
	w, a := attacked(t)
	for id, want := range map[string]error{"0": tokens.Malformed, "-2": tokens.Malformed, "9007199254740992": tokens.Malformed, "9007199254740991": nil} {
		payload := with(with(goodPayload, `"id":2`, `"id":`+id), `"sub":"2"`, `"sub":"`+id+`"`)
		if _, err := a.Verify(forge(goodHeader, payload)); !errors.Is(err, want) {
			t.Errorf("user id %s: %v, want %v", id, err, want)
		}
	}
	w.accessIs(a, forge(goodHeader, goodPayload), nil)
}

func TestPayloadsThatAreNoObject(t *testing.T) {
	w, a := attacked(t)
	for _, payload := range []string{`null`, `[]`, `"x"`, `1`, ``, `{`, `{}`, strings.Repeat("[", 5000)} {
		if _, err := a.Verify(forge(goodHeader, payload)); err != tokens.Malformed {
			t.Errorf("payload %.20q: %v", payload, err)
		}
	}
	w.accessIs(a, w.login(a, alice).Access, nil)
}

func TestLeewayForClockSkew(t *testing.T) {
	w, a := attacked(t)
	token := forge(goodHeader, goodPayload)
	for _, row := range []struct {
		at   int64
		want error
	}{{1799999969, tokens.NotYetValid}, {1799999970, nil}, {1800000629, nil}, {1800000630, tokens.Expired}} {
		w.clock.Set(time.Unix(row.at, 0))
		w.accessIs(a, token, row.want)
	}
}

// The public key is public: signing with it as an HMAC secret must gain nothing (RFC 8725 2.1).
func TestAlgorithmConfusion(t *testing.T) {
	w := embedded(t)
	pem, err := keys.Generate("ES256")
	w.must(err)
	key, err := keys.Parse("es", "ES256", pem)
	w.must(err)
	a := w.authority(func(c *tokens.Config) { c.Keys = append(c.Keys, key) })
	for _, alg := range []string{"HS256", "none", "RS256", "EdDSA"} {
		head := fmt.Sprintf(`{"alg":%q,"typ":"JWT","kid":"es"}`, alg)
		w.accessIs(a, forge(head, goodPayload), tokens.WrongAlgorithm)
	}
	w.accessIs(a, forge(`{"alg":"ES256","typ":"JWT","kid":"es"}`, goodPayload), tokens.BadSignature)
	w.accessIs(a, forge(`{"alg":"ES256","typ":"JWT","kid":"k1"}`, goodPayload), tokens.WrongAlgorithm)
}

func TestTokensOfAnotherKindAreNoAccessTokens(t *testing.T) {
	w, a := attacked(t)
	pair := w.login(a, alice)
	w.accessIs(a, pair.Refresh, tokens.Malformed)
	// A signed assertion to WordPress is made with another secret; even with ours it has not these claims.
	assertion, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "https://shop.example", "sub": "2", "exp": 1800000600, "iat": 1800000000}).
		SignedString([]byte(tokenstest.Secret + "k1"))
	w.must(err)
	w.accessIs(a, assertion, tokens.Malformed)
}

func TestTheTokenOfAnotherShopIsRefused(t *testing.T) {
	w := embedded(t)
	here := w.authority()
	there := w.authority(func(c *tokens.Config) { c.Issuer = "https://other.example" })
	w.accessIs(here, w.login(there, alice).Access, tokens.WrongIssuer)
	stranger := w.authority(func(c *tokens.Config) { c.Keys = []keys.Key{tokenstest.Key(t, "k9")} })
	w.accessIs(here, w.login(stranger, alice).Access, tokens.UnknownKey)
	w.refreshIs(here, w.login(stranger, alice).Refresh, tokens.UnknownKey)
}

// What the cache remembers is a signature, not a verdict.
func TestARememberedTokenIsStillJudged(t *testing.T) {
	w := embedded(t)
	retires := w.clock.Now().Add(time.Hour)
	a := w.authority(cached, func(c *tokens.Config) {
		c.Keys = []keys.Key{tokenstest.Key(t, "k1").RetireAt(retires), tokenstest.Key(t, "k2")}
	})
	pair := w.login(a, alice)
	w.accessIs(a, pair.Access, nil)
	w.accessIs(a, pair.Access+"A", tokens.BadSignature)
	flipped := []byte(pair.Access)
	flipped[len(flipped)/2] ^= 1
	if _, err := a.Verify(string(flipped)); err == nil {
		t.Error("a changed token verified")
	}
	w.clock.Set(retires.Add(-time.Second))
	w.accessIs(a, pair.Access, nil)
	w.clock.Set(retires)
	w.accessIs(a, pair.Access, tokens.UnknownKey)
	second := w.refresh(a, pair.Refresh) // and nobody is logged out by it
	w.accessIs(a, second.Access, nil)
	w.clock.Advance(240*time.Hour + 30*time.Second)
	w.accessIs(a, second.Access, tokens.Expired)
}
