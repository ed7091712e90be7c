package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/gateway/paritytest"
)

const parityCases = "../../gateway/testdata/parity.json"

// Each case is put to the gateway in front of a real WordPress. What it answers
// otherwise than a shop with the JWT plugin is a row of gateway/PARITY.md, or a
// mistake.
func TestTheGatewayAnswersLikeAShopWithThePlugin(t *testing.T) {
	cases, err := paritytest.Load(parityCases)
	if err != nil {
		t.Fatal(err)
	}
	mustUse(t, "a-language.php", directoryMode)
	for _, status := range []int{401, 403} {
		t.Run(fmt.Sprint("invalid_token_status ", status), func(t *testing.T) {
			afterwards(t)
			p := &parity{t: t, g: startGateway(t, "embedded", fmt.Sprintf("%scompat: {invalid_token_status: %d}\n", twoLanguages, status)), values: map[string]string{}}
			for _, c := range cases {
				switch {
				case c.Later != "": // for a clock that can be moved
				case c.Before == "wrong passwords": // where no login before it speaks for the address
					(&parity{t: t, g: startGateway(t, "embedded", ""), values: map[string]string{}}).check(c, status)
				default:
					p.check(c, status)
				}
			}
		})
	}
}

// parity is a run of the cases.
type parity struct {
	t *testing.T
	g *gateway
	// values stand for the names in braces; those of the session that cases share
	// stay from case to case.
	values map[string]string
}

func (p *parity) check(c paritytest.Case, invalidToken int) {
	p.t.Helper()
	own := p.prepare(c)
	target, body, headers := p.fill(c.Target, own), p.fill(c.Body, own), []string{}
	for _, h := range c.Headers {
		headers = append(headers, h[0]+": "+p.fill(h[1], own))
	}
	if !slices.ContainsFunc(c.Headers, func(h [2]string) bool { return h[0] == "User-Agent" }) {
		headers = append(headers, "User-Agent: parity-client/1.0")
	}
	if !slices.ContainsFunc(c.Headers, func(h [2]string) bool { return h[0] == "X-Forwarded-Proto" }) {
		headers = append(headers, viaTLS...)
	}
	r := send(p.t, p.g.url, c.Method, target, body, headers...)
	if strings.Contains(target, "/login") || strings.Contains(target, "/jwt/token") {
		p.forgetAlice()
	}
	got := paritytest.Read(r.Status, r.Header, r.Body)
	for _, difference := range paritytest.Compare(c.Expected(invalidToken), got) {
		p.t.Errorf("%s: %s", c.Name, difference)
	}
}

var viaTLS = []string{"X-Forwarded-Proto: https"}

// names are words in braces; an object begins with a quote.
var names = regexp.MustCompile(`\{[0-9A-Za-z][0-9A-Za-z -]*\}`)

// fill puts values in: a token or key of the case's own session, of the one that
// cases share, or a token made of that one's.
func (p *parity) fill(text string, own map[string]string) string {
	return names.ReplaceAllStringFunc(text, func(name string) string { return p.value(strings.Trim(name, "{}"), own) })
}

func (p *parity) value(name string, own map[string]string) string {
	if v, ok := own[name]; ok {
		return v
	}
	if v, ok := p.values[name]; ok {
		return v
	}
	switch name {
	case "access", "refresh":
		p.values["access"], p.values["refresh"] = p.login("alice", "wonderland-1")
	case "bob", "bob refresh":
		p.values["bob"], p.values["bob refresh"] = p.login("bob", "builder-2-Strong")
	case "admin":
		password, err := theShop.AdminPassword()
		if err != nil {
			p.t.Fatal(err)
		}
		p.values["admin"], _ = p.login("admin", password)
	case "cookie of bob":
		p.values[name] = php(p.t, bobsCookie)
	default:
		p.values[name] = forge(p.t, name, p.value("access", nil))
	}
	return p.values[name]
}

func (p *parity) login(name, password string) (access, refresh string) {
	p.t.Helper()
	text, err := json.Marshal(map[string]string{"username": name, "password": password})
	if err != nil {
		p.t.Fatal(err)
	}
	headers := append([]string{"Content-Type: application/json", "User-Agent: parity-client/1.0"}, viaTLS...)
	return p.g.tokens(send(p.t, p.g.url, "POST", "/wp-json/cocart/v2/login", string(text), headers...))
}

