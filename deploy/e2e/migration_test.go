package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// terminator is what stood in front of the shop before the gateway: it ended TLS
// and sent the customer's address to WordPress.
const terminator = `<?php if ( isset( $_SERVER['HTTP_X_FORWARDED_FOR'] ) && ! isset( $_SERVER['HTTP_X_COCART_GATEWAY'] ) ) {
	$_SERVER['HTTPS'] = 'on'; $_SERVER['REMOTE_ADDR'] = $_SERVER['HTTP_X_FORWARDED_FOR']; }`

const pluginKey = "banana, as in many a shop"

// guide is what migrate.md says for each step: the configuration, and the
// commands.
type guide map[string][]fence

type fence struct{ language, text string }

func readGuide(t *testing.T) guide {
	t.Helper()
	text, err := os.ReadFile("../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	steps := guide{}
	found := regexp.MustCompile("(?s)<!-- step: ([a-z ]+) -->\n *```(\\w+)\n(.*?)\n *```").FindAllSubmatch(text, -1)
	for _, m := range found {
		body := regexp.MustCompile(`(?m)^   `).ReplaceAllString(string(m[3]), "")
		steps[string(m[1])] = append(steps[string(m[1])], fence{string(m[2]), body})
	}
	if fences := strings.Count(string(text), "```") / 2; fences != len(found) {
		t.Fatalf("migrate.md has %d blocks of code, %d of them belong to a step", fences, len(found))
	}
	return steps
}

// config is the settings of a step; none where it only has commands.
func (g guide) config(step string) string {
	for _, f := range g[step] {
		if f.language == "yaml" {
			return f.text + "\n"
		}
	}
	return ""
}

// run runs the commands of a step against a running gateway and returns what
// they printed.
func (g guide) run(t *testing.T, step string, on *gateway) string {
	t.Helper()
	var printed strings.Builder
	commands := 0
	for _, f := range g[step] {
		if f.language != "sh" {
			continue
		}
		commands++
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", f.text)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "CONFIG="+on.process.Args[3], "ADMIN="+on.admin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s\n%s", step, err, f.text, out)
		}
		printed.Write(out)
	}
	if commands == 0 {
		t.Errorf("migrate.md has no commands for %s", step)
	}
	return printed.String()
}

func wants(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: no %s in\n%s", what, part, text)
		}
	}
}

// move switches the old plugin, and whether WordPress insists on the gateway.
func move(t *testing.T, plugin, required bool) {
	t.Helper()
	err := theShop.Configure(func(c *shop.Config) {
		c.Required = required
		c.Constants = maps.Clone(c.Constants)
		if c.Constants == nil {
			c.Constants = map[string]any{}
		}
		c.Constants["COCART_STANDIN_JWT_PLUGIN"], c.Constants["COCART_JWT_AUTH_SECRET_KEY"] = plugin, pluginKey
	})
	if err != nil {
		t.Fatal(err)
	}
}

// straight asks the shop as its old terminator did.
func straight(t *testing.T, method, target, body string, headers ...string) reply {
	t.Helper()
	return send(t, theShop.URL, method, target, body, append([]string{"Content-Type: application/json", "X-Forwarded-For: 203.0.113.7"}, headers...)...)
}

func byUs(access string) bool {
	head, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[0])
	return err == nil && strings.Contains(string(head), `"kid"`)
}

func isAlices(r reply) bool { return r.Status == 200 && strings.Contains(r.Body, `"cart_key":"2"`) }

