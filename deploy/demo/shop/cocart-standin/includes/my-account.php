<?php
/**
 * The page "My account" of WooCommerce, as far as plugins that add a tab to it notice: its filters and actions, and that each
 * query variable is a rewrite endpoint, which also works as a parameter. Included only where COCART_STANDIN_MY_ACCOUNT says so.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'init', 'cocart_standin_add_account_endpoints' );
add_action( 'parse_request', 'cocart_standin_read_account_endpoint', 0 );
add_shortcode( 'woocommerce_my_account', 'cocart_standin_my_account' );

/** WC_Query::get_query_vars: names of endpoints by key. */
function cocart_standin_account_endpoints() {
	return apply_filters( 'woocommerce_get_query_vars', array( 'orders' => 'orders', 'customer-logout' => 'customer-logout' ) );
}

function cocart_standin_add_account_endpoints() {
	foreach ( array_filter( cocart_standin_account_endpoints() ) as $name ) {
		add_rewrite_endpoint( $name, EP_PAGES );
	}
}

function cocart_standin_read_account_endpoint( $wp ) {
	foreach ( cocart_standin_account_endpoints() as $key => $name ) {
		if ( isset( $_GET[ $name ] ) ) {
			$wp->query_vars[ $key ] = sanitize_text_field( wp_unslash( $_GET[ $name ] ) );
		}
	}
}

/** wc_get_endpoint_url() of the account page. */
function cocart_standin_account_url( $endpoint ) {
	$page = get_permalink();
	$url  = get_option( 'permalink_structure' ) ? trailingslashit( $page ) . user_trailingslashit( $endpoint ) : add_query_arg( $endpoint, '', $page );
	return apply_filters( 'woocommerce_get_endpoint_url', $url, $endpoint, '', $page );
}

function cocart_standin_my_account() {
	global $wp;
	if ( ! is_user_logged_in() ) {
		return 'Please log in.';
	}
	ob_start();
	do_action( 'woocommerce_before_account_navigation' );
	foreach ( apply_filters( 'woocommerce_account_menu_items', array( 'dashboard' => 'Dashboard', 'orders' => 'Orders', 'customer-logout' => 'Log out' ), array() ) as $key => $label ) {
		// The dashboard is no endpoint; it is known by the query variable that each page has.
		$current = isset( $wp->query_vars[ 'dashboard' === $key ? 'page' : $key ] ) ? ' aria-current="page"' : '';
		printf( '<a class="account-%s" href="%s"%s>%s</a>', esc_attr( $key ), esc_url( cocart_standin_account_url( $key ) ), $current, esc_html( $label ) ); // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped
	}
	foreach ( $wp->query_vars as $key => $value ) {
		if ( 'pagename' !== $key && has_action( "woocommerce_account_{$key}_endpoint" ) ) {
			echo '<h2>' . esc_html( apply_filters( "woocommerce_endpoint_{$key}_title", '', $key, '' ) ) . '</h2>';
			do_action( "woocommerce_account_{$key}_endpoint", $value );
			return ob_get_clean();
		}
	}
	return ob_get_clean() . 'The dashboard.';
}
