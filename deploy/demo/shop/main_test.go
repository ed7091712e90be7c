package shop_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// theShop is shared: starting one takes longer than most of what is asked of it. Tests that
// change it put it back.
var theShop *shop.Shop

func TestMain(m *testing.M) {
	if os.Getenv(crashDir) != "" {
		startAndHang()
	}
	os.Exit(runWithShop(m))
}

func runWithShop(m *testing.M) int {
	var err error
	theShop, err = shop.Start(context.Background(), shop.Config{Dir: shop.DefaultDir("shop-test"), Environment: "local", Fresh: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, "no shop to test:", err)
		return 1
	}
	code := m.Run()
	if err := theShop.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the shop:", err)
		return 1
	}
	return code
}

// freshShop gives the test the shop as on its first day.
func freshShop(t *testing.T) *shop.Shop {
	t.Helper()
	if err := theShop.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	return theShop
}

// imitating runs the rest of the test with another version of CoCart.
func imitating(t *testing.T, version string) *shop.Shop {
	t.Helper()
	s := freshShop(t)
	configure(t, func(c *shop.Config) { c.CoCart = version })
	return s
}

func configure(t *testing.T, change func(*shop.Config)) {
	t.Helper()
	var before shop.Config
	if err := theShop.Configure(func(c *shop.Config) { before = *c; change(c) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := theShop.Configure(func(c *shop.Config) { *c = before }); err != nil {
			t.Fatal(err)
		}
	})
}

// php runs code in the shop.
func php(t *testing.T, code string) string {
	t.Helper()
	output, err := theShop.PHP(context.Background(), code)
	if err != nil {
		t.Fatal(err)
	}
	return output
}
