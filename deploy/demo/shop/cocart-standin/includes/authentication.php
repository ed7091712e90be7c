<?php
/**
 * CoCart's authentication: at which hooks and priorities, by version, and with which words.
 */

defined( 'ABSPATH' ) || exit;

class CoCart_Standin_Authentication {
	/** Whose saved cart was fetched at rest_authentication_errors; null where that did not happen. */
	public static $saved_cart_of = null;

	/** The error of this request's credentials, told at rest_authentication_errors. */
	private $error = null;

	/** Whether CoCart, and not a cookie or another plugin, named the user. */
	private $authenticated_by_cocart = false;

	public function __construct() {
		// Until 4.9, and again in 5.0, the hooks exist only on requests that look like CoCart's when plugins load.
		if ( ! cocart_standin_between( '4.9', '5.0' ) && ! cocart_standin_is_request() ) {
			return;
		}
		add_filter( 'determine_current_user', array( $this, 'authenticate' ), self::priority() );
		add_filter( 'rest_authentication_errors', array( $this, 'fallback' ), 10 );
		if ( ! cocart_standin_since( '4.2' ) || cocart_standin_between( '4.3.7', '4.6.2' ) || cocart_standin_since( '5.0' ) ) {
			add_filter( 'rest_authentication_errors', array( $this, 'user_logged_in' ), 10 );
		}
		add_filter( 'rest_authentication_errors', array( $this, 'check' ), 15 );
		if ( cocart_standin_between( '3.1', '4.1' ) ) {
			add_filter( 'rest_authentication_errors', array( $this, 'send_cart_key' ), 20 );
		}
		if ( cocart_standin_since( '5.0' ) ) {
			$this->do_as_5_does();
		}
	}

	private static function priority() {
		if ( cocart_standin_between( '4.8', '5.0' ) ) {
			return 10;
		}
		return cocart_standin_since( '3.1' ) ? 16 : 15;
	}

	/** Over TLS nobody is asked for a nonce any more, on any route of the API. */
	private function do_as_5_does() {
		add_filter( 'rest_authentication_errors', 'cocart_standin_limit_rate', 20 );
		if ( is_ssl() ) {
			remove_filter( 'rest_authentication_errors', 'rest_cookie_check_errors', 100 );
		}
	}

	/** determine_current_user: whoever answered before is believed, and nothing else is looked at. */
	public function authenticate( $user_id ) {
		if ( ! cocart_standin_is_request() || ! empty( $user_id ) ) {
			return $user_id;
		}
		if ( $this->credentials_count() ) {
			$user_id = $this->by_credentials( $user_id );
		}
		$asked = array( $user_id, is_ssl() );
		if ( cocart_standin_since( '3.8.1' ) ) {
			$asked[] = $this;
		}
		$user_id                       = apply_filters( 'cocart_authenticate', ...$asked );
		$this->authenticated_by_cocart = ! empty( $user_id );
		return $user_id;
	}

	/** Other plugins call it; where it is protected, that is a fatal error. */
	protected function set_error( $error ) {
		$this->error = $error;
	}

	/** rest_authentication_errors 10: a user whom some plugin lost in between is found again. */
	public function fallback( $result ) {
		if ( empty( $result ) && null === $this->error && $this->authenticated_by_cocart && ! is_user_logged_in() ) {
			$user_id = $this->authenticate( false );
			if ( $user_id ) {
				wp_set_current_user( $user_id );
			}
		}
		return $result;
	}

	/**
	 * rest_authentication_errors 10: the saved cart of a customer is fetched, and 5.0 loads the session only now.
	 * Somebody who answered before keeps both from happening.
	 */
	public function user_logged_in( $result ) {
		if ( ! empty( $result ) ) {
			return $result;
		}
		self::$saved_cart_of = get_current_user_id();
		if ( cocart_standin_since( '5.0' ) ) {
			CoCart_Standin_Session::load();
		}
		return $result;
	}

	/**
	 * rest_authentication_errors 15. Returning true switches WordPress's nonce check off: until 4.9.7
	 * it is so for everybody, and a login cookie alone is enough.
	 */
	public function check( $result ) {
		if ( ! empty( $result ) || ! cocart_standin_is_request() ) {
			return $result;
		}
		if ( null !== $this->error ) {
			return $this->error;
		}
		if ( cocart_standin_since( '4.9.7' ) ) {
			return $this->authenticated_by_cocart ? true : $result;
		}
		return true;
	}

	/** rest_authentication_errors 20 in 3.x and 4.0: every answer names the cart. 4.1 has the hook, too, and comes too late. */
	public function send_cart_key( $result ) {
		if ( ! is_wp_error( $result ) && CoCart_Standin_Session::$current && '' !== CoCart_Standin_Session::$current->header ) {
			header( cocart_standin_header( 'Cart-Key' ) . ': ' . CoCart_Standin_Session::$current->header );
		}
		return $result;
	}

	private function credentials_count() {
		return is_ssl() || in_array( wp_get_environment_type(), array( 'local', 'development' ), true );
	}

	private function by_credentials( $user_id ) {
		list( $name, $password ) = cocart_standin_credentials();
		if ( empty( $name ) && empty( $password ) ) {
			return $user_id;
		}
		if ( empty( $name ) || empty( $password ) ) { // Half of a pair is an error since 4.2.
			return cocart_standin_between( '4.2', '5.0' ) ? $this->refuse( 'Authentication invalid!' ) : $user_id;
		}
		return cocart_standin_between( '4.2', '5.0' ) ? $this->by_password( $name, $password ) : $this->by_wordpress( $name, $password );
	}

	/** From 4.2 to 4.9 CoCart compares the password itself, past every hook that counts failed logins. */
	private function by_password( $name, $password ) {
		$user = get_user_by( 'login', $name );
		if ( ! $user && ! cocart_standin_since( '4.3.16' ) ) {
			throw new TypeError( 'CoCart compares the password of a user who is not there' ); // A 500.
		}
		if ( ! $user ) {
			return $this->refuse( 'Authentication is invalid. Please check your login details are correct and try again.' );
		}
		if ( ! wp_check_password( $password, $user->user_pass, $user->ID ) ) {
			return $this->refuse( 'The password you entered is incorrect.' );
		}
		return $user->ID;
	}

	private function by_wordpress( $name, $password ) {
		$user = wp_authenticate( $name, $password );
		if ( is_wp_error( $user ) ) {
			return $this->refuse( 'Authentication is invalid. Please check the authentication information is correct and try again.' );
		}
		return $user->ID;
	}

	private function refuse( $message ) {
		$this->set_error( cocart_standin_error( 'cocart_authentication_error', $message, 401 ) );
		return false;
	}
}

/** 3.1 to 3.x, and 4.3.23 to 4.9: other plugins may tell an error. */
final class CoCart_Standin_Open_Authentication extends CoCart_Standin_Authentication {
	public function set_error( $error ) {
		parent::set_error( $error );
	}
}

if ( cocart_standin_between( '3.1', '4.0' ) || cocart_standin_between( '4.3.23', '5.0' ) ) {
	new CoCart_Standin_Open_Authentication();
} else {
	new CoCart_Standin_Authentication();
}
