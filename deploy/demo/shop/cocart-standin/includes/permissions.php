<?php
/**
 * Guests may use the methods the API has; another one (HEAD, for example) is refused before routing.
 */

defined( 'ABSPATH' ) || exit;

add_filter( 'rest_pre_dispatch', 'cocart_standin_check_method', 10, 3 );

function cocart_standin_check_method( $result, $server, WP_REST_Request $request ) {
	$GLOBALS['cocart_standin_user_at_permission_check'] = get_current_user_id();
	if ( ! empty( $result ) || ! cocart_standin_is_request() || is_user_logged_in() ) {
		return $result;
	}
	$method = strtolower( $request->get_method() );
	$known  = in_array( $method, array( 'get', 'post', 'put', 'patch', 'delete', 'options' ), true );
	if ( $known && ! apply_filters( "cocart_api_permission_check_$method", false ) ) {
		return $result;
	}
	return cocart_standin_error( 'cocart_rest_permission_error', 'Permission is required for this method.', 401 );
}

/** A customer is what WooCommerce would make of a visitor with an account. */
function cocart_standin_create_customer_role() {
	add_role( 'customer', 'Customer', array( 'read' => true ) );
}
