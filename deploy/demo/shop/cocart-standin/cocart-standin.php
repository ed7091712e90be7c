<?php
/**
 * Plugin Name: CoCart stand-in (not CoCart)
 * Description: Answers like CoCart's REST API, for tests and demos of cocart-gateway. It is NOT CoCart, sells nothing, and has no place on a real site.
 * Version: 1.0
 * License: MIT
 *
 * This is a stand-in written for cocart-gateway. It imitates, from observation, how CoCart
 * authenticates requests and what it answers on login, logout, cart, products and sessions,
 * for the version named by COCART_STANDIN_VERSION: 3.0 to 4.9, and 5.0 for the line that is being
 * developed. It contains no code of CoCart or WooCommerce,
 * and its routes below /test/ tell everything about a request to anybody who asks.
 */

defined( 'ABSPATH' ) || exit;

// CoCart tells other plugins its version so.
define( 'COCART_VERSION', defined( 'COCART_STANDIN_VERSION' ) ? COCART_STANDIN_VERSION : '4.7' );

/** Whether the imitated version of CoCart is at least this one. */
function cocart_standin_since( $version ) {
	return version_compare( COCART_VERSION, $version, '>=' );
}

/** Whether the imitated version is at least the first one, and older than the second. */
function cocart_standin_between( $from, $before ) {
	return cocart_standin_since( $from ) && ! cocart_standin_since( $before );
}

/** The first segment of the routes; a white-label shop renames it (CoCart 4.9 and later). */
function cocart_standin_namespace() {
	return defined( 'COCART_STANDIN_NAMESPACE' ) ? COCART_STANDIN_NAMESPACE : 'cocart';
}

/** An error as CoCart words them: {"code", "message", "data": {"status"}}. */
function cocart_standin_error( $code, $message, $status, $more = array() ) {
	return new WP_Error( $code, $message, array( 'status' => $status ) + $more );
}

foreach ( array( 'requests', 'credentials', 'authentication', 'permissions', 'products', 'carts', 'cart-cookie', 'cart-session', 'woocommerce-session', 'rate-limit', 'cart-answers', 'cart-routes', 'cart-item', 'login', 'two-factor', 'logout', 'sessions', 'store', 'cart-token', 'store-api', 'woocommerce', 'headers', 'looking-glass', 'streams', 'storefront' ) as $cocart_standin_part ) {
	require_once __DIR__ . "/includes/$cocart_standin_part.php";
}
// Included only where it is wanted: PHP declares a class before it runs a line of its file.
if ( defined( 'COCART_STANDIN_JWT_PLUGIN' ) && COCART_STANDIN_JWT_PLUGIN ) {
	require_once __DIR__ . '/includes/jwt-plugin.php';
}
if ( defined( 'COCART_STANDIN_MY_ACCOUNT' ) && COCART_STANDIN_MY_ACCOUNT ) {
	require_once __DIR__ . '/includes/my-account.php';
}

register_activation_hook( __FILE__, 'cocart_standin_create_carts_table' );
register_activation_hook( __FILE__, 'cocart_standin_create_customer_role' );
