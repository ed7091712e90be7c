package e2e

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// What holds with Debian's WordPress holds with the newer ones, as far as a version
// of WordPress can matter to it.
func TestNewerWordPresses(t *testing.T) {
	for _, w := range shop.NewerWordPresses {
		t.Run("of Debian "+w.Debian, func(t *testing.T) {
			inNewerWordPress(t, w)
			for name, test := range map[string]func(*testing.T){
				"WordPress knows the customer from its first hook":     TestWordPressKnowsTheCustomerFromItsFirstHook,
				"other authentication plugins do not interfere":        TestOtherAuthenticationPluginsDoNotInterfere,
				"forged assertions gain nothing":                       TestForgedAssertionsGainNothing,
				"a token for CoCart is none for the rest of WordPress": TestATokenForCoCartIsNoneForTheRestOfWordPress,
				"credentials on other routes are CoCart's to judge":    TestCredentialsOnOtherRoutesAreCoCartsToJudge,
				"a login takes any password in any form":               TestLoginTakesAnyPasswordInAnyForm,
				"guest carts work":                                     TestGuestCartsWork,
				"a batch is what is in it":                             TestABatchIsWhatIsInIt,
				"a new password ends every session":                    TestANewPasswordEndsEverySession,
				"what happens to an account ends its sessions":         TestWhatHappensToAnAccountEndsItsSessions,
				"an end that passes the gateway is immediate":          TestAnEndThatPassesTheGatewayIsImmediate,
				"a renewed hash ends nothing":                          aHashThatWordPressRenewsEndsNothing,
				"a deleted customer is gone":                           TestADeletedCustomerIsGone,
				"ordinary requests write nothing":                      TestOrdinaryRequestsWriteNothing,
				"the storefront is as without us":                      TestTheStorefrontIsAsWithoutUs,
				"an administrator works through us":                    TestAnAdministratorWorksThroughUs,
				"application passwords work through us":                TestApplicationPasswordsWorkThroughUs,
				"Site Health knows the gateway":                        TestSiteHealthKnowsTheGateway,
				"administrators read what is wrong":                    TestAdministratorsReadWhatIsWrong,
				"the customer is known in each version of CoCart":      TestWhoAsksByCoCartVersion,
				"a cookie needs its nonce":                             TestACookieNeedsItsNonceByCoCartVersion,
			} {
				t.Run(name, test)
			}
		})
	}
}

// inNewerWordPress runs the rest of the test in one of them, and tells which version it
// turned out to be.
func inNewerWordPress(t *testing.T, w shop.NewerWordPress) {
	t.Helper()
	if _, err := os.Stat(w.Dir()); err != nil {
		t.Fatalf("a newer WordPress is missing: deploy/demo/install.sh wordpress-next (%v)", err)
	}
	inAnotherShop(t, "e2e-"+w.Debian, func(c *shop.Config) { c.WordPress = w.Dir() })
	version := php(t, `echo $GLOBALS['wp_version'];`)
	t.Logf("WordPress %s of Debian %s", version, w.Debian)
	if php(t, `echo version_compare( $GLOBALS['wp_version'], '`+w.Oldest+`', '>=' ) ? 'new' : 'old';`) != "new" {
		t.Fatalf("WordPress %s is too old, want %s or later: deploy/demo/install.sh wordpress-next", version, w.Oldest)
	}
}

// Since 6.8 passwords are bcrypt's, and one that is kept in the old way is kept in the
// new one after the next login. Nobody asked for that, and it ends nobody's session; a
// new password does.
func aHashThatWordPressRenewsEndsNothing(t *testing.T) {
	for name, login := range map[string]func(*gateway) reply{
		"at a login in wp-login.php": func(g *gateway) reply {
			form := url.Values{"log": {"alice"}, "pwd": {"wonderland-1"}, "testcookie": {"1"}}.Encode()
			return g.send("POST", "/wp-login.php", form, "Content-Type: application/x-www-form-urlencoded", "Cookie: wordpress_test_cookie=WP+Cookie+check")
		},
		"at a login of CoCart 5.0": func(g *gateway) reply {
			reconfigure(g.t, func(c *shop.Config) { c.CoCart = "5.0" })
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
