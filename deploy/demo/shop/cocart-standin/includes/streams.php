<?php
/**
 * An answer that arrives in pieces: GET /{namespace}/v2/test/stream?name=X (or /?demo_stream=X) sends
 * "one", waits until somebody POSTs to /{namespace}/v2/test/stream?name=X, then sends "two" and "three".
 * A reader who has seen "one" and only then opens the gate has proof that nobody held it back.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_streams' );
add_action( 'template_redirect', 'cocart_standin_stream_page', 0 );

function cocart_standin_register_streams() {
	register_rest_route(
		cocart_standin_namespace() . '/v2',
		'/test/stream',
		array(
			array( 'methods' => 'GET', 'callback' => 'cocart_standin_stream', 'permission_callback' => '__return_true' ),
			array( 'methods' => 'POST', 'callback' => 'cocart_standin_open_gate', 'permission_callback' => '__return_true' ),
		)
	);
}

function cocart_standin_stream_page() {
	if ( isset( $_GET['demo_stream'] ) && is_string( $_GET['demo_stream'] ) ) {
		cocart_standin_stream_until_open( $_GET['demo_stream'] );
	}
}

function cocart_standin_stream( WP_REST_Request $request ) {
	cocart_standin_stream_until_open( (string) $request['name'] );
}

function cocart_standin_gate( $name ) {
	return get_temp_dir() . 'cocart-standin-stream-' . md5( $name );
}

function cocart_standin_open_gate( WP_REST_Request $request ) {
	touch( cocart_standin_gate( (string) $request['name'] ) );
	return array( 'open' => true );
}

/** Gives up after 30 seconds, and then the reader sees "closed" instead of the rest. */
function cocart_standin_stream_until_open( $name ) {
	$gate = cocart_standin_gate( $name );
	header( 'Content-Type: text/event-stream' );
	header( 'Cache-Control: no-store' );
	cocart_standin_send( "data: one\n\n" );
	$open = false;
	for ( $waited = 0; ! $open && $waited < 1500; $waited++ ) {
		usleep( 20000 );
		clearstatcache( true, $gate );
		$open = file_exists( $gate );
	}
	cocart_standin_send( $open ? "data: two\n\n" : "data: closed\n\n" );
	if ( $open ) {
		unlink( $gate );
		cocart_standin_send( "data: three\n\n" );
	}
	exit;
}

function cocart_standin_send( $piece ) {
	echo $piece;
	while ( ob_get_level() ) {
		ob_end_flush();
	}
	flush();
}