// prepare does what a case says happened before, in a session of its own, and
// names what came of it.
func (p *parity) prepare(c paritytest.Case) map[string]string {
	p.t.Helper()
	if c.Before == "" {
		return nil
	}
	p.forgetAlice()
	own := map[string]string{}
	own["access"], own["refresh"] = p.login("alice", "wonderland-1")
	own["other access"], own["other refresh"] = p.login("alice", "wonderland-1")
	own["REFRESH"] = strings.ToUpper(own["refresh"])
	bearer := "Authorization: Bearer " + own["access"]
	refreshed := func(headers ...string) {
		headers = append(headers, "Content-Type: application/json")
		own["new access"], own["new refresh"] = p.g.pair(p.g.send("POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+own["refresh"]+`"}`, headers...))
	}
	switch c.Before {
	case "own session":
		own["expired"] = forge(p.t, "expired", own["access"])
	case "six more logins":
		for range 5 { // one is the other session
			p.login("alice", "wonderland-1")
		}
	case "refreshed":
		refreshed()
	case "refreshed elsewhere":
		refreshed("User-Agent: another-app/2")
	case "reused":
		refreshed()
		p.g.refresh(own["refresh"])
	case "logged out":
		p.expect(200, p.g.post("/wp-json/cocart/v2/logout", "", bearer))
		own["again access"], _ = p.login("alice", "wonderland-1")
	case "logged out of version 1":
		p.expect(200, p.g.post("/wp-json/cocart/v1/logout", "", bearer))
	case "logged out by Basic":
		p.expect(200, p.g.send("POST", "/wp-json/cocart/v2/logout", "", "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"))
	case "logged out by cookie":
		p.expect(200, p.g.send("POST", "/wp-json/cocart/v2/logout", "", "Cookie: "+php(p.t, strings.Replace(bobsCookie, "'bob'", "'alice'", 1))))
	case "wrong passwords":
		p.guess("carol", 10)
	default:
		p.change(c.Before, own)
	}
	return own
}

// forgetAlice gives up the session that cases share: it may end with the account's
// sixth, or with what is done to the account.
func (p *parity) forgetAlice() {
	for name := range p.values {
		if !strings.Contains(name, "bob") || name == "id bob" {
			delete(p.values, name)
		}
	}
}

// change does something to an account, and puts it back once the cases are done
// with it.
func (p *parity) change(what string, own map[string]string) {
	p.t.Helper()
	code, known := map[string]string{
		"password set":   `wp_set_password('wonderland-1', 2);`,
		"password reset": `reset_password(get_userdata(2), 'wonderland-1');`,
		"e-mail changed": `$u = get_userdata(2); wp_update_user(array('ID' => 2, 'user_email' => 'alice@example.com' === $u->user_email ? 'alice@example.org' : 'alice@example.com'));`,
		"name changed":   `wp_update_user(array('ID' => 2, 'display_name' => 'Alice L.'));`,
		"bob deleted":    `require_once ABSPATH . 'wp-admin/includes/user.php'; if (get_userdata(3)) { wp_delete_user(3); }`,
	}[what]
	if !known {
		p.t.Fatalf("nobody knows how to do %q", what)
	}
	if what == "bob deleted" && p.values["bob"] == "" {
		p.value("bob", nil)
	}
	php(p.t, code)
}

// guess tries wrong passwords, all at once: refusals take their time.
func (p *parity) guess(name string, n int) {
	for i := range n {
		send(p.t, p.g.url, "POST", loginPath, fmt.Sprintf(`{"username":%q,"password":"wrong-%d"}`, name, i),
			append([]string{"Content-Type: application/json"}, viaTLS...)...) // from the address of the case: another one is a newcomer's
	}
}

func (p *parity) expect(status int, r reply) {
	p.t.Helper()
	if r.Status != status {
		p.t.Fatalf("preparing: %d %s", r.Status, r.Body)
	}
}
