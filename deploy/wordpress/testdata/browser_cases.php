<?php
/** A browser that follows a link of the gateway: logged in as the asserted customer, or not at all. */

/** The parts of WordPress and WooCommerce that only such a link asks. */
function load_browser_needs( array $capabilities, bool $shop ): void {
	$GLOBALS['capabilities'] = $capabilities;
	if ( ! function_exists( 'is_ssl' ) ) {
		function is_ssl() {
			return 'on' === ( $_SERVER['HTTPS'] ?? '' );
		}
	}
	function user_can( $user, $capability ) {
		return 2 === $user->ID && in_array( $capability, $GLOBALS['capabilities'], true );
	}
	function wp_validate_auth_cookie( $cookie, $scheme ) {
		same( array( '', 'logged_in' ), array( $cookie, $scheme ), 'the cookie that was looked at' );
		$ids = array( 'alice' => 2, 'bob' => 3 );
		return $ids[ $_COOKIE['wordpress_logged_in_5f2a'] ?? '' ] ?? false;
	}
	function wp_set_auth_cookie( $user_id, $remember, $secure ) {
		$GLOBALS['sent']['cookies'][] = array( $user_id, $remember, $secure );
	}
	function wp_validate_redirect( $location, $fallback ) {
		return 'shop.example' === parse_url( $location, PHP_URL_HOST ) ? $location : $fallback;
	}
	function wp_safe_redirect( $location, $status, $by ) {
		$GLOBALS['sent']['redirect'] = array( $location, $status );
	}
	if ( $shop ) {
		function wc_get_checkout_url() {
			return $GLOBALS['checkout'] ?? 'https://shop.example/kasse/';
		}
	}
}

/** @param array $seen The cookies, the capabilities of alice, whether there is WooCommerce, and the route that WordPress dispatches. */
function followed( array $claims = array(), array $seen = array(), ?callable $before = null ): callable {
	return function () use ( $claims, $seen, $before ) {
		$_COOKIE = $seen['cookies'] ?? array();
		$_GET    = array( 'rest_route' => '/cocart-gateway/v1/browser' );
		shop( array( 'REQUEST_URI' => '/?rest_route=/cocart-gateway/v1/browser', 'HTTP_AUTHORIZATION' => 'Basic YWRtaW46eA==' ) + ( $seen['server'] ?? array() ) );
		load_browser_needs( $seen['can'] ?? array(), $seen['shop'] ?? true );
		asserted( 'browser', $claims );
		$before && $before();
		load_plugin();
		serve( $seen['route'] ?? '/cocart-gateway/v1/browser' );
	};
}

/** WooCommerce as it is while a page loads, with what it keeps for alice. @param mixed $kept */
function with_session( $kept, array $options = array() ): callable {
	return function () use ( $kept, $options ) {
		$GLOBALS['woocommerce'] = (object) array(
			'session' => new class( $kept ) {
				public $kept;
				public function __construct( $kept ) {
					$this->kept = $kept;
				}
				public function get_session( $id ) {
					same( '2', $id, 'whose session' );
					return $this->kept;
				}
			},
		);
		if ( $options['none'] ?? false ) {
			$GLOBALS['woocommerce'] = (object) array( 'session' => null );
		}
		function WC() {
			return $GLOBALS['woocommerce'];
		}
		function maybe_unserialize( $value ) {
			return is_string( $value ) && '' !== $value ? unserialize( $value ) : $value;
		}
		add_filter( 'woocommerce_persistent_cart_enabled', fn() => $options['enabled'] ?? true );
	};
}

function saved( array $writes, $cart = null ): callable {
	return function ( array $sent ) use ( $writes, $cart ) {
		same( array( $writes, $cart ), array( $sent['writes'], $GLOBALS['usermeta'][2]['_woocommerce_persistent_cart_1'] ?? null ), 'what was saved' );
		$sent['writes'] = array();
		sent_on( 'https://shop.example/kasse/' )( $sent );
	};
}

function sent_on( string $to, int $cookies = 1, array $expired = array() ): callable {
	return function ( array $sent ) use ( $to, $cookies, $expired ) {
		same( array_fill( 0, $cookies, array( 2, false, true ) ), $sent['cookies'] ?? array(), 'login cookies' );
		same( array( $to, 303 ), $sent['redirect'] ?? null, 'redirect' );
		same( $expired, $sent['expired'] ?? array(), 'cookies that end' );
		same( array( array( 'no-referrer' ), array( 'private, no-store' ), array( '1.3.0' ) ), array( $sent['headers']['Referrer-Policy'], $sent['headers']['Cache-Control'], $sent['headers']['X-CoCart-Gateway-Plugin'] ) );
		same( array( '', array(), array(), true ), array( $sent['body'], $sent['log'], $sent['writes'], defined( 'DONOTCACHEPAGE' ) ) );
		same( array( false, false ), array( isset( $_SERVER['HTTP_AUTHORIZATION'] ), isset( $sent['finished'] ) ), 'Authorization, and what WordPress does then' );
	};
}

