package e2e

import (
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

const goingBack = "compat: {accept_plugin_tokens: true, plugin_secret: \"" + pluginKey + "\", hand_back: true}\n"

// A session goes back to the old plugin behind each CoCart, also one whose
// customer has a second factor, which was given when it began. Not behind 3.0:
// that plugin needs 3.8.1 (cocart_authenticate had fewer arguments before).
func TestGoingBackByCoCartVersion(t *testing.T) {
	afterwards(t)
	redis := realRedis(t)
	ours, back := startGateway(t, redis, ""), startGateway(t, redis, goingBack)
	for _, version := range cocartVersions[1:] {
		t.Run("CoCart "+version, func(t *testing.T) {
			reconfigure(t, func(c *shop.Config) {
				c.CoCart, c.Constants = version, map[string]any{"COCART_STANDIN_JWT_PLUGIN": true, "COCART_JWT_AUTH_SECRET_KEY": pluginKey}
			})
			_, refresh := ours.login("alice", "wonderland-1")
			php(t, secondFactorForAlice)
			defer php(t, `delete_user_meta( 2, '_cocart_standin_2fa' );`)
			access, next := back.pair(back.refresh(refresh))
			if byUs(access) || !isAlices(back.cart(access)) {
				t.Fatalf("her session: %s\n%s", back.cart(access).Body, back.logged())
			}
			access, _ = back.pair(back.refresh(next))
			if byUs(access) || !isAlices(back.cart(access)) {
				t.Errorf("refreshed once more: %s", back.cart(access).Body)
			}
			bobs, _ := back.login("bob", "builder-2-Strong")
			if r := back.cart(bobs); byUs(bobs) || r.Status != 200 || !strings.Contains(r.Body, `"3"`) {
				t.Errorf("a login: %d %s", r.Status, r.Body)
			}
		})
	}
}
