<?php
/**
 * Which requests CoCart takes for its own. It looks at the whole raw REQUEST_URI, query included:
 * a client can make any request look like one, so nothing may rely on this.
 */

defined( 'ABSPATH' ) || exit;

function cocart_standin_is_request() {
	$uri    = isset( $_SERVER['REQUEST_URI'] ) ? (string) $_SERVER['REQUEST_URI'] : '';
	$prefix = trailingslashit( rest_get_url_prefix() );
	$space  = cocart_standin_namespace();
	$found  = false !== strpos( $uri, "$prefix$space/" );
	if ( cocart_standin_since( '4.9' ) ) {
		$found = $found || false !== strpos( $uri, 'batch/v1' );
	}
	if ( cocart_standin_since( '4.9.6' ) ) {
		$route = isset( $_GET['rest_route'] ) && is_string( $_GET['rest_route'] ) ? $_GET['rest_route'] : '';
		$found = $found || false !== strpos( $route, "/$space/" ) || false !== strpos( $route, 'batch/v1' );
	}
	return (bool) apply_filters( 'cocart_is_rest_api_request', $found );
}

/** WooCommerce's idea of a REST request: the REST prefix anywhere in the address. */
function cocart_standin_looks_like_rest() {
	$uri = isset( $_SERVER['REQUEST_URI'] ) ? (string) $_SERVER['REQUEST_URI'] : '';
	return false !== strpos( $uri, trailingslashit( rest_get_url_prefix() ) );
}

/** The route without its namespace and version, lower case: "/cocart/v2/Cart/" is "cart". */
function cocart_standin_endpoint( WP_REST_Request $request ) {
	$pattern = '#^/' . preg_quote( cocart_standin_namespace(), '#' ) . '/v\d+/(.*?)/?$#is';
	return preg_match( $pattern, $request->get_route(), $part ) ? strtolower( trim( $part[1] ) ) : '';
}
