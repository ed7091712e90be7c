<?php
/**
 * POST /v2/login tells who is logged in. The credentials were judged long before it runs.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_login' );

function cocart_standin_register_login() {
	register_rest_route(
		cocart_standin_namespace() . '/v2',
		'/login',
		array(
			array(
				'methods'             => 'POST',
				'callback'            => 'cocart_standin_login',
				'permission_callback' => 'cocart_standin_may_log_in',
				'args'                => cocart_standin_since( '4.7' ) ? array( 'username' => array( 'type' => 'string' ), 'password' => array( 'type' => 'string' ) ) : array(),
			),
			'schema' => 'cocart_standin_login_schema',
		)
	);
}

/** WordPress puts it into the answer to OPTIONS. */
function cocart_standin_login_schema() {
	return array(
		'$schema'    => 'http://json-schema.org/draft-04/schema#',
		'title'      => 'cocart_login',
		'type'       => 'object',
		'properties' => array( 'user_id' => array( 'type' => 'string', 'readonly' => true ) ),
	);
}

function cocart_standin_may_log_in( WP_REST_Request $request ) {
	if ( ! is_user_logged_in() ) {
		return cocart_standin_error( 'cocart_rest_not_authorized', 'Sorry, you are not authorized.', rest_authorization_required_code() );
	}
	if ( cocart_standin_login_is_secure_already( $request ) ) {
		return true;
	}
	return apply_filters( 'cocart_login_permission_callback', true, wp_get_current_user(), $request );
}

/**
 * Since 4.8 the second factor is skipped where the request seems to be authenticated by a token or
 * an API key. It is judged by what the request merely contains, so a client can pretend.
 */
function cocart_standin_login_is_secure_already( WP_REST_Request $request ) {
	if ( ! cocart_standin_since( '4.8' ) ) {
		return false;
	}
	$method = '';
	if ( false !== strpos( cocart_standin_auth_header(), 'Bearer ' ) ) {
		$method = 'jwt';
	} elseif ( isset( $request['consumer_key'] ) || isset( $request['consumer_secret'] ) ) {
		$method = 'api_key';
	}
	return in_array( $method, (array) apply_filters( 'cocart_login_secure_auth_methods', array( 'jwt', 'api_key' ) ), true );
}

function cocart_standin_login() {
	$user  = wp_get_current_user();
	$roles = wp_roles()->role_names;
	$role  = reset( $user->roles );
	return rest_ensure_response( cocart_standin_login_answer( $user, $role && isset( $roles[ $role ] ) ? translate_user_role( $roles[ $role ] ) : '' ) );
}

/** Before 3.8.1 no plugin could add anything; 5.0 leaves the avatars out unless they are asked for. */
function cocart_standin_login_answer( WP_User $user, $role ) {
	$answer = array(
		'user_id'      => (string) $user->ID,
		'first_name'   => $user->first_name,
		'last_name'    => $user->last_name,
		'display_name' => $user->display_name,
		'role'         => $role,
		'avatar_urls'  => rest_get_avatar_urls( $user->user_email ),
		'email'        => $user->user_email,
		'extras'       => apply_filters( 'cocart_login_extras', array(), $user ),
		'dev_note'     => "Don't forget to store the users login information in order to authenticate all other routes with CoCart.",
	);
	if ( ! cocart_standin_since( '3.8.1' ) ) {
		unset( $answer['extras'] );
	}
	if ( cocart_standin_since( '5.0' ) && ( ! isset( $_GET['avatars'] ) || 'true' !== $_GET['avatars'] ) ) {
		unset( $answer['avatar_urls'] );
	}
	return $answer;
}
