<?php
/**
 * Two routes of a shop that are not CoCart's: the cart of WooCommerce's Store API, which anybody has, and
 * the list of orders, which only a shop manager sees.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_woocommerce' );

function cocart_standin_register_woocommerce() {
	register_rest_route( 'wc/store/v1', '/cart', array( 'methods' => 'GET', 'callback' => 'cocart_standin_store_api_cart', 'permission_callback' => '__return_true' ) );
	register_rest_route( 'wc/v3', '/orders', array( 'methods' => 'GET', 'callback' => '__return_empty_array', 'permission_callback' => 'cocart_standin_may_see_orders' ) );
}

/** Of whom the cart is, a header says. */
function cocart_standin_store_api_cart() {
	$lists  = array_fill_keys( array( 'items', 'coupons', 'fees' ), array() );
	$facts  = array( 'totals' => new stdClass(), 'shipping_address' => new stdClass(), 'billing_address' => new stdClass(), 'needs_payment' => false, 'needs_shipping' => false );
	$counts = array( 'payment_requirements' => array( 'products' ), 'has_calculated_shipping' => false, 'shipping_rates' => array(), 'items_count' => 0, 'items_weight' => 0 );
	$rest   = array( 'cross_sells' => array(), 'errors' => array(), 'payment_methods' => array(), 'extensions' => new stdClass() );
	return new WP_REST_Response( $lists + $facts + $counts + $rest, 200, array( 'User-ID' => get_current_user_id() ) );
}

function cocart_standin_may_see_orders() {
	if ( current_user_can( 'manage_options' ) ) {
		return true;
	}
	return cocart_standin_error( 'woocommerce_rest_cannot_view', 'Sorry, you cannot list resources.', rest_authorization_required_code() );
}
