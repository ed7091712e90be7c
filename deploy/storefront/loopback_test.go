package storefront

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// connectTo has PHP's own requests to the shop go to an address, as DNS would.
const connectTo = `<?php
add_action( 'http_api_curl', function ( $handle ) {
	curl_setopt( $handle, CURLOPT_CONNECT_TO, array( 'shop.example:80:%s:%s' ) );
} );
add_filter( 'block_local_requests', '__return_false' );
`

// The shop asks itself: cron, background jobs and Site Health go through the gateway.
func TestTheShopReachesItselfThroughTheGateway(t *testing.T) {
	g := startGateway(t, "")
	host, port, err := net.SplitHostPort(g.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := theShop.MustUse("zz-connect.php", fmt.Appendf(nil, connectTo, host, port)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := theShop.MustUse("zz-connect.php", nil); err != nil {
			t.Error(err)
		}
	})
	s := hire(t)
	own := []string{cookie(s.Cookie), "X-WP-Nonce: " + s.Nonce}
	for _, test := range []string{"loopback-requests", "authorization-header"} {
		a := ask(t, g.address, get(test, "/wp-json/wp-site-health/v1/tests/"+test, append(own, "Authorization: Basic dXNlcjpwd2Q=")...))
		if a.status != 200 || !strings.Contains(a.body, `"status":"good"`) {
			t.Errorf("%s: %d %s", test, a.status, a.body)
		}
	}
	out, err := theShop.PHP(t.Context(), `$r = wp_remote_post( home_url( '/?probe=report' ), array( 'body' => array( 'a' => '1' ) ) ); echo is_wp_error( $r ) ? $r->get_error_message() : wp_remote_retrieve_body( $r );`)
	if err != nil || !strings.Contains(out, `"post":{"a":"1"}`) {
		t.Errorf("a request by wp_remote_post: %v %s", err, out)
	}
}