// A customer, her phone and two others are moved from CoCart JWT Authentication
// to the gateway and back, as migrate.md has it.
func TestMovingOverFromTheOldPluginAndBack(t *testing.T) {
	t.Setenv("COCART_JWT_AUTH_SECRET_KEY", pluginKey)
	afterwards(t)
	reconfigure(t, func(*shop.Config) {})
	mustUse(t, "terminator.php", terminator)
	steps, redis := readGuide(t), realRedis(t)
	reader := &gateway{t: t} // of answers that the shop itself gave

	// The shop with the old plugin alone.
	move(t, true, false)
	login := func(name, password string) (string, string) {
		basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
		return reader.tokens(straight(t, "POST", "/wp-json/cocart/v2/login", "", basic))
	}
	access, refresh := login("alice", "wonderland-1")
	bobs, _ := login("bob", "builder-2-Strong")
	carols, _ := login("carol", `p<b>a%41 ss  ü"\`)
	before := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access)
	if byUs(access) || !isAlices(before) {
		t.Fatalf("the old plugin alone: %d %s", before.Status, before.Body)
	}

	// Dry run: the shop's own answers, and a report.
	if err := theShop.MustUse("terminator.php", nil); err != nil {
		t.Fatal(err)
	}
	g := startGateway(t, redis, steps.config("look on"))
	if r := g.cart(access); r.Status != before.Status || r.Body != before.Body || r.Header.Get("Cart-Key") != "" {
		t.Errorf("dry run: %d %s %v\nwithout: %d %s", r.Status, r.Body, r.Header, before.Status, before.Body)
	}
	if r := g.cart("a.b.c"); r.Status != 403 {
		t.Errorf("dry run, a bad token: %d %s", r.Status, r.Body)
	}
	if r := g.send("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer null"); r.Status != 200 {
		t.Errorf("dry run, no token at all: %d %s", r.Status, r.Body)
	}
	if inDryRun, _ := g.login("bob", "builder-2-Strong"); byUs(inDryRun) {
		t.Error("the dry run issued a token")
	}
	wants(t, "look on", steps.run(t, "look on", g), "DRY RUN", "CoCart JWT Authentication is active, as it must be in a dry run", `"dry_run":true`, `cocart_gateway_dry_run_total{route="cocart",verdict="token"} 1`, `verdict="same"`)
	wants(t, "the log of the dry run", g.logged(), "DRY RUN", "dry run: would be refused")
	g.stop()

	// The switch: her token goes on, her refresh token becomes a session, once.
	move(t, true, true)
	g = startGateway(t, redis, steps.config("switch"))
	if r := g.cart(access); !isAlices(r) {
		t.Errorf("her token after the switch: %d %s", r.Status, r.Body)
	}
	if r := g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"12","quantity":"2"}`, "Authorization: Bearer "+access); r.Status != 200 {
		t.Errorf("adding to the cart: %d %s", r.Status, r.Body)
	}
	access, refresh = refreshInTabs(t, g, refresh)
	if !byUs(access) || !isAlices(g.cart(access)) {
		t.Error("her refresh token did not become a session of ours")
	}
	fresh, freshRefresh := g.login("alice", "wonderland-1")
	if !byUs(fresh) {
		t.Error("a login after the switch got a token of the old plugin")
	}
	if r := g.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+bobs); r.Status != 200 {
		t.Errorf("bob's logout: %d %s", r.Status, r.Body)
	}
	if r := g.cart(bobs); r.Status != 401 {
		t.Errorf("bob's token after his logout: %d %s", r.Status, r.Body)
	}
	wants(t, "switch", steps.run(t, "switch", g), "CoCart JWT Authentication is active, as it must be while it verifies its refresh tokens", `verdict="adopted"} 1`, "alice")
	g.stop()

	// Without the old plugin.
	move(t, false, true)
	g = startGateway(t, redis, steps.config("after"))
	if !isAlices(g.cart(access)) {
		t.Error("she was logged out with the old plugin")
	}
	access, refresh = g.pair(g.refresh(refresh))
	if !isAlices(g.cart(access)) {
		t.Error("her session does not go on")
	}
	if r := g.cart(carols); r.Status != 401 {
		t.Errorf("a token of the old plugin, when those are not accepted any more: %d", r.Status)
	}
	wants(t, "after", steps.run(t, "after", g), "CoCart JWT Authentication is not active.")

	// And back: each customer is handed to the old plugin, and none logs in again.
	g.stop()
	move(t, true, true)
	g = startGateway(t, redis, steps.config("go back"))
	if !isAlices(g.cart(access)) {
		t.Error("she was logged out by the way back")
	}
	ours := access
	access, refresh = refreshInTabs(t, g, refresh)
	phones, phonesRefresh := g.pair(g.refresh(freshRefresh))
	news, newsRefresh := g.login("alice", "wonderland-1")
	for whose, token := range map[string]string{"in her browser": access, "on her phone": phones, "of a login": news} {
		if byUs(token) || !isAlices(g.cart(token)) {
			t.Errorf("her token %s is not of the old plugin, or not good", whose)
		}
	}
	wants(t, "go back", steps.run(t, "go back", g), "compat.hand_back: is true", "CoCart JWT Authentication is active, as it must be while customers are handed back to it",
		`"ready":true`, `verdict="handed_back"} 2`, `verdict="kept"} 0`)
	if left := g.sessions(); !strings.Contains(left, `"sessions": []`) {
		t.Errorf("sessions are left: %s", left)
	}

	// The gateway is gone.
	wants(t, "back", steps.run(t, "back", g), "ok", `"ready":true`)
	g.stop()
	move(t, true, false)
	if err := theShop.MustUse("terminator.php", []byte(terminator)); err != nil {
		t.Fatal(err)
	}
	if r := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+carols); r.Status != 200 || !strings.Contains(r.Body, `"cart_key":"4"`) {
		t.Errorf("carol, who was never moved: %d %s", r.Status, r.Body)
	}
	if r := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+ours); r.Status != http.StatusForbidden {
		t.Errorf("a token of ours at the old plugin: %d, and the guide says 403", r.Status)
	}
	if r := straight(t, "POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+freshRefresh+`"}`); r.Status != http.StatusForbidden {
		t.Errorf("a refresh token of ours at the old plugin: %d", r.Status)
	}
	for whose, pair := range map[string][2]string{"browser": {access, refresh}, "phone": {phones, phonesRefresh}, "new login": {news, newsRefresh}} {
		if r := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+pair[0]); !isAlices(r) || itemCount(t, r) != 2 {
			t.Errorf("her %s after all of it: %d %s", whose, r.Status, r.Body)
		}
		renewed, _ := reader.pair(straight(t, "POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+pair[1]+`"}`))
		if r := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+renewed); !isAlices(r) {
			t.Errorf("her %s after a refresh: %d %s", whose, r.Status, r.Body)
		}
	}
}

