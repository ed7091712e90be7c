package e2e

import (
	"os"
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
	} {
		t.Run(name, test)
	}
}
