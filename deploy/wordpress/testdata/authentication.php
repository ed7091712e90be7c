<?php
/** Who else has a say in who the visitor is: WordPress's core by cookie, and CoCart by password. */

/** Whom the cookie of a browser names. */
function cookie_user() {
	$valid                          = 'bob' === ( $_COOKIE['wordpress_logged_in_5f2a'] ?? '' );
	$GLOBALS['wp_rest_auth_cookie'] = $valid;
	$valid && do_action( 'auth_cookie_valid' );
	return $valid ? 3 : false;
}

/** The one nonce of that login. */
function wp_verify_nonce( $nonce, $action ) {
	return 'wp_rest' === $action && "nonce of user " . get_current_user_id() === $nonce ? 1 : false;
}

/** Core: wp_validate_auth_cookie (which undoes any earlier answer), wp_validate_logged_in_cookie, rest_cookie_check_errors. */
function load_core() {
	add_filter( 'determine_current_user', fn( $user_id ) => cookie_user() );
	add_filter( 'determine_current_user', fn( $user_id ) => $user_id ? $user_id : cookie_user(), 20 );
	add_filter( 'rest_authentication_errors', 'rest_cookie_check_errors', 100 );
}

function rest_cookie_check_errors( $result ) {
	if ( ! empty( $result ) || empty( $GLOBALS['wp_rest_auth_cookie'] ) && get_current_user_id() ) {
		return $result;
	}
	if ( ! isset( $_SERVER['HTTP_X_WP_NONCE'] ) ) {
		wp_set_current_user( 0 );
	}
	return true;
}

/**
 * CoCart's own authentication, at the priority of a version: 16 before 4.8, 10 since. Whoever is logged in is answered
 * with true, as before 4.9.7: WordPress looks at no nonce then.
 */
function load_cocart( int $priority = 10 ) {
	add_filter( 'determine_current_user', 'cocart_authenticate_user', $priority );
	add_filter( 'rest_authentication_errors', 'cocart_fallback', 10 );
	add_filter( 'rest_authentication_errors', fn( $error ) => empty( $error ) ? $GLOBALS['cocart_error'] ?? ( get_current_user_id() ? true : null ) : $error, 15 );
}

function cocart_authenticate_user( $user_id ) {
	$ours = false !== strpos( $_SERVER['REQUEST_URI'], 'wp-json/cocart/' );
	if ( ! empty( $user_id ) || ! apply_filters( 'cocart_is_rest_api_request', $ours ) ) {
		return $user_id;
	}
	return apply_filters( 'cocart_authenticate', cocart_password_user(), true, null );
}

function cocart_password_user() {
	$header = apply_filters( 'cocart_auth_header', $GLOBALS['getallheaders']['Authorization'] ?? $_SERVER['HTTP_AUTHORIZATION'] ?? '' );
	$basic  = 0 === stripos( $header, 'basic ' ) ? base64_decode( substr( $header, 6 ) ) : null;
	if ( null === $basic && isset( $_SERVER['PHP_AUTH_USER'] ) ) {
		$basic = $_SERVER['PHP_AUTH_USER'] . ':' . $_SERVER['PHP_AUTH_PW'];
	}
	if ( null === $basic && ! empty( $_REQUEST['username'] ) && ! empty( $_REQUEST['password'] ) ) {
		$basic = $_REQUEST['username'] . ':' . $_REQUEST['password'];
	}
	$json = null === $basic && cocart_reads_json() ? json_decode( $GLOBALS['input'] ?? '', true ) : null;
	if ( ! empty( $json['username'] ) && ! empty( $json['password'] ) && is_string( $json['username'] ) ) {
		$basic = "$json[username]:$json[password]";
	}
	return null === $basic ? false : try_password( $basic );
}

function cocart_reads_json(): bool {
	return 'POST' === $_SERVER['REQUEST_METHOD'] && false !== stripos( $_SERVER['CONTENT_TYPE'] ?? '', 'application/json' ) &&
		version_compare( defined( 'COCART_VERSION' ) ? COCART_VERSION : '4.7', '4.7', '>=' );
}

/** CoCart's perform_basic_authentication(): a name it cleans and looks up, and wp_check_password() for whom it finds. */
function try_password( string $basic ) {
	$GLOBALS['sent']['tried'][] = $basic;
	list( $name, $password )    = array_pad( explode( ':', $basic, 2 ), 2, '' );
	$id                         = cocart_finds( apply_filters( 'sanitize_user', $name ) );
	if ( $id && apply_filters( 'check_password', ( $GLOBALS['passwords'][ $basic ] ?? 0 ) === $id, $password, $GLOBALS['users'][ $id ]['user_pass'], $id ) ) {
		return $id;
	}
	$GLOBALS['cocart_error'] = new WP_Error( 'cocart_authentication_error', 'The password you entered is incorrect.', array( 'status' => 401 ) );
	return false;
}

/** By billing phone, e-mail or login name, in this order. */
function cocart_finds( string $name ): int {
	$name = trim( preg_replace( '/<[^>]*>/', '', $name ) );
	foreach ( $GLOBALS['users'] as $id => $user ) {
		if ( ( $GLOBALS['usermeta'][ $id ]['billing_phone'] ?? null ) === $name ) {
			return $id;
		}
	}
	foreach ( array( 'user_email', 'user_login' ) as $field ) {
		foreach ( $GLOBALS['users'] as $id => $user ) {
			if ( 0 === strcasecmp( $user[ $field ], strtr( $name, array( 'À' => 'A' ) ) ) ) {
				return $id;
			}
		}
	}
	return 0;
}

function cocart_fallback( $error ) {
	$user_id = empty( $error ) && 0 === get_current_user_id() ? cocart_authenticate_user( false ) : false;
	if ( $user_id ) {
		wp_set_current_user( $user_id );
		return true;
	}
	return $error;
}
