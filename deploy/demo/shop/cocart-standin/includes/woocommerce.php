<?php
/** A route of a shop that is not CoCart's: the list of orders, which only a shop manager sees. */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_woocommerce' );

function cocart_standin_register_woocommerce() {
	register_rest_route( 'wc/v3', '/orders', array( 'methods' => 'GET', 'callback' => '__return_empty_array', 'permission_callback' => 'cocart_standin_may_see_orders' ) );
}

function cocart_standin_may_see_orders() {
	if ( current_user_can( 'manage_options' ) ) {
		return true;
	}
	return cocart_standin_error( 'woocommerce_rest_cannot_view', 'Sorry, you cannot list resources.', rest_authorization_required_code() );
}
