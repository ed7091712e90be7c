package upstreamtest_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// What is not found here would be found in no log.
func TestLeaksFindsSecretsHoweverTheyAreWritten(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIyIn0.c2lnbmF0dXJl"
	for name, text := range map[string]string{
		"an access token":         `"cause":"` + jwt + `"`,
		"half an access token":    jwt[:32],
		"a refresh token":         strings.Repeat("0a", 64),
		"a canary":                "CANARY-1",
		"a canary in base64":      base64.StdEncoding.EncodeToString([]byte("alice:canary-1")),
		"one a byte further":      base64.StdEncoding.EncodeToString([]byte("alicex:canary-1")),
		"one two bytes further":   base64.StdEncoding.EncodeToString([]byte("alicexy:canary-1")),
		"a canary in hexadecimal": hex.EncodeToString([]byte("canary")),
		"a canary in percent":     strings.ReplaceAll("% 63% 61% 6e% 61% 72% 79", " ", ""),
		"credentials":             "Authorization: Basic YWxpY2U6eHh4eHg=",
		"a query":                 `"path":"/wp-json/cocart/v2/cart?x"`,
		"a form":                  "username=a&" + url.Values{"password": {"p"}}.Encode(),
		"the shared secret":       upstreamtest.Secret,
		"what the test names":     "its own",
	} {
		if found := upstreamtest.Leaks(`{"msg":"x"} `+text+` and more`, "its own"); len(found) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestLeaksFindsNothingInAnOrdinaryLine(t *testing.T) {
	line := `{"level":"INFO","msg":"request","request_id":"SWUWCNSBPVKKGGVSBW3GB7OVFG","path":"/wp-json/cocart/v2/cart",` +
		`"session":"0123456789abcdef0123456789abcdef","account":"name:0123456789abcdef","cause":"bad_signature","verdict":"malformed"}`
	if found := upstreamtest.Leaks(line, ""); len(found) > 0 {
		t.Error(found)
	}
}
