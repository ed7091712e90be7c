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
	/** The key that the body of answers names, and that of their header: before 4.1 it is the one that was asked for. */
	public $shown;
	public $header;
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

	public function __construct() {
		$user             = get_current_user_id();
		$asked            = self::asked_key();
		$named            = self::named_customer();
		$own              = $user ? (string) $user : ( '' !== $named ? $named : '' );
		$this->key        = '' !== $own ? $own : ( '' !== $asked ? $asked : self::new_guest_key() );
		$this->expiring   = time() + DAY_IN_SECONDS;
		$this->expiration = time() + ( $user ? 7 : 2 ) * DAY_IN_SECONDS;
		if ( $user && '' !== $asked && self::opens_any_cart( $asked ) ) {
			$this->key = $asked;
		}
		$this->items = cocart_standin_read_cart( $this->key );
		if ( $user && ! cocart_standin_since( '4.2' ) && '' !== self::key_in_cookie() ) {
			$this->replace( $asked );
		}
		if ( $user && '' !== $asked && $asked !== $this->key && cocart_standin_since( '3.1' ) ) {
			$this->take_over( cocart_standin_since( '4.2' ) ? $asked : self::raw_parameter() );
		}
		if ( cocart_standin_between( '3.1', '4.6.2' ) ) {
			$this->merge_raw();
		}
		$this->shown  = $this->key;
		$this->header = isset( $_REQUEST['cart_key'] ) || '' !== $asked ? $asked : $this->key;
	}

	/** A customer who names a cart works in that one: in any until 4.3.5, in that of another customer until 4.6.1. */
	private static function opens_any_cart( $asked ) {
		return cocart_standin_between( '4.2', '4.3.6' ) || cocart_standin_between( '4.3.6', '4.6.2' ) && self::is_customer( $asked );
	}

	private static function is_customer( $key ) {
		$user = is_numeric( $key ) ? get_userdata( (int) $key ) : false;
		return $user && in_array( 'customer', $user->roles, true );
	}

	/**
	 * The key that a request names, with what no key has taken out ("device:9F" is "device9f"). The parameter is known in
	 * query and form; one header is known since 4.2 and goes first, another since 5.0. Until 4.2 there is a cookie.
	 */
	public static function asked_key() {
		$asked = isset( $_REQUEST['cart_key'] ) ? sanitize_key( wp_unslash( $_REQUEST['cart_key'] ) ) : '';
		if ( ! cocart_standin_since( '4.2' ) ) {
			return '' !== $asked ? self::not_nothing( $asked ) : self::key_in_cookie();
		}
		foreach ( cocart_standin_since( '5.0' ) ? array( 'HTTP_COCART_API_CART_KEY', 'HTTP_CART_KEY' ) : array( 'HTTP_COCART_API_CART_KEY' ) as $header ) {
			if ( ! empty( $_SERVER[ $header ] ) ) {
				return self::not_nothing( sanitize_key( wp_unslash( $_SERVER[ $header ] ) ) );
			}
		}
		return self::not_nothing( $asked );
	}

	/** "0" is as empty as nothing. */
	private static function not_nothing( $key ) {
		$key = trim( (string) $key );
		return empty( $key ) || strlen( $key ) > 42 ? '' : $key;
	}

	/** As the request has it: until 4.6.2 this is what the check for a customer's key looks at. */
	public static function raw_parameter() {
		$raw = isset( $_REQUEST['cart_key'] ) ? wp_unslash( $_REQUEST['cart_key'] ) : '';
		return is_string( $raw ) ? trim( esc_html( $raw ) ) : '';
	}

	public static function key_in_cookie() {
		return CoCart_Standin_Cart_Cookie::of_cocart()->read()[0];
	}

	/** 5.0 lets a header name the customer, whoever sends it. */
	private static function named_customer() {
		$id = isset( $_SERVER['HTTP_COCART_API_CUSTOMER'] ) && cocart_standin_since( '5.0' ) ? wp_unslash( $_SERVER['HTTP_COCART_API_CUSTOMER'] ) : '';
		return is_string( $id ) && ctype_digit( $id ) && get_userdata( (int) $id ) ? $id : '';
	}

	/** Since 4.3.23 a guest's key differs from a customer's; it is shorter since 4.2. */
	public static function new_guest_key() {
		$key = bin2hex( random_bytes( cocart_standin_since( '4.2' ) ? 15 : 16 ) );
		return cocart_standin_since( '4.3.23' ) ? "t_$key" : $key;
	}

	public function add( $product, $quantity ) {
		$this->items[ $product ] = $quantity + ( isset( $this->items[ $product ] ) ? $this->items[ $product ] : 0 );
		$this->save();
		$this->remember();
	}

	/** Until 4.2 the browser gets a cookie with the first item, a customer's too. */
	private function remember() {
		if ( ! cocart_standin_since( '4.2' ) ) {
			CoCart_Standin_Cart_Cookie::of_cocart()->set( $this->key, $this->expiration );
		}
	}

	public function save() {
		cocart_standin_write_cart( $this->key, $this->items, $this->expiration );
	}

	/**
	 * The cart of the parameter as it was sent is merged in, also for guests: load_cart_from_session of 3.x to 4.6.1. The
	 * data base takes a full-width 4 for a 4.
	 */
	private function merge_raw() {
		$raw    = self::raw_parameter();
		$theirs = '' !== $raw && '0' !== $raw && $raw !== $this->key ? cocart_standin_read_cart( $raw ) : array();
		if ( $theirs && ! ( ! is_user_logged_in() && is_numeric( $raw ) && get_userdata( (int) $raw ) ) ) {
			$this->items = $theirs + $this->items;
			$this->save();
		}
	}

	/** Beside a cookie, a customer's cart is the one that is asked for; a guest's goes. An empty one replaces nothing. */
	private function replace( $key ) {
		$theirs = $key === $this->key || apply_filters( 'cocart_override_cookie_check', false ) ? array() : cocart_standin_read_cart( $key );
		if ( ! $theirs ) {
			return;
		}
		$this->items = $theirs;
		$this->save();
		$this->remember();
		if ( ! is_numeric( $key ) || ! get_userdata( (int) $key ) ) {
			cocart_standin_write_cart( $key, array(), $this->expiration );
		}
	}

	/**
	 * A customer names another cart. A guest's moves over, and from 4.6.2 to 4.7 takes the place of the customer's, also if it
	 * is empty because it has moved before. Until 4.9.5 another customer's is copied: anybody with an account could read
	 * anybody's cart.
	 */
	private function take_over( $key ) {
		$of_customer = is_numeric( $key );
		if ( $of_customer && cocart_standin_since( '4.9.5' ) ) {
			return;
		}
		$theirs   = cocart_standin_read_cart( $key );
		$replaces = cocart_standin_between( '4.6.2', '4.8' ) && in_array( 'customer', wp_get_current_user()->roles, true );
		if ( ! $theirs && ! $replaces ) {
			return;
		}
		$this->items = $replaces ? $theirs : $theirs + $this->items;
		$this->save();
		if ( ! $of_customer ) {
			cocart_standin_write_cart( $key, array(), $this->expiration );
		}
	}
}