// sessions are those that the operator sees, as JSON.
func (g *gateway) sessions() string {
	g.t.Helper()
	out, err := exec.CommandContext(g.t.Context(), binary, "sessions", "list", "--json", "--config", g.process.Args[3]).Output()
	if err != nil {
		g.t.Error(err)
	}
	return strings.TrimSpace(string(out))
}

// refreshInTabs comes with one refresh token in several tabs at once.
func refreshInTabs(t *testing.T, g *gateway, refresh string) (access, next string) {
	t.Helper()
	got := make([]string, 6)
	var tabs sync.WaitGroup
	for i := range got {
		tabs.Go(func() {
			if r := g.refresh(refresh); r.Status == 200 {
				a, n := g.pair(r)
				got[i] = a + " " + n
			} else {
				t.Errorf("a tab got %d %s", r.Status, r.Body)
			}
		})
	}
	tabs.Wait()
	for i := range got {
		_, got[i], _ = strings.Cut(got[i], " ")
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 1 {
		t.Fatalf("six tabs hold %d refresh tokens", len(got))
	}
	return g.pair(g.refresh(got[0]))
}

func itemCount(t *testing.T, r reply) int {
	t.Helper()
	var cart struct {
		Count int `json:"item_count"`
	}
	if err := json.Unmarshal([]byte(r.Body), &cart); err != nil {
		t.Fatal(fmt.Errorf("%w in %s", err, r.Body))
	}
	return cart.Count
}
