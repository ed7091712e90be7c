package upstreamtest

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// Canary begins whatever a test sends where secrets stand, so that it is known
// again wherever it turns up.
const Canary = "canary"

// shapes are forms of secrets, which no log may contain.
var shapes = map[string]*regexp.Regexp{
	"a signed token":       regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{8,}`),
	"a refresh token":      regexp.MustCompile(`[0-9a-f]{100,}`),
	"credentials":          regexp.MustCompile(`(?i)\b(Bearer|Basic|Digest) +[\w+/=.-]{8,}`),
	"a parameter's value":  regexp.MustCompile(`(?i)(password|refresh_token|consumer_secret|cart_key)=[^\s"]`),
	"a query string":       regexp.MustCompile(`"path":"[^"]*\?`),
	"a cookie":             regexp.MustCompile(`(?i)wordpress_logged_in_\w+=`),
	"a test's own secret":  regexp.MustCompile(`(?i)canary|wonderland-1|builder-2|hunter-\d`),
	"the secret of a test": regexp.MustCompile(regexp.QuoteMeta(Secret)),
}

// Leaks lists what of a log, or of metrics, is a secret: by its shape, by its being
// a canary in any of the usual codings, or by its being one of more. What is
// quoted of it is cut short.
func Leaks(text string, more ...string) []string {
	var found []string
	for what, shape := range shapes {
		for _, at := range shape.FindAllStringIndex(text, 3) {
			found = append(found, fmt.Sprintf("%s at %q", what, around(text, at[0])))
		}
	}
	for _, secret := range append(more, codings(Canary)...) {
		if at := strings.Index(text, secret); at >= 0 && secret != "" {
			found = append(found, fmt.Sprintf("%.8q… at %q", secret, around(text, at)))
		}
	}
	return found
}

// codings are what a word looks like in base64 (at each of the three places within
// a group), in hexadecimal and in percent-encoding.
func codings(word string) []string {
	all := []string{fmt.Sprintf("%x", word), strings.ReplaceAll("%"+fmt.Sprintf("% x", word), " ", "%")}
	for lead := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", lead) + word))
		first := []int{0, 2, 3}[lead]       // what the lead has a part in
		whole := (lead + len(word)) / 3 * 4 // what follows has a part in the rest
		all = append(all, text[first:whole])
	}
	return all
}

func around(text string, at int) string {
	return text[max(0, at-60):min(len(text), at+20)]
}
