package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
)

// withObjectCache runs the rest of the test in a shop whose users WordPress reads
// from a cache that all requests share.
func withObjectCache(t *testing.T) {
	t.Helper()
	source, err := os.ReadFile("testdata/object-cache.php")
	if err != nil {
		t.Fatal(err)
	}
	if err := theShop.DropIn("object-cache.php", source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := theShop.PHP(context.Background(), `wp_cache_flush();`)
		if err := errors.Join(err, theShop.DropIn("object-cache.php", nil)); err != nil {
			t.Error(err)
		}
	})
	if got := php(t, `wp_cache_flush(); echo wp_using_ext_object_cache() ? 'on' : 'off';`); got != "on" {
		t.Fatalf("the object cache is %s", got)
	}
}

// Whatever changes an account through WordPress's functions ends its sessions at
// once, though another process has the account in its cache.
func TestChangesBehindAPersistentObjectCache(t *testing.T) {
	withObjectCache(t)
	for name, change := range map[string]string{
		"wp_set_password":       `wp_set_password( 'looking-glass-2', 2 );`,
		"the profile":           `wp_update_user( array( 'ID' => 2, 'user_pass' => 'looking-glass-2' ) );`,
		"a reset":               `reset_password( get_userdata( 2 ), 'looking-glass-2' );`,
		"the e-mail address":    `wp_update_user( array( 'ID' => 2, 'user_email' => 'else@example.com' ) );`,
		"logged out everywhere": `WP_Session_Tokens::get_instance( 2 )->destroy_all();`,
		"deleted":               `wp_delete_user( 2 );`,
	} {
		t.Run(name, func(t *testing.T) {
			afterwards(t)
			g := startGateway(t, "embedded", "")
			access, refresh := g.login("alice", "wonderland-1")
			before := g.cart(access).Status
			php(t, change)
			if got := fmt.Sprint(before, g.cart(access).Status, g.refresh(refresh).Status); got != "200 401 401" {
				t.Errorf("before, after, refresh: %s", got)
			}
		})
	}
}

// SQL tells no cache, and so the old password is good until the cache forgets.
func TestSQLBehindAPersistentObjectCache(t *testing.T) {
	withObjectCache(t)
	afterwards(t)
	g := startGateway(t, "embedded", "")
	access, refresh := g.login("alice", "wonderland-1")
	before := g.cart(access).Status
	php(t, `$GLOBALS['wpdb']->update( $GLOBALS['wpdb']->users, array( 'user_pass' => wp_hash_password( 'looking-glass-2' ) ), array( 'ID' => 2 ) );`)
	unnoticed := g.cart(access).Status
	php(t, `wp_cache_flush();`)
	if got := fmt.Sprint(before, unnoticed, g.cart(access).Status, g.refresh(refresh).Status); got != "200 200 401 401" {
		t.Errorf("before, behind the cache, after it forgot, refresh: %s", got)
	}
}
