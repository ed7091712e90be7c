<?php
/** The Cart-Token of WooCommerce's Store API beside a customer of the gateway; alice is 2. */

/** A token whose signature is right or wrong in the eyes of woocommerce_judges(). */
function cart_token( $user, string $signature = 'good' ): string {
	return 'e30.' . rtrim( strtr( base64_encode( json( array( 'user_id' => $user, 'iss' => 'store-api' ) ) ), '+/', '-_' ), '=' ) . ".$signature";
}

/** What WooCommerce 10.0 and later have. */
function woocommerce_judges(): void {
	eval( 'namespace Automattic\WooCommerce\StoreApi\Utilities; final class CartTokenUtils { public static function validate_cart_token( string $token ): bool { return ".good" === substr( $token, -5 ); } }' );
}

/** A request to the Store API with this token, in the header of the request or of one in a batch. */
function with_cart_token( $token, array $claims = array( 'protect' => 'wc/store' ), bool $in_batch = false, bool $judged = true ): callable {
	return function () use ( $token, $claims, $in_batch, $judged ) {
		arrive( $claims ? 'customer' : 'site', ( $in_batch ? array() : array( 'HTTP_CART_TOKEN' => $token ) ) + array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/wc/store/v1/cart/add-item' ), $claims );
		$judged && woocommerce_judges();
		serve(
			'/wc/store/v1/cart/add-item',
			function () use ( $token, $in_batch ) {
				$inside = new WP_REST_Request( 'POST', '/wc/store/v1/cart/add-item' );
				$inside->headers = $in_batch ? array( 'cart-token' => $token ) : array();
				dispatch( $inside );
				$GLOBALS['sent']['token'] = $_SERVER['HTTP_CART_TOKEN'] ?? $inside->get_header( 'Cart-Token' );
				$GLOBALS['sent']['nonce'] = ! apply_filters( 'woocommerce_store_api_disable_nonce_check', false );
			}
		);
	};
}

function token_arrives( bool $arrives, bool $nonce ): callable {
	return fn( array $sent ) => same( array( $arrives, $nonce ), array( isset( $sent['token'] ), $sent['nonce'] ?? null ), 'whether the token arrives, and whether a nonce is required:' );
}

foreach ( array( 'a header' => false, 'a batch' => true ) as $place => $in_batch ) {
	foreach ( array(
		'of the customer'                         => array( cart_token( '2' ), false, false ),
		'of the customer, as a number'            => array( cart_token( 2 ), false, false ),
		'of the customer, with a wrong signature' => array( cart_token( '2', 'bad' ), false, true ),
		'of another customer'                     => array( cart_token( '3' ), false, true ),
		'of a guest'                              => array( cart_token( 't_0123456789abcdef' ), true, true ),
		'of a guest before 4.3'                   => array( cart_token( '0123456789abcdef0123456789abcdef' ), true, true ),
		'that is none'                            => array( 'eyJ.x', true, true ),
		'of a list'                               => array( cart_token( array( '2' ) ), true, true ),
	) as $name => list( $token, $arrives, $nonce ) ) {
		test( "a Cart-Token $name in $place", with_cart_token( $token, array( 'protect' => 'wc/store' ), $in_batch ), token_arrives( $arrives, $nonce ) );
	}
}
test( 'the Cart-Token of the customer where WooCommerce cannot judge it', with_cart_token( cart_token( '2' ), array( 'protect' => 'wc/store' ), false, false ), token_arrives( false, true ) );
test( 'a Cart-Token of a customer without a token of the gateway is WooCommerce\'s affair', with_cart_token( cart_token( '2' ), array() ), token_arrives( true, true ) );
test(
	'a Cart-Token of the customer in two requests of a batch',
	function () {
		arrive( 'customer', array( 'REQUEST_METHOD' => 'POST' ), array( 'protect' => 'wc/store' ) );
		woocommerce_judges();
		serve(
			'/wc/store/v1/batch',
			function () {
				foreach ( array( '3', '2' ) as $user ) {
					$inside          = new WP_REST_Request( 'POST', '/wc/store/v1/cart/add-item' );
					$inside->headers = array( 'cart-token' => cart_token( $user ) );
					dispatch( $inside );
					$GLOBALS['sent']['nonces'][] = ! apply_filters( 'woocommerce_store_api_disable_nonce_check', false );
				}
			},
			array( 'requests' => array( array( 'path' => '/wc/store/v1/cart/add-item' ) ) )
		);
	},
	fn( array $sent ) => same( array( true, false ), $sent['nonces'] ?? null, 'whether a nonce is required' )
);
