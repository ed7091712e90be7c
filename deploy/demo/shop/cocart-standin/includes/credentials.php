<?php
/**
 * Where CoCart looks for a user name and a password, in this order: the Basic header (from 4.0 on), PHP's own reading
 * of it, query or form parameters, a JSON body (4.7 to 4.9). The first place that applies is the only one:
 * a Basic header without a colon keeps CoCart from looking further.
 */

defined( 'ABSPATH' ) || exit;

/** array( name, password ); both are '' where the request carries none. The name is a login name, if one was found. */
function cocart_standin_credentials() {
	if ( ! cocart_standin_since( '4.0' ) ) {
		return cocart_standin_credentials_of_3();
	}
	$header = cocart_standin_auth_header();
	if ( 0 === stripos( $header, 'basic ' ) ) {
		$pair = explode( ':', (string) base64_decode( substr( $header, 6 ) ), 2 );
		return 2 === count( $pair ) ? array( cocart_standin_login_name( $pair[0] ), $pair[1] ) : array( '', '' );
	}
	if ( ! empty( $_SERVER['PHP_AUTH_USER'] ) && ! empty( $_SERVER['PHP_AUTH_PW'] ) ) {
		return cocart_standin_cleaned( wp_unslash( $_SERVER['PHP_AUTH_USER'] ), wp_unslash( $_SERVER['PHP_AUTH_PW'] ) );
	}
	if ( ! empty( $_REQUEST['username'] ) && ! empty( $_REQUEST['password'] ) ) {
		return cocart_standin_cleaned( wp_unslash( $_REQUEST['username'] ), wp_unslash( $_REQUEST['password'] ) );
	}
	return cocart_standin_between( '4.7', '5.0' ) ? cocart_standin_credentials_in_json() : array( '', '' );
}

/** 3.x leaves WordPress's backslashes in, and looks an e-mail address up by itself. */
function cocart_standin_credentials_of_3() {
	if ( ! empty( $_SERVER['PHP_AUTH_USER'] ) && ! empty( $_SERVER['PHP_AUTH_PW'] ) ) {
		list( $name, $password ) = array( $_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'] );
	} elseif ( ! empty( $_REQUEST['username'] ) && ! empty( $_REQUEST['password'] ) ) {
		list( $name, $password ) = array( $_REQUEST['username'], $_REQUEST['password'] );
	} else {
		return array( '', '' );
	}
	$login = trim( sanitize_user( $name ) );
	if ( is_email( $name ) ) {
		$user  = get_user_by( 'email', $name );
		$login = $user ? $user->user_login : '';
	}
	return array( $login, trim( sanitize_text_field( $password ) ) );
}

/** The Authorization header; getallheaders() still knows it when a plugin has unset $_SERVER's. */
function cocart_standin_auth_header() {
	$header = '';
	foreach ( array( 'HTTP_AUTHORIZATION', 'REDIRECT_HTTP_AUTHORIZATION' ) as $name ) {
		if ( '' === $header && ! empty( $_SERVER[ $name ] ) ) {
			$header = wp_unslash( $_SERVER[ $name ] );
		}
	}
	if ( '' === $header && function_exists( 'getallheaders' ) ) {
		$all    = array_change_key_case( getallheaders() );
		$header = isset( $all['authorization'] ) ? $all['authorization'] : '';
	}
	return cocart_standin_since( '4.1' ) ? (string) apply_filters( 'cocart_auth_header', $header ) : $header;
}

/** On POST, wherever application/json stands in the type once tags and percent-encoded octets are taken out. */
function cocart_standin_credentials_in_json() {
	$type = isset( $_SERVER['CONTENT_TYPE'] ) ? trim( sanitize_text_field( wp_unslash( $_SERVER['CONTENT_TYPE'] ) ) ) : '';
	if ( 'POST' !== $_SERVER['REQUEST_METHOD'] || false === stripos( $type, 'application/json' ) ) {
		return array( '', '' );
	}
	$body = json_decode( (string) file_get_contents( 'php://input' ), true );
	if ( ! is_array( $body ) || empty( $body['username'] ) || empty( $body['password'] ) ) {
		return array( '', '' );
	}
	return cocart_standin_cleaned( $body['username'], $body['password'] );
}

/** Names lose what no login name has; passwords lose tags, %41 and double blanks. */
function cocart_standin_cleaned( $name, $password ) {
	$name = is_scalar( $name ) ? trim( sanitize_user( $name ) ) : ''; // Of a list WordPress 6.2 and later make nothing.
	return array( cocart_standin_login_name( $name ), trim( sanitize_text_field( $password ) ) );
}

/**
 * The login name behind a phone number, else behind an e-mail address (4.1 and later). From 4.2 on a phone number that
 * is unknown names no account, also where it is the login name of an account. Nothing at all counts as a phone number, and as
 * that of the first customer who has one.
 */
function cocart_standin_login_name( $name ) {
	if ( ! cocart_standin_since( '4.1' ) ) {
		return $name;
	}
	if ( '' === trim( (string) preg_replace( '/[\s#0-9_\-+\/().]/', '', $name ) ) ) {
		$users = get_users( array( 'meta_key' => 'billing_phone', 'meta_value' => $name, 'meta_compare' => '=' ) );
		$name  = $users ? $users[0]->user_login : ( cocart_standin_since( '4.2' ) ? '' : $name );
	}
	$user = is_email( $name ) ? get_user_by( 'email', $name ) : false;
	return $user ? $user->user_login : $name;
}
