<?php
/**
 * The cookie by which a browser finds its cart again: whose it is, when it ends, when it is to be renewed, and a signature over
 * the first two. CoCart before 4.2 has one, also on pages and in the Store API; later versions leave these to WooCommerce.
 */

defined( 'ABSPATH' ) || exit;

final class CoCart_Standin_Cart_Cookie {
	private $name;
	private $separator;
	/** Reports whether an answer may set this cookie to a value. */
	private $may_set;

	private function __construct( $name, $separator, callable $may_set ) {
		$this->name      = $name;
		$this->separator = $separator;
		$this->may_set   = $may_set;
	}

	public static function of_cocart() {
		$may_set = function () {
			return apply_filters( 'cocart_cookie_supported', true );
		};
		return new self( apply_filters( 'cocart_cookie', 'wp_cocart_session_' . COOKIEHASH ), '||', $may_set );
	}

	public static function of_woocommerce() {
		$name    = apply_filters( 'woocommerce_cookie', 'wp_woocommerce_session_' . COOKIEHASH );
		$may_set = function ( $value, $ends ) use ( $name ) {
			return apply_filters( 'woocommerce_set_cookie_enabled', true, $name, $value, $ends, is_ssl() );
		};
		return new self( $name, '|', $may_set );
	}

	/** The key of the cart and when the cookie ends, or array( '', 0 ); the latter also for a cookie with a wrong signature. */
	public function read() {
		$sent  = isset( $_COOKIE[ $this->name ] ) ? wp_unslash( $_COOKIE[ $this->name ] ) : '';
		$parts = is_string( $sent ) ? explode( $this->separator, $sent ) : array();
		$valid = 4 === count( $parts ) && '' !== $parts[0] && hash_equals( $this->signature( $parts[0], $parts[1] ), $parts[3] );
		return $valid ? array( $parts[0], (int) $parts[1] ) : array( '', 0 );
	}

	public function set( $key, $ends ) {
		$this->send( implode( $this->separator, array( $key, $ends, $ends - DAY_IN_SECONDS, $this->signature( $key, $ends ) ) ), $ends );
	}

	public function forget() {
		$this->send( '', time() - YEAR_IN_SECONDS );
	}

	private function send( $value, $ends ) {
		if ( ! headers_sent() && call_user_func( $this->may_set, $value, $ends ) ) {
			setcookie( $this->name, $value, $ends, '/', '', is_ssl(), true );
		}
	}

	private function signature( $key, $ends ) {
		return hash_hmac( 'md5', "$key|$ends", wp_hash( "$key|$ends" ) );
	}
}
