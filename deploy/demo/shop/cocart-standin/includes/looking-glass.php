<?php
/**
 * What a request looks like from inside: /{namespace}/v2/test/whoami, /demo/v1/whoami and any page with
 * ?demo_whoami=1. It answers to anybody, which is what makes it useless on a real site.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_note_early_user', 1 );
add_action( 'rest_api_init', 'cocart_standin_register_looking_glass' );
add_filter( 'rest_authentication_errors', 'cocart_standin_note_authentication', PHP_INT_MAX );
add_action( 'template_redirect', 'cocart_standin_looking_glass_page', 0 );

$GLOBALS['cocart_standin_early_user']               = null;
$GLOBALS['cocart_standin_authentication']           = null;
$GLOBALS['cocart_standin_user_at_permission_check'] = null;

/** Carts are chosen at this moment, so what counts is who the user is now. */
function cocart_standin_note_early_user() {
	$GLOBALS['cocart_standin_early_user'] = get_current_user_id();
}

/** What everybody together answered; true means that WordPress asks for no nonce. */
function cocart_standin_note_authentication( $result ) {
	$GLOBALS['cocart_standin_authentication'] = is_wp_error( $result ) ? $result->get_error_code() : $result;
	return $result;
}

function cocart_standin_register_looking_glass() {
	$route = array(
		'methods'             => 'GET, POST, PUT, PATCH, DELETE',
		'callback'            => 'cocart_standin_facts',
		'permission_callback' => '__return_true',
		'allow_batch'         => array( 'v1' => true ),
	);
	register_rest_route( cocart_standin_namespace() . '/v2', '/test/whoami', $route );
	register_rest_route( 'demo/v1', '/whoami', $route );
}

function cocart_standin_looking_glass_page() {
	if ( isset( $_GET['demo_whoami'] ) ) {
		nocache_headers();
		wp_send_json( cocart_standin_facts(), 200 );
	}
}

function cocart_standin_facts() {
	$user = wp_get_current_user();
	return array(
		'user_id'                  => $user->ID,
		'login'                    => $user->ID ? $user->user_login : '',
		'user_at_rest_api_init'    => $GLOBALS['cocart_standin_early_user'],
		'user_at_permission_check' => $GLOBALS['cocart_standin_user_at_permission_check'],
		'saved_cart_of'            => CoCart_Standin_Authentication::$saved_cart_of,
		'authentication'           => $GLOBALS['cocart_standin_authentication'],
		'cart_key'                 => CoCart_Standin_Session::$current ? CoCart_Standin_Session::$current->key : null,
		'remote_addr'              => $_SERVER['REMOTE_ADDR'],
		'is_ssl'                   => is_ssl(),
		'method'                   => $_SERVER['REQUEST_METHOD'],
		'request_uri'              => $_SERVER['REQUEST_URI'],
		'host'                     => isset( $_SERVER['HTTP_HOST'] ) ? $_SERVER['HTTP_HOST'] : '',
		'server'                   => (object) cocart_standin_request_variables(),
		'headers'                  => (object) getallheaders(),
		'cookies'                  => array_keys( $_COOKIE ),
		'get'                      => (object) wp_unslash( $_GET ),
		'post'                     => (object) wp_unslash( $_POST ),
		'body_base64'           => base64_encode( (string) file_get_contents( 'php://input' ) ),
	);
}

/** All of $_SERVER that a client can have put there. */
function cocart_standin_request_variables() {
	$found = array();
	foreach ( $_SERVER as $name => $value ) {
		if ( preg_match( '/^(HTTP_|REDIRECT_HTTP_|PHP_AUTH_|CONTENT_|HTTPS$|AUTH_TYPE$|REMOTE_USER$)/', $name ) ) {
			$found[ $name ] = mb_convert_encoding( (string) wp_unslash( $value ), 'UTF-8', 'UTF-8' );
		}
	}
	ksort( $found );
	return $found;
}
