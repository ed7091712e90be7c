<?php
/**
 * The limit of 5.0, which a shop must ask for: COCART_STANDIN_RATE_LIMIT requests a minute, counted by
 * customer or by the client's address.
 */

defined( 'ABSPATH' ) || exit;

/** Seconds in which the requests are counted. */
const COCART_STANDIN_RATE_WINDOW = 60;

/** rest_authentication_errors 20: an error that is there already is told instead. */
function cocart_standin_limit_rate( $result ) {
	$limit = defined( 'COCART_STANDIN_RATE_LIMIT' ) ? (int) COCART_STANDIN_RATE_LIMIT : 0;
	if ( is_wp_error( $result ) || 0 === $limit || ! cocart_standin_is_request() ) {
		return $result;
	}
	$who   = is_user_logged_in() ? 'user ' . get_current_user_id() : 'address ' . $_SERVER['REMOTE_ADDR'];
	$name  = 'cocart_standin_rate_' . md5( $who );
	$count = 1 + (int) get_transient( $name );
	set_transient( $name, $count, COCART_STANDIN_RATE_WINDOW );
	header( "RateLimit-Limit: $limit" );
	header( 'RateLimit-Remaining: ' . max( 0, $limit - $count ) );
	if ( $count <= $limit ) {
		return $result;
	}
	return cocart_standin_error( 'rate_limit_exceeded', sprintf( 'Too many requests. Please wait %d seconds before trying again.', COCART_STANDIN_RATE_WINDOW ), 400 );
}
