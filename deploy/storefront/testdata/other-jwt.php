<?php
/**
 * A small plugin that issues JSON Web Tokens, for tests: a password buys one at POST /jwt-auth/v1/token, and whoever
 * presents it is that user. Its issuer is the home address, its header has no kid, and a bad token is a 403.
 */

function other_jwt_encode( string $bytes ): string {
	return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
}

function other_jwt_sign( string $input ): string {
	return other_jwt_encode( hash_hmac( 'sha256', $input, 'the secret of another plugin, long enough', true ) );
}

function other_jwt_issue( int $user, int $expires ): string {
	$claims = array( 'iss' => get_bloginfo( 'url' ), 'iat' => time(), 'nbf' => time(), 'exp' => $expires, 'data' => array( 'user' => array( 'id' => (string) $user ) ) );
	$input  = other_jwt_encode( '{"typ":"JWT","alg":"HS256"}' ) . '.' . other_jwt_encode( json_encode( $claims ) );
	return $input . '.' . other_jwt_sign( $input );
}

/** @return int|WP_Error|null Null without a bearer. */
function other_jwt_user() {
	$header = $_SERVER['HTTP_AUTHORIZATION'] ?? $_SERVER['REDIRECT_HTTP_AUTHORIZATION'] ?? '';
	if ( 1 !== preg_match( '/^Bearer\s+([^.\s]+\.[^.\s]+)\.([^.\s]+)$/i', $header, $parts ) ) {
		return null;
	}
	$claims = json_decode( base64_decode( strtr( explode( '.', $parts[1] )[1], '-_', '+/' ) ) );
	if ( ! hash_equals( other_jwt_sign( $parts[1] ), $parts[2] ) || ! is_object( $claims ) || time() >= $claims->exp ) {
		return new WP_Error( 'jwt_auth_invalid_token', 'Signature verification failed', array( 'status' => 403 ) );
	}
	return (int) $claims->data->user->id;
}

add_filter(
	'determine_current_user',
	function ( $user ) {
		$named = $user ? $user : other_jwt_user();
		return is_int( $named ) ? $named : $user;
	}
);

add_filter(
	'rest_pre_dispatch',
	function ( $result ) {
		$named = other_jwt_user();
		return is_wp_error( $named ) ? $named : $result;
	}
);

add_action(
	'rest_api_init',
	function () {
		register_rest_route(
			'jwt-auth/v1',
			'token',
			array(
				'methods'             => 'POST',
				'permission_callback' => '__return_true',
				'callback'            => function ( $request ) {
					$user = wp_authenticate( $request['username'], $request['password'] );
					if ( is_wp_error( $user ) ) {
						return new WP_Error( '[jwt_auth] ' . $user->get_error_code(), 'Wrong user name or password.', array( 'status' => 403 ) );
					}
					return array( 'token' => other_jwt_issue( $user->ID, time() + 604800 ), 'user_email' => $user->user_email );
				},
			)
		);
	}
);
