<?php
/**
 * Whose cart WooCommerce opens on pages and in its Store API, where CoCart since 4.2 leaves that to WooCommerce: the cart of the
 * session cookie goes before that of the user, and becomes the user's. Carts are in CoCart's table.
 */

defined( 'ABSPATH' ) || exit;

final class CoCart_Standin_WooCommerce_Session {
	public $key;
	public $items;
	private $cookie;
	private $expiration;

	public static function load_on_page() {
		if ( cocart_standin_since( '4.2' ) && ! cocart_standin_looks_like_rest() ) {
			new self();
		}
	}

	public function __construct() {
		$this->cookie     = CoCart_Standin_Cart_Cookie::of_woocommerce();
		$this->expiration = time() + ( is_user_logged_in() ? 7 : 2 ) * DAY_IN_SECONDS;
		$user             = (string) get_current_user_id();
		list( $key, $ends ) = $this->cookie->read();
		$this->open( '' === $key ? self::own_key() : $key );
		if ( '' === $key ) {
			return;
		}
		if ( time() > $ends || ! self::is_guest( $key ) && $key !== $user ) {
			$this->destroy();
		} elseif ( is_user_logged_in() && $key !== $user ) {
			$this->give_to( $user );
		}
	}

	/** The first item of a guest's cart sets the cookie, each further one sends it again. */
	public function add( $product, $quantity ) {
		$this->items[ $product ] = $quantity + ( isset( $this->items[ $product ] ) ? $this->items[ $product ] : 0 );
		cocart_standin_write_cart( $this->key, $this->items, $this->expiration );
		$this->cookie->set( $this->key, $this->expiration );
	}

	private function open( $key ) {
		$this->key   = $key;
		$this->items = cocart_standin_read_cart( $key );
	}

	/** The cookie has ended, or is of a user who is not logged in: its cart goes, and so does the cookie. */
	private function destroy() {
		cocart_standin_write_cart( $this->key, array(), $this->expiration );
		$this->cookie->forget();
		$this->open( self::own_key() );
	}

	/** The guest of the cookie logged in: that cart takes the place of the customer's, also if it is empty. */
	private function give_to( $user ) {
		cocart_standin_write_cart( $this->key, array(), $this->expiration );
		$this->key = $user;
		cocart_standin_write_cart( $user, $this->items, $this->expiration );
		$this->cookie->set( $user, $this->expiration );
	}

	private static function own_key() {
		return is_user_logged_in() ? (string) get_current_user_id() : CoCart_Standin_Session::new_guest_key();
	}

	private static function is_guest( $key ) {
		return ! ctype_digit( $key );
	}
}

add_action( 'wp_loaded', array( 'CoCart_Standin_WooCommerce_Session', 'load_on_page' ), 5 );
