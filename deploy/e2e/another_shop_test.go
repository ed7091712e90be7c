package e2e

import (
	"context"
	"testing"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/deploy/wordpress"
)

// inAnotherShop runs the rest of the test in a shop of its own, set up like the
// one that all tests share but for the change. It stays installed for the next
// run.
func inAnotherShop(t *testing.T, name string, change func(*shop.Config)) {
	t.Helper()
	config := shop.Config{
		Dir: shop.DefaultDir(name), SiteURL: siteURL, Secret: gatewaySecret, Required: true, Plugin: wordpress.Plugin, Fresh: true,
	}
	change(&config)
	another, err := shop.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	shared := theShop
	theShop = another
	t.Cleanup(func() {
		theShop = shared
		if err := another.Stop(); err != nil {
			t.Error(err)
		}
	})
}
