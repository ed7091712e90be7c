package e2e

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// inNextWordPress runs the rest of the test in a WordPress of 6.8 or later.
func inNextWordPress(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(shop.NextWordPress); err != nil {
		t.Fatalf("a newer WordPress is missing: deploy/demo/install.sh wordpress-next (%v)", err)
	}
	inAnotherShop(t, "e2e-next", func(c *shop.Config) { c.WordPress = shop.NextWordPress })
	if got := php(t, `echo version_compare( $GLOBALS['wp_version'], '6.8', '>=' ) ? 'new' : $GLOBALS['wp_version'];`); got != "new" {
		t.Fatalf("this WordPress is %s, want 6.8 or later", got)
	}
}

// What holds with Debian's WordPress holds with the newer one.
func TestTheNextWordPress(t *testing.T) {
	inNextWordPress(t)
	for name, test := range map[string]func(*testing.T){
		"WordPress knows the customer from its first hook":     TestWordPressKnowsTheCustomerFromItsFirstHook,
		"other authentication plugins do not interfere":        TestOtherAuthenticationPluginsDoNotInterfere,
		"forged assertions gain nothing":                       TestForgedAssertionsGainNothing,
		"a token for CoCart is none for the rest of WordPress": TestATokenForCoCartIsNoneForTheRestOfWordPress,
		"credentials on other routes are CoCart's to judge":    TestCredentialsOnOtherRoutesAreCoCartsToJudge,
		"guest carts work":                                TestGuestCartsWork,
		"a new password ends every session":               TestANewPasswordEndsEverySession,
		"a deleted customer is gone":                      TestADeletedCustomerIsGone,
		"the storefront is as without us":                 TestTheStorefrontIsAsWithoutUs,
		"an administrator works through us":               TestAnAdministratorWorksThroughUs,
		"the customer is known in each version of CoCart": TestWhoAsksByCoCartVersion,
		"a cookie needs its nonce":                        TestACookieNeedsItsNonceByCoCartVersion,
	} {
		t.Run(name, test)
	}
}

// Its passwords are bcrypt's, and a password that is kept in the old way is kept
// in the new one after the next login. Nobody asked for that, and it ends nobody's
// session; a new password does.
func TestAHashThatWordPressRenewsEndsNoSession(t *testing.T) {
	inNextWordPress(t)
	for name, login := range map[string]func(*gateway) reply{
		"at a login in wp-login.php": func(g *gateway) reply {
			form := url.Values{"log": {"alice"}, "pwd": {"wonderland-1"}, "testcookie": {"1"}}.Encode()
			return g.send("POST", "/wp-login.php", form, "Content-Type: application/x-www-form-urlencoded", "Cookie: wordpress_test_cookie=WP+Cookie+check")
		},
		"at a login of CoCart 5.0": func(g *gateway) reply {
			reconfigure(t, func(c *shop.Config) { c.CoCart = "5.0" })
			return g.post(loginPath, aliceLogin)
		},
	} {
		t.Run(name, func(t *testing.T) {
			afterwards(t)
			g := startGateway(t, "embedded", "")
			php(t, oldHash)
			access, refresh := g.login("alice", "wonderland-1")
			before := g.cart(access).Status
			if r := login(g); r.Status >= 400 {
				t.Fatalf("login: %d %s", r.Status, r.Body)
			}
			if hash := php(t, `echo get_userdata( 2 )->user_pass;`); !strings.HasPrefix(hash, "$wp$") {
				t.Fatalf("the hash was not renewed: %.4s", hash)
			}
			if got := fmt.Sprint(before, g.cart(access).Status, g.refresh(refresh).Status); got != "200 200 200" {
				t.Errorf("before, after, refresh: %s", got)
			}
			access, _ = g.login("alice", "wonderland-1")
			php(t, `wp_set_password( 'looking-glass-2', 2 );`)
			if got := g.cart(access).Status; got != 401 {
				t.Errorf("after a new password: %d", got)
			}
		})
	}
}

// oldHash keeps alice's password as WordPress did until 6.7.
const oldHash = `require_once ABSPATH . WPINC . '/class-phpass.php';
	$GLOBALS['wpdb']->update( $GLOBALS['wpdb']->users, array( 'user_pass' => ( new PasswordHash( 8, true ) )->HashPassword( 'wonderland-1' ) ), array( 'ID' => 2 ) );
	clean_user_cache( 2 );`
