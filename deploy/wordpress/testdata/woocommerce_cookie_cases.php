<?php
/** WooCommerce's session cookie beside a customer of the gateway; alice is 2. */

/** The cookies that WooCommerce would read and set in a request of this browser. */
function with_woocommerce_cookies( array $claims, string $session = 'wp_woocommerce_session_5f2a' ): callable {
	return function () use ( $claims, $session ) {
		$_COOKIE = array( 'other' => '1', $session => 't_guest||1', 'woocommerce_cart_hash' => 'a' );
		arrive( $claims ? 'customer' : 'site', array( 'REQUEST_URI' => '/wp-json/wc/store/v1/cart' ), $claims );
		serve(
			'/wc/store/v1/cart',
			function () use ( $session ) {
				$GLOBALS['sent']['session'] = apply_filters( 'woocommerce_cookie', $session );
				$GLOBALS['sent']['cookies'] = array_keys( $_COOKIE );
				foreach ( array( $session, 'woocommerce_items_in_cart', 'woocommerce_cart_hash', 'woocommerce_recently_viewed' ) as $name ) {
					$GLOBALS['sent']['set'][] = apply_filters( 'woocommerce_set_cookie_enabled', true, $name, '2||1', 1, true );
				}
				$GLOBALS['sent']['disabled'] = apply_filters( 'woocommerce_set_cookie_enabled', false, 'woocommerce_recently_viewed', '', 1, true );
			}
		);
	};
}

function woocommerce_cookies( array $read, array $set, string $session = 'wp_woocommerce_session_5f2a' ): callable {
	return fn( array $sent ) => same(
		array( $session, $read, $set, false ),
		array( $sent['session'] ?? null, $sent['cookies'] ?? null, $sent['set'] ?? null, $sent['disabled'] ?? null ),
		'the name, the cookies of the request, and those of the answer'
	);
}

$own = array( 'other', 'woocommerce_cart_hash' );
test( 'a customer with the session cookie of WooCommerce', with_woocommerce_cookies( array( 'protect' => 'wc/store' ) ), woocommerce_cookies( $own, array( false, false, false, true ) ) );
test( 'a customer with a session cookie that the shop renamed', with_woocommerce_cookies( array( 'protect' => 'wc/store' ), 'cart_of_shop' ), woocommerce_cookies( $own, array( false, false, false, true ), 'cart_of_shop' ) );
test( 'a guest of the Store API keeps the session cookie', with_woocommerce_cookies( array() ), woocommerce_cookies( array( 'other', 'wp_woocommerce_session_5f2a', 'woocommerce_cart_hash' ), array( true, true, true, true ) ) );
