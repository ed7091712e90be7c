<?php
/**
 * POST /v1/logout and /v2/logout: WordPress's own logout, which a guest may ask for too.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_logout' );

function cocart_standin_register_logout() {
	foreach ( array( 'v1', 'v2' ) as $version ) {
		register_rest_route(
			cocart_standin_namespace() . "/$version",
			'/logout',
			array(
				'methods'             => 'POST',
				'callback'            => 'cocart_standin_logout',
				'permission_callback' => '__return_true',
			)
		);
	}
}

function cocart_standin_logout() {
	wp_logout();
	return rest_ensure_response( true );
}
