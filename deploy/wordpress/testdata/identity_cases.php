<?php
/** Who the visitor is: when WordPress first asks, when CoCart loads the cart, and when the route runs. */

$cart = '/cocart/v2/cart';

/** Another plugin's say in the matter. */
function other_plugin( string $hook, int $priority, int $user ): void {
	add_filter( $hook, fn( $given ) => $user, $priority );
}

foreach ( array( 10, 16 ) as $priority ) {
	test(
		"a customer is the customer throughout, CoCart at $priority",
		function () use ( $priority, $cart ) {
			arrive( 'customer' );
			load_cocart( $priority );
			serve( $cart );
		},
		passed( array( 2, 2, 2 ), fn( array $sent ) => same( array(), $sent['tried'], 'passwords tried' ) )
	);
	test(
		"a guest is nobody throughout, CoCart at $priority",
		function () use ( $priority, $cart ) {
			arrive( 'guest' );
			load_cocart( $priority );
			serve( $cart );
		},
		passed( array( 0, 0, 0 ) )
	);
	test(
		"no cookie, header or field logs a guest in, CoCart at $priority",
		function () use ( $priority, $cart ) {
			$_COOKIE                  = array( 'wordpress_logged_in_5f2a' => 'bob' );
			$_POST                    = array( 'username' => 'alice', 'password' => 'wonderland-1' );
			$GLOBALS['getallheaders'] = array( 'Authorization' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) );
			arrive( 'guest', array( 'HTTP_AUTHORIZATION' => $GLOBALS['getallheaders']['Authorization'], 'PHP_AUTH_USER' => 'alice', 'PHP_AUTH_PW' => 'wonderland-1' ) );
			load_cocart( $priority );
			serve( $cart );
		},
		passed( array( 0, 0, 0 ), fn( array $sent ) => same( array(), $sent['tried'], 'passwords tried' ) )
	);
	test(
		"no password is tried for a customer, CoCart at $priority",
		function () use ( $priority, $cart ) {
			$_GET = array( 'username' => 'bob', 'password' => 'builder-2' );
			arrive( 'customer' );
			load_cocart( $priority );
			serve( $cart );
		},
		passed( array( 2, 2, 2 ), fn( array $sent ) => same( array(), $sent['tried'], 'passwords tried' ) )
	);
	test(
		"credentials are judged by WordPress, CoCart at $priority",
		function () use ( $priority, $cart ) {
			arrive( 'credentials', array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) ) );
			load_cocart( $priority );
			serve( $cart );
		},
		passed( array( 2, 2, 2 ) )
	);
}

test(
	'credentials in fields are judged by WordPress',
	function () use ( $cart ) {
		$_GET = array( 'username' => 'bob', 'password' => 'builder-2' );
		arrive( 'credentials' );
		load_cocart();
		serve( $cart );
	},
	passed( array( 3, 3, 3 ) )
);

test(
	"a leftover cookie does not take the customer's place",
	function () use ( $cart ) {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		arrive( 'customer' );
		load_cocart();
		serve( $cart );
	},
	passed( array( 2, 2, 2 ) )
);

foreach ( array( 'customer' => 2, 'guest' => 0 ) as $kind => $user ) {
	foreach ( array( 5, 10, 99, PHP_INT_MAX - 1 ) as $priority ) {
		test(
			"another plugin at $priority does not choose the user of a $kind",
			function () use ( $kind, $priority, $cart ) {
				arrive( $kind );
				other_plugin( 'determine_current_user', $priority, 3 );
				serve( $cart );
			},
			passed( array( $user, $user, $user ) )
		);
	}
	test(
		"another plugin does not set the user of a $kind while the request is authenticated",
		function () use ( $kind, $cart ) {
			arrive( $kind );
			add_filter( 'rest_authentication_errors', fn( $result ) => wp_set_current_user( 3 ) ?? $result, 50 );
			serve( $cart );
		},
		passed( array( $user, $user, $user ) )
	);
	test(
		"another plugin does not set the user of a $kind after the request was authenticated",
		function () use ( $kind, $cart ) {
			arrive( $kind );
			add_filter( 'rest_authentication_errors', fn( $result ) => wp_set_current_user( 3 ) ?? $result, 200 );
			serve( $cart );
		},
		passed( array( $user, $user, $user ) )
	);
	test(
		"a plugin that asks while plugins load hears who a $kind is",
		function () use ( $kind, $cart ) {
			arrive( $kind );
			$GLOBALS['sent']['users'][] = get_current_user_id();
			serve( $cart );
		},
		passed( array( $user, $user, $user, $user ) )
	);
}

