package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// The rows were observed on a real shop with the real CoCart; its cart route is
// the looking glass here, which tells who it answers.
func TestEverySpellingOfARequestGetsTheSameVerdict(t *testing.T) {
	reconfigure(t, func(c *shop.Config) { c.CoCart = "4.9.7" })
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	text, err := os.ReadFile("testdata/urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		f := append(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), "", "")
		var headers []string
		if f[3] != "" {
			headers = strings.Split(f[3], " | ")
		}
		body := strings.ReplaceAll(f[4], `\r\n`, "\r\n")
		ask := func(more ...string) string {
			return outcome(g.send(f[1], f[2], body, append(more, headers...)...))
		}
		got := ask() + ", " + ask("Authorization: Bearer a.b.c") + ", " + ask("Authorization: Bearer "+access)
		if !fits(f[0], got) {
			t.Errorf("%s, want %s: %s", got, f[0], line)
		}
	}
	if rows < 110 {
		t.Errorf("only %d rows were read", rows)
	}
}

// outcome is a status, and who CoCart or another route answered.
func outcome(r reply) string {
	var who struct {
		User *int `json:"user_id"`
	}
	_ = json.Unmarshal([]byte(r.Body), &who) // most answers are no JSON
	switch {
	case codeOf(r.Body) == "cocart_authentication_error":
		return "refused token"
	case who.User != nil && *who.User == 2:
		return "alice"
	case strings.HasPrefix(codeOf(r.Body), "cocart_gateway_"):
		return codeOf(r.Body)
	case r.Status == 404 && codeOf(r.Body) == "rest_no_route":
		return "no route"
	}
	return itoa(r.Status)
}

func itoa(n int) string {
	text, _ := json.Marshal(n) // an int always encodes
	return string(text)
}

func fits(verdict, got string) bool {
	outcomes := strings.Split(got, ", ")
	switch verdict {
	case "ours":
		return got == "200, refused token, alice" || got == "401, refused token, 200" // HEAD: no body, and to CoCart no method for guests
	case "unknown":
		return got == "no route, refused token, no route" || got == "401, refused token, no route" // a method no guest has
	case "refused":
		codes := []string{"cocart_gateway_ambiguous_request", "cocart_gateway_not_in_batch", "cocart_gateway_method_not_allowed"}
		return outcomes[0] == outcomes[1] && outcomes[1] == outcomes[2] && slices.Contains(codes, outcomes[0])
	}
	return outcomes[0] == outcomes[1] && outcomes[1] == outcomes[2] && !strings.Contains(got, "alice") && !strings.Contains(got, "cocart_gateway_")
}
