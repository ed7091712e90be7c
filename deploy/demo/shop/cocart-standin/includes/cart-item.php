<?php
/**
 * One item of a cart, by its key: how many of it, or none.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_cart_item' );

function cocart_standin_register_cart_item() {
	$route = array( 'permission_callback' => '__return_true' );
	register_rest_route(
		cocart_standin_namespace() . '/v2',
		'/cart/item/(?P<item_key>[\w]+)',
		array(
			$route + array( 'methods' => 'POST', 'callback' => 'cocart_standin_update_item' ),
			$route + array( 'methods' => 'DELETE', 'callback' => 'cocart_standin_remove_item' ),
		)
	);
}

/** The id behind an item key, or 0. */
function cocart_standin_item_in_cart( CoCart_Standin_Session $session, $key ) {
	foreach ( array_keys( $session->items ) as $id ) {
		if ( md5( (string) $id ) === $key ) {
			return $id;
		}
	}
	return 0;
}

/** More than there is of a product is a 403, as CoCart's refusals to sell are. */
function cocart_standin_update_item( WP_REST_Request $request ) {
	$quantity = (int) $request['quantity'];
	if ( $quantity > 100 ) {
		return cocart_standin_error( 'cocart_not_enough_in_stock', 'You cannot add that amount to the cart because there is not enough stock.', 403 );
	}
	return cocart_standin_change_item( $request, $quantity );
}

function cocart_standin_remove_item( WP_REST_Request $request ) {
	return cocart_standin_change_item( $request, 0 );
}

function cocart_standin_change_item( WP_REST_Request $request, $quantity ) {
	$session = cocart_standin_session_or_error();
	if ( is_wp_error( $session ) ) {
		return $session;
	}
	$id = cocart_standin_item_in_cart( $session, $request['item_key'] );
	if ( ! $id ) {
		return cocart_standin_error( 'cocart_item_not_in_cart', 'Item specified does not exist in cart.', 404 );
	}
	$session->items[ $id ] = $quantity;
	$session->items        = array_filter( $session->items );
	$session->save();
	return cocart_standin_with_cart_headers( $session, cocart_standin_cart_answer( $session ) );
}
