<?php
/**
 * Where CoCart looks for a user name and a password, in this order: Basic header (from 4.0 on), PHP's
 * own reading of it, query or form parameters, JSON body (4.7 to 4.9).
 */

defined( 'ABSPATH' ) || exit;

/** array( name, password ), or null where the request carries none. */
function cocart_standin_credentials() {
	$sources = array( 'php_auth', 'parameters' );
	if ( cocart_standin_since( '4.0' ) ) {
		array_unshift( $sources, 'basic_header' );
	}
	if ( cocart_standin_between( '4.7', '5.0' ) ) {
		$sources[] = 'json';
	}
	foreach ( $sources as $source ) {
		$found = call_user_func( "cocart_standin_credentials_in_$source" );
		if ( null !== $found ) {
			return $found;
		}
	}
	return null;
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

function cocart_standin_credentials_in_basic_header() {
	if ( ! preg_match( '/^Basic\s+(.+)$/i', trim( cocart_standin_auth_header() ), $part ) ) {
		return null;
	}
	$pair = explode( ':', (string) base64_decode( $part[1] ), 2 );
	return 2 === count( $pair ) ? $pair : null;
}

function cocart_standin_credentials_in_php_auth() {
	if ( empty( $_SERVER['PHP_AUTH_USER'] ) || empty( $_SERVER['PHP_AUTH_PW'] ) ) {
		return null;
	}
	return array_map( 'cocart_standin_received', array( $_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'] ) );
}

function cocart_standin_credentials_in_parameters() {
	if ( empty( $_REQUEST['username'] ) || empty( $_REQUEST['password'] ) ) {
		return null;
	}
	return array_map( 'cocart_standin_received', array( $_REQUEST['username'], $_REQUEST['password'] ) );
}

function cocart_standin_credentials_in_json() {
	$type = isset( $_SERVER['CONTENT_TYPE'] ) ? strtolower( trim( strtok( $_SERVER['CONTENT_TYPE'], ';' ) ) ) : '';
	if ( 'application/json' !== $type ) {
		return null;
	}
	$body = json_decode( (string) file_get_contents( 'php://input' ), true );
	if ( ! is_array( $body ) || empty( $body['username'] ) || empty( $body['password'] ) ) {
		return null;
	}
	return array_map( 'cocart_standin_mangled', array( $body['username'], $body['password'] ) );
}

/** WordPress puts backslashes before quotes in what PHP received; before 4.0 CoCart leaves them there. */
function cocart_standin_received( $text ) {
	return cocart_standin_mangled( cocart_standin_since( '4.0' ) ? wp_unslash( $text ) : $text );
}

/** CoCart cleans passwords as if they were text fields: tags, %41 and double blanks are lost. */
function cocart_standin_mangled( $text ) {
	return is_string( $text ) ? trim( sanitize_text_field( $text ) ) : '';
}

/** The login name behind an e-mail address or a phone number (4.1 and later). */
function cocart_standin_login_name( $name ) {
	if ( ! cocart_standin_since( '4.1' ) || get_user_by( 'login', $name ) ) {
		return $name;
	}
	if ( is_email( $name ) ) {
		$user = get_user_by( 'email', $name );
		return $user ? $user->user_login : $name;
	}
	if ( ! preg_match( '/^\+?[\d\s().-]{5,}$/', $name ) ) {
		return $name;
	}
	$users = get_users( array( 'meta_key' => 'billing_phone', 'meta_value' => $name, 'number' => 1 ) );
	return $users ? $users[0]->user_login : $name;
}
