<?php
/**
 * CoCart's authentication: at which hooks and priorities, by version, and with which words.
 */

defined( 'ABSPATH' ) || exit;

final class CoCart_Standin_Authentication {
	/** The error of this request's credentials, told at rest_authentication_errors. */
	private $error = null;

	/** Whether CoCart, and not a cookie or another plugin, named the user. */
	private $authenticated_by_cocart = false;

	public function __construct() {
		// Until 4.8 the hooks exist only on requests that look like CoCart's when plugins load.
		if ( ! cocart_standin_since( '4.8' ) && ! cocart_standin_is_request() ) {
			return;
		}
		$late = cocart_standin_since( '4.8' ) ? 10 : 16;
		add_filter( 'determine_current_user', array( $this, 'authenticate' ), $late );
		add_filter( 'rest_authentication_errors', array( $this, 'fallback' ), 10 );
		add_filter( 'rest_authentication_errors', array( $this, 'check' ), 15 );
	}

	/** determine_current_user: whoever answered before is believed, and nothing else is looked at. */
	public function authenticate( $user_id ) {
		if ( ! cocart_standin_is_request() || ! empty( $user_id ) ) {
			return $user_id;
		}
		if ( $this->credentials_count() ) {
			$user_id = $this->by_credentials( $user_id );
		}
		$user_id                       = apply_filters( 'cocart_authenticate', $user_id, is_ssl(), $this );
		$this->authenticated_by_cocart = ! empty( $user_id );
		return $user_id;
	}

	/** Public from 4.3.23 on, protected before; other plugins call it. */
	public function set_error( $error ) {
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
	 * rest_authentication_errors 15. Returning true switches WordPress's nonce check off: until 4.9.7
	 * a login cookie alone is enough.
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
		return is_user_logged_in() ? true : $result;
	}

	private function credentials_count() {
		return is_ssl() || in_array( wp_get_environment_type(), array( 'local', 'development' ), true );
	}

	private function by_credentials( $user_id ) {
		$credentials = cocart_standin_credentials();
		if ( null === $credentials ) {
			return $user_id;
		}
		list( $name, $password ) = $credentials;
		if ( '' === (string) $name || '' === (string) $password ) {
			return $this->refuse( 'Authentication invalid!' );
		}
		return cocart_standin_since( '4.2' ) ? $this->by_password( $name, $password ) : $this->by_wordpress( $name, $password );
	}

	/** 4.2 and later compare the password themselves, past every hook that counts failed logins. */
	private function by_password( $name, $password ) {
		$user = get_user_by( 'login', cocart_standin_login_name( $name ) );
		if ( ! $user ) {
			return $this->refuse( 'Authentication is invalid. Please check your login details are correct and try again.' );
		}
		if ( ! wp_check_password( $password, $user->user_pass, $user->ID ) ) {
			return $this->refuse( 'The password you entered is incorrect.' );
		}
		return $user->ID;
	}

	private function by_wordpress( $name, $password ) {
		$user = wp_authenticate( cocart_standin_login_name( $name ), $password );
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

new CoCart_Standin_Authentication();
