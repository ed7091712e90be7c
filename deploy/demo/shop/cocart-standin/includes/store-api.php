<?php
/**
 * The cart of WooCommerce's Store API. By the user or a cookie it is a cart that CoCart keeps, because CoCart replaces WooCommerce's
 * session handler. By a Cart-Token it is the one that WooCommerce keeps for the user or guest in the token, in a table of its own.
 */

defined( 'ABSPATH' ) || exit;

use Automattic\WooCommerce\StoreApi\Utilities\CartTokenUtils;

add_action( 'rest_api_init', 'cocart_standin_register_store_api' );

function cocart_standin_register_store_api() {
	$route = array( 'permission_callback' => '__return_true' );
	register_rest_route( 'wc/store/v1', '/cart', $route + array( 'methods' => 'GET', 'callback' => 'cocart_standin_store_api_cart' ) );
	$add = array( 'methods' => 'POST', 'callback' => 'cocart_standin_store_api_add', 'allow_batch' => array( 'v1' => true ) );
	register_rest_route( 'wc/store/v1', '/cart/add-item', $route + $add );
	$batch = fn( WP_REST_Request $request ) => rest_get_server()->serve_batch_request_v1( $request );
	register_rest_route( 'wc/store/v1', '/batch', $route + array( 'methods' => 'POST', 'callback' => $batch, 'args' => array( 'requests' => array( 'required' => true ) ) ) );
}

/** The valid Cart-Token of a request, which may be one of a batch, with headers of its own; "" for none. */
function cocart_standin_cart_token( WP_REST_Request $request ) {
	foreach ( array( (string) $request->get_header( 'Cart-Token' ), isset( $_SERVER['HTTP_CART_TOKEN'] ) ? wp_unslash( $_SERVER['HTTP_CART_TOKEN'] ) : '' ) as $token ) {
		if ( '' !== $token && CartTokenUtils::validate_cart_token( $token ) ) {
			return $token;
		}
	}
	return '';
}

/** The session of a request without a Cart-Token. WooCommerce opens it once in a request, so a batch has one. */
function cocart_standin_store_api_session() {
	static $session = null;
	if ( null === $session ) {
		$session = cocart_standin_since( '4.2' ) ? new CoCart_Standin_WooCommerce_Session() : new CoCart_Standin_Session();
	}
	return $session;
}

/** The items of a Cart-Token's cart, with the key that they are kept by. */
function cocart_standin_cart_of_token( $token ) {
	$customer = CartTokenUtils::get_cart_token_payload( $token )['user_id'];
	return array( $customer, 'wc:' . $customer, cocart_standin_read_cart( 'wc:' . $customer ) );
}

function cocart_standin_store_api_cart( WP_REST_Request $request ) {
	$token = cocart_standin_cart_token( $request );
	if ( '' !== $token ) {
		list( $customer, , $items ) = cocart_standin_cart_of_token( $token );
		return cocart_standin_store_api_answer( $customer, $items, 200 );
	}
	$session = cocart_standin_store_api_session();
	return cocart_standin_store_api_answer( $session->key, $session->items, 200 );
}

/** A cookie could be another site's doing, so a change needs a nonce, or a token, which no other site knows. */
function cocart_standin_store_api_add( WP_REST_Request $request ) {
	$nonce = (string) $request->get_header( 'Nonce' );
	if ( '' === cocart_standin_cart_token( $request ) && ! apply_filters( 'woocommerce_store_api_disable_nonce_check', false ) ) {
		if ( '' === $nonce ) {
			return cocart_standin_error( 'woocommerce_rest_missing_nonce', 'Missing the Nonce header. This endpoint requires a valid nonce.', 401 );
		}
		if ( ! wp_verify_nonce( $nonce, 'wc_store_api' ) ) {
			return cocart_standin_error( 'woocommerce_rest_invalid_nonce', 'Nonce is invalid.', 403 );
		}
	}
	$id       = (int) $request['id'];
	$quantity = max( 1, (int) $request['quantity'] );
	$token    = cocart_standin_cart_token( $request );
	if ( '' === $token ) {
		$session = cocart_standin_store_api_session();
		$session->add( $id, $quantity );
		return cocart_standin_store_api_answer( $session->key, $session->items, 201 );
	}
	list( $customer, $key, $items ) = cocart_standin_cart_of_token( $token );
	$items[ $id ]                   = ( isset( $items[ $id ] ) ? $items[ $id ] : 0 ) + $quantity;
	cocart_standin_write_cart( $key, $items, time() + 2 * DAY_IN_SECONDS );
	return cocart_standin_store_api_answer( $customer, $items, 201 );
}

function cocart_standin_store_api_answer( $customer, array $items, $status ) {
	$listed = array();
	foreach ( $items as $id => $quantity ) {
		$listed[] = array( 'id' => $id, 'name' => cocart_standin_products()[ $id ][0], 'quantity' => $quantity );
	}
	$lists   = array( 'items' => $listed, 'coupons' => array(), 'fees' => array() );
	$facts   = array( 'totals' => new stdClass(), 'shipping_address' => new stdClass(), 'billing_address' => new stdClass(), 'needs_payment' => false, 'needs_shipping' => false );
	$counts  = array( 'payment_requirements' => array( 'products' ), 'has_calculated_shipping' => false, 'shipping_rates' => array(), 'items_count' => array_sum( $items ), 'items_weight' => 0 );
	$rest    = array( 'cross_sells' => array(), 'errors' => array(), 'payment_methods' => array(), 'extensions' => new stdClass() );
	$headers = array( 'User-ID' => get_current_user_id(), 'Nonce' => wp_create_nonce( 'wc_store_api' ), 'Cart-Token' => CartTokenUtils::get_cart_token( $customer ) );
	return new WP_REST_Response( $lists + $facts + $counts + $rest, $status, $headers );
}
