<?php
/**
 * Whose cart a request is about. This is decided at rest_api_init, BEFORE rest_authentication_errors:
 * an identity that turns up only there finds the guest's cart loaded already. 5.0 alone waits for
 * rest_authentication_errors, priority 10.
 */

defined( 'ABSPATH' ) || exit;

final class CoCart_Standin_Session {
	/** @var self|null the session of this request; null where none was loaded */
	public static $current = null;

	public $key;
	public $items;
	public $expiring;
	public $expiration;

	/** Pages outside of REST always have a cart, as with WooCommerce. */
	public static function load_on_page() {
		if ( ! cocart_standin_looks_like_rest() ) {
			self::$current = new self();
		}
	}

	public static function load_on_rest() {
		if ( ! cocart_standin_since( '5.0' ) ) {
			self::load();
		}
	}

	public static function load() {
		if ( null === self::$current && cocart_standin_is_request() && self::wanted() ) {
			self::$current = new self();
		}
	}

	/** Routes that need no cart load none; login does since 4.8. */
	private static function wanted() {
		$without = array( 'logout', 'products', 'sessions', 'store' );
		if ( ! cocart_standin_since( '4.8' ) ) {
			$without[] = 'login';
		}
		$uri = (string) $_SERVER['REQUEST_URI'];
		return ! preg_match( '#/v\d+/(' . implode( '|', $without ) . ')\b#', $uri );
	}

	private function __construct() {
		$user             = get_current_user_id();
		$asked            = self::asked_key();
		$named            = self::named_customer();
		$this->key        = $user ? (string) $user : ( '' !== $named ? $named : ( '' !== $asked ? $asked : self::new_guest_key() ) );
		$this->items      = cocart_standin_read_cart( $this->key );
		$this->expiring   = time() + DAY_IN_SECONDS;
		$this->expiration = time() + ( $user ? 7 : 2 ) * DAY_IN_SECONDS;
		if ( $user && '' !== $asked && $asked !== $this->key ) {
			$this->take_over( $asked );
		}
		if ( ! $user && ! cocart_standin_since( '4.2' ) ) {
			$this->remember();
		}
	}

	/** The parameter is known since 3.1, the headers since 4.2; until then there is a cookie. */
	public static function asked_key() {
		$asked = isset( $_GET['cart_key'] ) && cocart_standin_since( '3.1' ) ? wp_unslash( $_GET['cart_key'] ) : '';
		if ( '' === $asked ) {
			$asked = cocart_standin_since( '4.2' ) ? self::key_in_headers() : self::key_in_cookie();
		}
		$asked = is_string( $asked ) ? sanitize_text_field( $asked ) : '';
		return strlen( $asked ) <= 42 ? $asked : '';
	}

	private static function key_in_headers() {
		foreach ( array( 'HTTP_COCART_API_CART_KEY', 'HTTP_CART_KEY' ) as $header ) {
			if ( ! empty( $_SERVER[ $header ] ) ) {
				return wp_unslash( $_SERVER[ $header ] );
			}
		}
		return '';
	}

	private static function cookie() {
		return 'wp_cocart_session_' . COOKIEHASH;
	}

	/** key||signature: a cookie that somebody made up is none. */
	private static function key_in_cookie() {
		$cookie = isset( $_COOKIE[ self::cookie() ] ) ? wp_unslash( $_COOKIE[ self::cookie() ] ) : '';
		$parts  = is_string( $cookie ) ? explode( '||', $cookie ) : array();
		return 2 === count( $parts ) && hash_equals( wp_hash( $parts[0] ), $parts[1] ) ? $parts[0] : '';
	}

	private function remember() {
		if ( ! headers_sent() ) {
			setcookie( self::cookie(), $this->key . '||' . wp_hash( $this->key ), $this->expiration, '/', '', is_ssl(), true );
		}
	}

	/** 5.0 lets a header name the customer, whoever sends it. */
	private static function named_customer() {
		$id = isset( $_SERVER['HTTP_COCART_API_CUSTOMER'] ) && cocart_standin_since( '5.0' ) ? wp_unslash( $_SERVER['HTTP_COCART_API_CUSTOMER'] ) : '';
		return is_string( $id ) && ctype_digit( $id ) && get_userdata( (int) $id ) ? $id : '';
	}

	/** Since 4.3.23 a guest's key can be told from a customer's. */
	public static function new_guest_key() {
		return cocart_standin_since( '4.3.23' ) ? 't_' . bin2hex( random_bytes( 15 ) ) : bin2hex( random_bytes( 16 ) );
	}

	public function add( $product, $quantity ) {
		$this->items[ $product ] = $quantity + ( isset( $this->items[ $product ] ) ? $this->items[ $product ] : 0 );
		$this->save();
	}

	public function save() {
		cocart_standin_write_cart( $this->key, $this->items, $this->expiration );
	}

	/**
	 * A customer names another cart. A guest's moves over. Until 4.9.5 another customer's is copied:
	 * anybody with an account could read anybody's cart.
	 */
	private function take_over( $key ) {
		$of_customer = is_numeric( $key );
		if ( $of_customer && cocart_standin_since( '4.9.5' ) ) {
			return;
		}
		$theirs = cocart_standin_read_cart( $key );
		if ( ! $theirs ) {
			return;
		}
		$this->items = $theirs + $this->items;
		$this->save();
		if ( ! $of_customer ) {
			cocart_standin_write_cart( $key, array(), $this->expiration );
		}
	}
}

add_action( 'wp_loaded', array( 'CoCart_Standin_Session', 'load_on_page' ), 5 );
add_action( 'rest_api_init', array( 'CoCart_Standin_Session', 'load_on_rest' ), 5 );
add_filter( 'rest_pre_dispatch', 'cocart_standin_protect_customer_cart', 9, 3 );

/** A guest who names a customer's cart is sent away, with WordPress's other error shape. */
function cocart_standin_protect_customer_cart( $result, $server, WP_REST_Request $request ) {
	$asked = CoCart_Standin_Session::asked_key();
	if ( null === CoCart_Standin_Session::$current || ! cocart_standin_is_request() || is_user_logged_in() || ! is_numeric( $asked ) || ! get_userdata( (int) $asked ) ) {
		return $result;
	}
	wp_send_json_error( new WP_Error( 'cocart_must_authenticate_user', 'Must authenticate customer as the cart key provided is a registered customer.' ), 403 );
}
