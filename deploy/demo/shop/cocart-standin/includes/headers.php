<?php
/**
 * The headers that CoCart and WooCommerce put on answers.
 */

defined( 'ABSPATH' ) || exit;

add_filter( 'rest_exposed_cors_headers', 'cocart_standin_more_cors_headers' );
add_filter( 'rest_allowed_cors_headers', 'cocart_standin_more_cors_headers' );
add_filter( 'nocache_headers', 'cocart_standin_never_store' );
add_filter( 'rest_post_dispatch', 'cocart_standin_add_headers', 10, 3 );

function cocart_standin_more_cors_headers( $headers ) {
	return array_merge( $headers, array( 'CoCart-API-Cart-Key', 'CoCart-API-Cart-Expiring', 'CoCart-API-Cart-Expiration' ) );
}

/** As newer versions of WordPress word it. */
function cocart_standin_never_store( $headers ) {
	$headers['Cache-Control'] = 'no-cache, must-revalidate, max-age=0, no-store' . ( is_user_logged_in() ? ', private' : '' );
	return $headers;
}

function cocart_standin_add_headers( $response, $server, WP_REST_Request $request ) {
	$endpoint = cocart_standin_endpoint( $request );
	if ( '' === $endpoint ) {
		return $response;
	}
	$response->header( 'CoCart-Timestamp', (string) time() );
	if ( preg_match( '#^(cart|get-cart|add-item|logout)\b#', $endpoint ) ) {
		$response->header( 'Expires', 'Thu, 01-Jan-70 00:00:01 GMT' );
		$response->header( 'Cache-Control', wp_get_nocache_headers()['Cache-Control'] );
		$response->header( 'Pragma', 'no-cache' );
	}
	return $response;
}
