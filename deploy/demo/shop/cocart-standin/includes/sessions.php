<?php
/**
 * GET /v2/sessions lists all carts, for those who manage the shop.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_sessions' );

function cocart_standin_register_sessions() {
	register_rest_route(
		cocart_standin_namespace() . '/v2',
		'/sessions',
		array(
			'methods'             => 'GET',
			'callback'            => 'cocart_standin_list_sessions',
			'permission_callback' => 'cocart_standin_may_list_sessions',
		)
	);
}

function cocart_standin_may_list_sessions() {
	if ( current_user_can( 'manage_options' ) ) {
		return true;
	}
	return cocart_standin_error( 'cocart_rest_cannot_view', 'Sorry, you cannot list resources.', rest_authorization_required_code() );
}

function cocart_standin_list_sessions() {
	$sessions = array();
	foreach ( cocart_standin_list_carts() as $cart ) {
		$user       = ctype_digit( $cart->cart_key ) ? get_userdata( (int) $cart->cart_key ) : false;
		$sessions[] = array(
			'cart_id'         => (int) $cart->cart_id,
			'cart_key'        => $cart->cart_key,
			'customers_name'  => $user ? $user->display_name : '',
			'customers_email' => $user ? $user->user_email : '',
			'cart_created'    => gmdate( 'Y-m-d H:i:s', (int) $cart->cart_created ),
			'cart_expiry'     => gmdate( 'Y-m-d H:i:s', (int) $cart->cart_expiry ),
		);
	}
	return rest_ensure_response( $sessions );
}
