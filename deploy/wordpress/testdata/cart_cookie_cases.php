<?php
/** The cookies in which WooCommerce, and CoCart before 4.2, keep a cart, beside a customer of the gateway; alice is 2. */

/** What WooCommerce and CoCart would read and set in a request of this browser, under these names of their cookies. */
function with_cart_cookies( string $kind, string $route, string $woocommerce = 'wp_woocommerce_session_5f2a', string $cocart = 'wp_cocart_session_5f2a' ): callable {
	return function () use ( $kind, $route, $woocommerce, $cocart ) {
		$_COOKIE = array( 'other' => '1', $woocommerce => 't_guest|1', $cocart => 'guest||1', 'woocommerce_cart_hash' => 'a' );
		$protect = 'customer' === $kind && '/cocart' !== substr( $route, 0, 7 ) ? array( 'protect' => 'wc/store' ) : array();
		arrive( $kind, array( 'REQUEST_URI' => "/wp-json$route" ), $protect );
		serve(
			$route,
			function () use ( $woocommerce, $cocart ) {
				$GLOBALS['sent']['names']   = array( apply_filters( 'woocommerce_cookie', $woocommerce ), apply_filters( 'cocart_cookie', $cocart ) );
				$GLOBALS['sent']['cookies'] = array_keys( $_COOKIE );
				foreach ( array( $woocommerce, 'woocommerce_items_in_cart', 'woocommerce_cart_hash', 'woocommerce_recently_viewed' ) as $name ) {
					$GLOBALS['sent']['set'][] = apply_filters( 'woocommerce_set_cookie_enabled', true, $name, '2|1', 1, true );
				}
				$GLOBALS['sent']['set'][]    = apply_filters( 'cocart_cookie_supported', true );
				$GLOBALS['sent']['disabled'] = apply_filters( 'woocommerce_set_cookie_enabled', false, 'woocommerce_recently_viewed', '', 1, true );
			}
		);
	};
}

function cart_cookies( array $read, array $set, string ...$names ): callable {
	$names = $names ? $names : array( 'wp_woocommerce_session_5f2a', 'wp_cocart_session_5f2a' );
	return fn( array $sent ) => same(
		array( $names, $read, $set, false ),
		array( $sent['names'] ?? null, $sent['cookies'] ?? null, $sent['set'] ?? null, $sent['disabled'] ?? null ),
		'the names, the cookies of the request, and those of the answer'
	);
}

$own   = array( 'other', 'woocommerce_cart_hash' );
$store = '/wc/store/v1/cart';
$none  = array( false, false, false, true, false );
foreach ( array( $store, '/cocart/v2/cart' ) as $route ) {
	test( "a customer with the cookies of carts on $route", with_cart_cookies( 'customer', $route ), cart_cookies( $own, $none ) );
	test( "a customer with cookies of carts that the shop renamed on $route", with_cart_cookies( 'customer', $route, 'cart_of_shop', 'STYXKEY_wp_cocart_session_5f2a' ), cart_cookies( $own, $none, 'cart_of_shop', 'STYXKEY_wp_cocart_session_5f2a' ) );
}
foreach ( array( 'site' => $store, 'guest' => '/cocart/v2/cart', 'credentials' => '/cocart/v2/cart' ) as $kind => $route ) {
	test( "the cookies of carts in a request of kind $kind on $route", with_cart_cookies( $kind, $route ), cart_cookies( array( 'other', 'wp_woocommerce_session_5f2a', 'wp_cocart_session_5f2a', 'woocommerce_cart_hash' ), array_fill( 0, 5, true ) ) );
}

/** What WooCommerce reads in a request that may have a login and has this cookie of a cart, under a name that the shop may have chosen. */
function with_cookie_of_cart( string $login, string $value, string $name ): callable {
	return function () use ( $login, $value, $name ) {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => $login, $name => $value );
		arrive( 'site', array( 'REQUEST_URI' => '/' ) );
		$GLOBALS['sent']['early'] = array( apply_filters( 'woocommerce_cookie', $name ), isset( $_COOKIE[ $name ] ) );
		serve(
			'',
			function () use ( $name ) {
				$GLOBALS['sent']['kept'] = array( apply_filters( 'woocommerce_cookie', $name ), isset( $_COOKIE[ $name ] ) );
			}
		);
	};
}

foreach ( array( 'wp_woocommerce_session_5f2a', 'cart_of_shop' ) as $name ) {
	foreach ( array(
		array( 'bob', '3|9|9|x', true ),
		array( 'bob', '3||9||9||x', true ),
		array( '', '2|9|9|x', false ),
		array( '', '2||9||9||x', false ),
		array( 'bob', '2|9|9|x', false ),
		array( '', 't_0123456789|9|9|x', true ),
		array( 'bob', 't_0123456789|9|9|x', true ),
		array( '', '00000000000000000000000000000002|9|9|x', true ), // A guest of WooCommerce before 6.4.
		array( '', '2', true ),
		array( '', '', true ),
	) as list( $login, $value, $kept ) ) {
		test( "the cookie $name with \"$value\" in the browser of \"$login\"", with_cookie_of_cart( $login, $value, $name ), fn( array $sent ) => same( array( array( $name, true ), array( $name, $kept ) ), array( $sent['early'], $sent['kept'] ) ) );
	}
}
foreach ( array( null, array( 'wp_woocommerce_session_5f2a' ), 7 ) as $name ) {
	test(
		'a name of the cookie of carts that is ' . json( $name ),
		function () use ( $name ) {
			arrive( 'site', array( 'REQUEST_URI' => '/' ) );
			serve( '', fn() => $GLOBALS['sent']['name'] = apply_filters( 'woocommerce_cookie', $name ) );
		},
		fn( array $sent ) => same( $name, $sent['name'] )
	);
}
