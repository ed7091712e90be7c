<?php
/**
 * GET /v2/store, and how CoCart keeps its routes out of WordPress's public index.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_store' );
add_filter( 'rest_index', 'cocart_standin_hide_from_index' );

function cocart_standin_register_store() {
	register_rest_route(
		cocart_standin_namespace() . '/v2',
		'/store',
		array(
			'methods'             => 'GET',
			'callback'            => 'cocart_standin_answer_store',
			'permission_callback' => '__return_true',
		)
	);
}

function cocart_standin_answer_store() {
	return array(
		'version'         => defined( 'COCART_STANDIN_VERSION' ) ? COCART_STANDIN_VERSION : '4.7',
		'title'           => get_option( 'blogname' ),
		'description'     => get_option( 'blogdescription' ),
		'home_url'        => home_url(),
		'language'        => get_bloginfo( 'language' ),
		'gmt_offset'      => get_option( 'gmt_offset' ),
		'timezone_string' => get_option( 'timezone_string' ),
	);
}

/** The list of namespaces keeps its numbering, so JSON makes an object with gaps of it. */
function cocart_standin_hide_from_index( WP_REST_Response $response ) {
	$data  = $response->get_data();
	$ours  = '#^/?' . preg_quote( cocart_standin_namespace(), '#' ) . '(/|$)#';
	$other = function ( $name ) use ( $ours ) {
		return ! preg_match( $ours, $name );
	};
	if ( isset( $data['namespaces'], $data['routes'] ) ) {
		$data['namespaces'] = array_filter( $data['namespaces'], $other );
		$data['routes']     = array_filter( $data['routes'], $other, ARRAY_FILTER_USE_KEY );
		$response->set_data( $data );
	}
	return $response;
}
