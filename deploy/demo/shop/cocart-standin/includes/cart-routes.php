<?php
/**
 * The cart's routes: look, add, look the old way.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_cart' );

function cocart_standin_register_cart() {
	$space = cocart_standin_namespace();
	$open  = array( 'permission_callback' => '__return_true', 'args' => array( 'cart_key' => array( 'type' => 'string' ) ) );
	register_rest_route( "$space/v2", '/cart', $open + array( 'methods' => 'GET', 'callback' => 'cocart_standin_get_cart' ) );
	register_rest_route( "$space/v1", '/get-cart', $open + array( 'methods' => 'GET', 'callback' => 'cocart_standin_get_cart_v1' ) );
	$id  = array( 'id' => array( 'required' => true ) );
	$add = array( 'args' => $open['args'] + $id ) + $open + array(
		'methods'     => 'POST',
		'callback'    => 'cocart_standin_add_item',
		'allow_batch' => array( 'v1' => true ),
	);
	register_rest_route( "$space/v2", '/cart/add-item', $add );
	register_rest_route( "$space/v1", '/add-item', $add );
}

function cocart_standin_session_or_error() {
	$session = CoCart_Standin_Session::$current;
	return $session ? $session : cocart_standin_error( 'cocart_cart_error', 'Unable to retrieve cart.', 500 );
}

function cocart_standin_get_cart( WP_REST_Request $request ) {
	$session = cocart_standin_session_or_error();
	if ( ! is_wp_error( $session ) && cocart_standin_between( '3.1', '4.2' ) && ! is_user_logged_in() ) {
		// Also from JSON, where no session looks for it; get_cart_key of the cart's controller.
		$named          = cocart_standin_since( '4.1' ) ? sanitize_key( (string) $request['cart_key'] ) : (string) $request['cart_key'];
		$session->shown = '' !== $named && '0' !== $named ? $named : $session->shown;
	}
	return is_wp_error( $session ) ? $session : cocart_standin_with_cart_headers( $session, cocart_standin_cart_answer( $session ) );
}

function cocart_standin_get_cart_v1() {
	$session = cocart_standin_session_or_error();
	if ( is_wp_error( $session ) ) {
		return $session;
	}
	if ( ! $session->items ) {
		$address = rest_url( cocart_standin_namespace() . '/v1/get_cart/' );
		return "Request returned nothing for \"$address\"! Please seek assistance.";
	}
	return cocart_standin_cart_answer_v1( $session );
}

function cocart_standin_add_item( WP_REST_Request $request ) {
	$session = cocart_standin_session_or_error();
	if ( is_wp_error( $session ) ) {
		return $session;
	}
	$id       = is_scalar( $request['id'] ) ? (int) $request['id'] : 0;
	$quantity = null === $request['quantity'] ? 1 : (int) $request['quantity'];
	$products = cocart_standin_products();
	if ( ! isset( $products[ $id ] ) ) {
		return cocart_standin_error( 'cocart_invalid_product_id', 'Product does not exist.', 404 );
	}
	if ( $quantity < 1 ) {
		return cocart_standin_error( 'cocart_quantity_invalid_amount', 'Quantity must be a minimum of 1.', 400 );
	}
	$session->add( $id, $quantity );
	$notices = array( 'success' => array( "\u{201c}{$products[ $id ][0]}\u{201d} has been added to your cart." ) );
	return cocart_standin_with_cart_headers( $session, cocart_standin_cart_answer( $session, $notices ) );
}

function cocart_standin_with_cart_headers( CoCart_Standin_Session $session, array $answer ) {
	$response = rest_ensure_response( $answer );
	if ( ! cocart_standin_between( '3.1', '4.1' ) ) {
		$response->header( cocart_standin_header( 'Cart-Key' ), $session->shown );
	}
	$response->header( cocart_standin_header( 'Cart-Expiring' ), (string) $session->expiring );
	$response->header( cocart_standin_header( 'Cart-Expiration' ), (string) $session->expiration );
	return $response;
}
