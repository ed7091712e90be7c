<?php
/**
 * Whose cart a request is about. This is decided at rest_api_init, BEFORE rest_authentication_errors:
 * an identity that turns up only there finds the guest's cart loaded already.
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
		$this->key        = $user ? (string) $user : ( '' !== $asked ? $asked : self::new_guest_key() );
		$this->items      = cocart_standin_read_cart( $this->key );
		$this->expiring   = time() + DAY_IN_SECONDS;
		$this->expiration = time() + ( $user ? 7 : 2 ) * DAY_IN_SECONDS;
		if ( $user && '' !== $asked && $asked !== $this->key ) {
			$this->take_over( $asked );
		}
	}

	public static function asked_key() {
		$asked = isset( $_GET['cart_key'] ) ? wp_unslash( $_GET['cart_key'] ) : '';
		foreach ( array( 'HTTP_COCART_API_CART_KEY', 'HTTP_CART_KEY' ) as $header ) {
			$asked = '' === $asked && isset( $_SERVER[ $header ] ) ? wp_unslash( $_SERVER[ $header ] ) : $asked;
		}
		$asked = is_string( $asked ) ? sanitize_text_field( $asked ) : '';
		return strlen( $asked ) <= 42 ? $asked : '';
	}

	public static function new_guest_key() {
		return 't_' . bin2hex( random_bytes( 15 ) );
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