/** Refused: no cookie, no redirect. */
function not_logged_in( int $status, string $code, ?callable $more = null ): callable {
	return function ( array $sent ) use ( $status, $code, $more ) {
		same( array( $status, $code ), array( $sent['status'], json_decode( $sent['body'], true )['code'] ?? '' ) );
		same( array( false, false, false ), array( isset( $sent['cookies'] ), isset( $sent['redirect'] ), isset( $sent['expired'] ) ) );
		$more && $more( $sent );
	};
}

test( 'a link that leads to the checkout', followed(), sent_on( 'https://shop.example/kasse/' ) );
test( 'a link of a shop without WooCommerce', followed( array(), array( 'shop' => false ) ), sent_on( 'https://shop.example/' ) );
test( 'a link that leads to a path', followed( array( 'to' => '/my-account/?tab=orders' ) ), sent_on( 'https://shop.example/my-account/?tab=orders' ) );
test( 'a link to a checkout on another host', followed( array(), array(), fn() => $GLOBALS['checkout'] = 'https://pay.example/' ), sent_on( 'https://shop.example/' ) );
test( 'a link in the browser of the same customer', followed( array(), array( 'cookies' => array( 'wordpress_logged_in_5f2a' => 'alice' ) ) ), sent_on( 'https://shop.example/kasse/', 0 ) );
test( 'a link in a browser with the cart of a guest', followed( array(), array( 'cookies' => array( 'wp_woocommerce_session_5f2a' => 't_guest||1', 'wp_cocart_session_5f2a' => 'guest||1', 'other' => '1' ) ) ), sent_on( 'https://shop.example/kasse/', 1, array( 'wp_woocommerce_session_5f2a', 'wp_cocart_session_5f2a' ) ) );
$cart = array( 'item' => array( 'product_id' => 12, 'quantity' => 3 ) );
test( 'a link of a customer with a cart', followed( array(), array(), with_session( array( 'cart' => serialize( $cart ) ) ) ), saved( array( '2 _woocommerce_persistent_cart_1' ), array( 'cart' => $cart ) ) );
test( 'a link of a shop that saves no carts', followed( array(), array(), with_session( array( 'cart' => serialize( $cart ) ), array( 'enabled' => false ) ) ), saved( array() ) );
foreach ( array( false, array(), array( 'cart' => serialize( array() ) ), array( 'cart' => null ) ) as $kept ) {
	test( 'a link of a customer of whom WooCommerce keeps ' . json( $kept ), followed( array(), array(), with_session( $kept ) ), saved( array() ) );
}
test( 'a link of a shop without sessions', followed( array(), array(), with_session( null, array( 'none' => true ) ) ), saved( array() ) );
test( 'a link in the browser of another user', followed( array(), array( 'cookies' => array( 'wordpress_logged_in_5f2a' => 'bob', 'wp_woocommerce_session_5f2a' => '3||1' ) ) ), not_logged_in( 409, 'cocart_gateway_other_login' ) );
test( 'a link of a session with another fingerprint', followed( array( 'fp' => str_repeat( '0', 32 ) ) ), not_logged_in( 401, 'cocart_authentication_error', fn( $sent ) => same( 'changed', replied( $sent, 'X-CoCart-Gateway-Ended' )['reason'] ) ) );
test( 'a link of a user who is gone', followed( array( 'sub' => '99' ) ), not_logged_in( 401, 'cocart_authentication_error', fn( $sent ) => same( 'deleted', replied( $sent, 'X-CoCart-Gateway-Ended' )['reason'] ) ) );
test( 'a link of a customer whom the shop refuses', followed( array(), array(), fn() => allow( false )() ), not_logged_in( 401, 'cocart_authentication_error', fn( $sent ) => same( 'changed', replied( $sent, 'X-CoCart-Gateway-Ended' )['reason'] ) ) );
test( 'a link beside a filter that throws', followed( array(), array(), fn() => allow( fn() => intdiv( 1, 0 ) )() ), not_logged_in( 500, 'cocart_gateway_error' ) );
foreach ( array( 'edit_posts', 'manage_woocommerce', 'view_admin_dashboard', 'manage_options' ) as $capability ) {
	test( "a link of a user with $capability", followed( array(), array( 'can' => array( $capability ) ) ), not_logged_in( 403, 'cocart_gateway_not_allowed' ) );
}
foreach ( array( '', '/cocart/v2/cart', '/cocart-gateway/v1/status', '/cocart-gateway/v1/Browser' ) as $route ) {
	test( "a link that WordPress takes for \"$route\"", followed( array(), array( 'route' => $route ) ), bad_assertion() );
}
test( 'a link that leads to another script', followed( array(), array( 'server' => array( 'SCRIPT_FILENAME' => '/srv/shop/wp-login.php' ) ) ), not_logged_in( 403, 'cocart_gateway_bad_assertion' ) );
foreach ( array( 'customer', 'guest', 'site' ) as $kind ) {
	test(
		"the route of links, asked for by a $kind",
		function () use ( $kind ) {
			arrive( $kind );
			serve( '/cocart-gateway/v1/browser' );
		},
		'site' === $kind ? fn( array $sent ) => same( array( true, false ), array( $sent['finished'] ?? false, isset( $sent['cookies'] ) ) ) : bad_assertion()
	);
}
