<?php
/** A login cookie in a request whose credentials WordPress judges: it counts beside its nonce, and for nothing else. */

$cart = '/cocart/v2/cart';

/** Bob's browser sends its cookie; the rest is what the page that had it ask has put there. */
function sent_by_bobs_browser( array $server = array() ): void {
	$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob', 'wp_woocommerce_session_5f2a' => 'kept' );
	arrive( 'credentials', $server );
	load_cocart();
	serve( '/cocart/v2/cart' );
}

function with_nonce( string $nonce ): array {
	return array( 'HTTP_X_WP_NONCE' => $nonce );
}

/** WordPress's own words, and no line in the log: pages that are too old are everyday. */
function no_nonce(): callable {
	return function ( array $sent ) {
		$body = '{"code":"rest_cookie_invalid_nonce","message":"Cookie check failed","data":{"status":403}}';
		same( array( 403, $body, array() ), array( $sent['status'], $sent['body'], $sent['log'] ), 'answer and log' );
		same( array( 3 ), $sent['users'], 'users' ); // At WP::init(); no cart was loaded and no route ran.
		same( 0, $GLOBALS['current_user'], 'the current user' );
	};
}

$parts = array(
	'a name'              => array( 'username' => 'x' ),
	'a password'          => array( 'password' => 'x' ),
	'an API key'          => array( 'consumer_key' => '1' ),
	'an API key of OAuth' => array( 'oauth_consumer_key' => '1' ),
);
foreach ( $parts as $what => $fields ) {
	foreach ( array( '_GET', '_POST' ) as $where ) {
		test(
			"a cookie beside $what in $where is nobody's",
			function () use ( $fields, $where ) {
				$GLOBALS[ $where ] = $fields;
				sent_by_bobs_browser();
			},
			passed( array( 0, 0, 0 ), fn() => same( array( 'wp_woocommerce_session_5f2a' => 'kept' ), $_COOKIE, 'cookies' ) )
		);
	}
}

test( "a cookie beside Basic and nothing is nobody's", fn() => sent_by_bobs_browser( array( 'HTTP_AUTHORIZATION' => 'Basic' ) ), passed( array( 0, 0, 0 ) ) );
test( "a cookie beside an empty nonce is nobody's", fn() => sent_by_bobs_browser( with_nonce( '' ) ), passed( array( 0, 0, 0 ) ) );
test( 'a password beats a cookie', fn() => sent_by_bobs_browser( array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) ) ), passed( array( 2, 2, 2 ) ) );
test( 'a cookie with its nonce counts', fn() => sent_by_bobs_browser( with_nonce( 'nonce of user 3' ) ), passed( array( 3, 3, 3 ) ) );
test( 'a cookie with a nonce that is none is refused before the cart is loaded', fn() => sent_by_bobs_browser( with_nonce( '1' ) ), no_nonce() );
test( 'a cookie with the nonce of another login is refused', fn() => sent_by_bobs_browser( with_nonce( 'nonce of user 2' ) ), no_nonce() );

/** Headers that browsers add. */
function from_page( array $headers ): array {
	$server = array();
	foreach ( $headers as $name => $value ) {
		$server[ 'HTTP_' . strtoupper( strtr( $name, '-', '_' ) ) ] = $value;
	}
	return $server;
}

foreach ( array( '_GET', '_POST' ) as $where ) {
	$with = function ( string $nonce, array $headers = array() ) use ( $where ) {
		return function () use ( $nonce, $headers, $where ) {
			$GLOBALS[ $where ] = array( '_wpnonce' => $nonce );
			sent_by_bobs_browser( from_page( $headers ) );
		};
	};
	test( "a cookie with its nonce in $where counts", $with( 'nonce of user 3' ), passed( array( 3, 3, 3 ) ) );
	test( "a cookie with its nonce in $where, from the address bar", $with( 'nonce of user 3', array( 'Sec-Fetch-Site' => 'none' ) ), passed( array( 3, 3, 3 ) ) );
	test( "a cookie with a nonce in $where that is none is refused", $with( '1' ), no_nonce() );
	test( "a cookie with an empty nonce in $where is refused", $with( '' ), no_nonce() );
	test( "a nonce in $where goes before the header, as in WordPress", $with( '1', array( 'X-WP-Nonce' => 'nonce of user 3' ) ), no_nonce() );
	test( "a cookie with a nonce in $where from another site is nobody's", $with( 'nonce of user 3', array( 'Sec-Fetch-Site' => 'cross-site' ) ), passed( array( 0, 0, 0 ) ) );
}

$own   = 'https://shop.example';
$pages = array(
	'a script'                                 => array( 3, array( 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty' ) ),
	'a script, and nothing more is known'      => array( 3, array( 'Sec-Fetch-Site' => 'same-origin' ) ),
	'a script of an older browser'             => array( 3, array( 'Origin' => $own ) ),
	'a page of an even older browser'          => array( 3, array( 'Referer' => "$own/wp-admin/admin.php?page=cocart" ) ),
	'a link'                                   => array( 0, array( 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', 'Referer' => "$own/" ) ),
	'an image'                                 => array( 0, array( 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image' ) ),
	'a subdomain'                              => array( 0, array( 'Sec-Fetch-Site' => 'same-site', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty' ) ),
	'another site'                             => array( 0, array( 'Sec-Fetch-Site' => 'cross-site', 'Origin' => $own ) ),
	'another site, of an older browser'        => array( 0, array( 'Origin' => 'https://shop.example.evil.example' ) ),
	'another site, of an even older browser'   => array( 0, array( 'Referer' => 'https://evil.example/?https://shop.example/' ) ),
	'a page without an origin'                 => array( 0, array( 'Origin' => 'null', 'Referer' => "$own/" ) ),
	'the address bar'                          => array( 0, array( 'Sec-Fetch-Site' => 'none' ) ),
	'another site, that says it is the shop'   => array( 0, array( 'Sec-Fetch-Site' => 'same-origin', 'Origin' => 'https://evil.example' ) ),
);
foreach ( $pages as $what => list( $user, $headers ) ) {
	test( "a cookie without a nonce, asked by $what", fn() => sent_by_bobs_browser( from_page( $headers ) ), passed( array( $user, $user, $user ) ) );
}
test(
	'a link with ?_method=POST of an even older browser',
	function () use ( $own ) {
		$_GET['_method'] = 'POST';
		sent_by_bobs_browser( from_page( array( 'Referer' => "$own/" ) ) );
	},
	passed( array( 0, 0, 0 ) )
);

test(
	'a password beside a nonce and a cookie that has expired',
	function () use ( $cart ) {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'once bob' );
		arrive( 'credentials', with_nonce( '1' ) + array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) ) );
		load_cocart();
		serve( $cart );
	},
	passed( array( 2, 2, 2 ) )
);

test(
	"a cookie that a must-use plugin before us has asked about is nobody's",
	function () use ( $cart ) {
		shop();
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		$_GET    = array( 'username' => 'x' );
		asserted( 'credentials' );
		load_pluggable();
		$GLOBALS['sent']['users'][] = get_current_user_id();
		require dirname( __DIR__ ) . '/cocart-gateway.php';
		do_action( 'muplugins_loaded' );
		load_cocart();
		serve( $cart );
	},
	passed( array( 3, 0, 0, 0 ) )
);
