<?php
/**
 * The headers that CoCart and WooCommerce put on answers.
 */

defined( 'ABSPATH' ) || exit;

add_filter( 'rest_exposed_cors_headers', 'cocart_standin_more_cors_headers' );
add_filter( 'rest_allowed_cors_headers', 'cocart_standin_more_cors_headers' );
add_filter( 'nocache_headers', 'cocart_standin_never_store' );
add_filter( 'rest_post_dispatch', 'cocart_standin_add_headers', 10, 3 );

/** Only where CoCart takes the request for its own, as it does whenever the address says so. */
function cocart_standin_more_cors_headers( $headers ) {
	if ( ! cocart_standin_is_request() ) {
		return $headers;
	}
	return array_merge( $headers, array_map( 'cocart_standin_header', array( 'Cart-Key', 'Cart-Expiring', 'Cart-Expiration' ) ) );
}

/** The name of a header: 5.0 dropped the prefix. */
function cocart_standin_header( $name ) {
	if ( cocart_standin_since( '5.0' ) ) {
		return $name;
	}
	return ( 'Timestamp' === $name ? 'CoCart-' : 'CoCart-API-' ) . $name;
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
	$response->header( cocart_standin_header( 'Timestamp' ), (string) time() );
	if ( preg_match( '#^(cart|get-cart|add-item|logout)\b#', $endpoint ) ) {
		$response->header( 'Expires', 'Thu, 01-Jan-70 00:00:01 GMT' );
		$response->header( 'Cache-Control', wp_get_nocache_headers()['Cache-Control'] );
		$response->header( 'Pragma', 'no-cache' );
	}
	return $response;
}