test(
	'a question that comes before WordPress can answer it is answered with nobody, and asked again',
	function () use ( $cart ) {
		shop();
		asserted( 'customer' );
		require dirname( __DIR__ ) . '/cocart-gateway.php';
		$GLOBALS['sent']['users'][] = apply_filters( 'determine_current_user', false );
		load_pluggable();
		serve( $cart );
	},
	passed( array( false, 2, 2, 2 ) )
);

test(
	'a filter that asks for the user while the user is looked up',
	function () use ( $cart ) {
		arrive( 'customer' );
		add_filter( 'get_user_metadata', fn( $value ) => apply_filters( 'determine_current_user', false ) ? 'never' : $value );
		serve( $cart );
	},
	passed( array( 2, 2, 2 ) )
);

test(
	"CoCart's own question is answered with the customer",
	function () {
		arrive( 'customer' );
		$GLOBALS['sent']['users'] = array( apply_filters( 'cocart_authenticate', 0, true ), apply_filters( 'cocart_authenticate', 0, true, null ) );
	},
	passed( array( 2, 2 ) )
);

foreach ( array( 'customer' => true, 'guest' => null ) as $kind => $want ) {
	test(
		"what WordPress hears about the authentication of a $kind at 99",
		function () use ( $kind ) {
			arrive( $kind );
			add_filter( 'rest_authentication_errors', fn( $result ) => $GLOBALS['sent']['heard'] = $result, 99 );
			serve( '/cocart/v2/cart' );
		},
		fn( array $sent ) => same( $want, $sent['heard'] )
	);
	test(
		"the error of another plugin stands, for a $kind",
		function () use ( $kind ) {
			arrive( $kind );
			add_filter( 'rest_authentication_errors', fn() => new WP_Error( 'blocked', 'No.', array( 'status' => 403 ) ), 50 );
			serve( '/cocart/v2/cart', fn() => $GLOBALS['sent']['served'] = true );
		},
		fn( array $sent ) => same( array( 403, false ), array( $sent['status'], isset( $sent['served'] ) ) )
	);
}

test(
	'a page is by whom the browser says',
	function () {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		arrive( 'site', array( 'REQUEST_URI' => '/my-account/' ) );
		load_cocart();
		serve( '' );
	},
	passed( array( 3 ) )
);

test(
	'a page with wp-json/cocart/ in its query is no place to try passwords',
	function () {
		$_GET = array( 'x' => 'wp-json/cocart/', 'username' => 'alice', 'password' => 'wonderland-1' );
		arrive( 'site', array( 'REQUEST_URI' => '/wp-json/wp/v2/users/me?x=wp-json/cocart/&username=alice&password=wonderland-1' ) );
		load_cocart( 16 );
		serve( '/wp/v2/users/me' );
	},
	passed( array( 0, 0, 0 ), fn( array $sent ) => same( array(), $sent['tried'], 'passwords tried' ) )
);

foreach ( array( 'customer' => false, 'guest' => false, 'login' => false, 'credentials' => true, 'site' => true ) as $kind => $want ) {
	test(
		"whether a key of WooCommerce counts on a $kind request",
		fn() => arrive( $kind, 'login' === $kind ? array( 'REQUEST_METHOD' => 'POST' ) : array() ),
		passed( array(), fn() => same( $want, apply_filters( 'woocommerce_rest_is_request_to_rest_api', true ) ) )
	);
}