add_action( 'wp_loaded', array( 'CoCart_Standin_Session', 'load_on_page' ), 5 );
add_action( 'rest_api_init', array( 'CoCart_Standin_Session', 'load_on_rest' ), 5 );
add_filter( 'rest_pre_dispatch', 'cocart_standin_protect_customer_cart', 9, 3 );

/**
 * A guest who names a customer's cart is sent away, with WordPress's other error shape, and so is a customer who names
 * their own. 3.0 looks at every route, later ones where a cart is loaded; the header is not looked at until 4.6.2.
 */
function cocart_standin_protect_customer_cart( $result, $server, WP_REST_Request $request ) {
	if ( ! cocart_standin_is_request() || null === CoCart_Standin_Session::$current && cocart_standin_since( '3.1' ) ) {
		return $result;
	}
	$asked = cocart_standin_since( '4.6.2' ) ? CoCart_Standin_Session::asked_key() : CoCart_Standin_Session::raw_parameter();
	$asked = '' === $asked && ! is_user_logged_in() && ! cocart_standin_since( '4.2' ) ? CoCart_Standin_Session::key_in_cookie() : $asked;
	if ( is_user_logged_in() ) {
		if ( (string) get_current_user_id() === $asked ) {
			wp_send_json_error( new WP_Error( 'cocart_already_authenticating_user', 'You are already authenticating as the customer. Cannot set cart key as the user.' ), 403 );
		}
		return $result;
	}
	if ( is_numeric( $asked ) && get_userdata( (int) $asked ) ) {
		header_remove( cocart_standin_header( 'Cart-Key' ) ); // CoCart ends here before it sends one.
		wp_send_json_error( new WP_Error( 'cocart_must_authenticate_user', 'Must authenticate customer as the cart key provided is a registered customer.' ), 403 );
	}
	return $result;
}
