<?php
/**
 * Stands in for the plugin CoCart JWT Authentication 3.0, as far as moving over from it goes: it issues and
 * judges tokens as that plugin was seen to do. It keeps its logins and refresh tokens in usermeta, as that
 * one does; they stay when it is switched off. Of its filters it has those that change what tokens look like.
 */

namespace CoCart\JWTAuthentication;

defined( 'ABSPATH' ) || exit;

final class Plugin {

	const TOKENS  = '_cocart_jwt_tokens';
	const LOGINS  = '_cocart_jwt_token_pat';
	const REFRESH = '_cocart_jwt_refresh_tokens';

	public function __construct() {
		add_filter( 'cocart_authenticate', array( $this, 'authenticate' ), 0, 3 );
		add_filter( 'cocart_login_extras', array( $this, 'send_tokens' ), 10, 2 );
		add_action( 'rest_api_init', array( $this, 'register_routes' ) );
		add_action( 'wp_logout', array( $this, 'forget' ) );
		add_action( 'after_password_reset', array( $this, 'forget_user' ) );
		add_action( 'profile_update', array( $this, 'forget_changed' ), 10, 2 );
		add_action( 'delete_user', array( $this, 'forget' ) );
	}

	private function secret() {
		return defined( 'COCART_JWT_AUTH_SECRET_KEY' ) ? \COCART_JWT_AUTH_SECRET_KEY : '';
	}

	/** The token of a header "Bearer a.b.c"; anything else is not looked at. */
	private function bearer() {
		return preg_match( '/^Bearer\s+([\w=-]+\.[\w=-]+\.[\w=-]+)$/i', trim( cocart_standin_auth_header() ), $part ) ? $part[1] : '';
	}

	public function authenticate( $user_id, $ssl, $auth ) {
		$token = $this->bearer();
		if ( ! empty( $user_id ) || '' === $token ) {
			return $user_id;
		}
		$user = $this->judged( $token );
		if ( ! $user ) {
			$auth->set_error( cocart_standin_error( 'cocart_authentication_error', 'Authentication failed.', 403 ) );
			return false;
		}
		return $user;
	}

	/** The user of a good token, or 0. It is bound to the address and the browser of its login. */
	private function judged( $token ) {
		list( $head, $payload, $signature ) = explode( '.', substr( $token, strlen( $this->prefix() ) ) );
		$claims = json_decode( base64_decode( strtr( $payload, '-_', '+/' ) ), true );
		$header = json_decode( base64_decode( strtr( $head, '-_', '+/' ) ), true );
		if ( ! hash_equals( $this->mac( "$head.$payload" ), $signature ) || ! isset( $header['typ'], $header['alg'], $claims['iss'], $claims['exp'], $claims['data']['user']['id'], $claims['data']['user']['pat'] ) ) {
			return 0;
		}
		$user = $claims['data']['user'];
		$fits = 'JWT' === $header['typ'] && $this->algorithm() === $header['alg'] && $this->issuer() === $claims['iss'] && time() <= $claims['exp']
			&& $user['ip'] === $_SERVER['REMOTE_ADDR'] && ( empty( $_SERVER['HTTP_USER_AGENT'] ) || $user['device'] === $_SERVER['HTTP_USER_AGENT'] );
		return $fits && get_userdata( $user['id'] ) && $this->knows( $user['id'], $user['pat'] ) ? $user['id'] : 0;
	}

	private function knows( $user_id, $pat ) {
		return get_user_meta( $user_id, self::TOKENS, true ) && null !== $this->login( $user_id, $pat );
	}

	/** The note of a login: array( pat => array( 'refresh_token' => … ) ), one row of usermeta each. */
	private function login( $user_id, $pat ) {
		foreach ( get_user_meta( $user_id, self::LOGINS ) as $login ) {
			if ( isset( $login[ $pat ] ) ) {
				return $login;
			}
		}
		return null;
	}

	/** Whatever it is called, it is HMAC-SHA256 (RS* are left out: nobody could log in with them). */
	private function algorithm() {
		return apply_filters( 'cocart_jwt_auth_algorithm', 'HS256' );
	}

	private function issuer() {
		return apply_filters( 'cocart_jwt_auth_issuer', get_bloginfo( 'url' ) );
	}

	private function prefix() {
		return apply_filters( 'cocart_jwt_auth_token_prefix', '' );
	}

	private function mac( $text ) {
		return $this->base64( hash_hmac( 'sha256', $text, $this->secret(), true ) );
	}

	private function base64( $bytes ) {
		return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
	}

	/** A new pair for a user, noted in usermeta. */
	private function issue( $user ) {
		$pat     = 'pat_' . bin2hex( random_bytes( 12 ) );
		$agent   = isset( $_SERVER['HTTP_USER_AGENT'] ) ? wp_unslash( $_SERVER['HTTP_USER_AGENT'] ) : '';
		$named   = array( 'id' => (int) $user->ID, 'username' => $user->user_login, 'ip' => $_SERVER['REMOTE_ADDR'], 'device' => $agent, 'pat' => $pat );
		$claims  = array( 'iss' => $this->issuer(), 'iat' => time(), 'nbf' => time(), 'exp' => time() + 10 * DAY_IN_SECONDS, 'data' => array( 'user' => $named ) );
		$signed  = $this->base64( wp_json_encode( array( 'alg' => $this->algorithm(), 'typ' => 'JWT' ) ) ) . '.' . $this->base64( wp_json_encode( $claims ) );
		$token   = $this->prefix() . $signed . '.' . $this->mac( $signed );
		$refresh = apply_filters( 'cocart_jwt_auth_refresh_token_generation', bin2hex( random_bytes( 64 ) ) );
		add_user_meta( $user->ID, self::LOGINS, array( $pat => array( 'created' => time(), 'refresh_token' => $refresh ) ) );
		$tokens = $this->kept( $user->ID, self::TOKENS ) + array( $pat => $token );
		update_user_meta( $user->ID, self::TOKENS, array_slice( $tokens, -5 ) );
		$all             = $this->kept( $user->ID, self::REFRESH );
		$all[ $refresh ] = time() + 30 * DAY_IN_SECONDS;
		update_user_meta( $user->ID, self::REFRESH, $all );
		return array( $token, $refresh );
	}

	private function kept( $user_id, $key ) {
		$kept = get_user_meta( $user_id, $key, true );
		return is_array( $kept ) ? $kept : array();
	}

	/** Who logs in with a token is told the same tokens again. */
	public function send_tokens( $extras, $user ) {
		if ( '' === $this->secret() ) {
			return $extras;
		}
		$token = $this->bearer();
		if ( '' !== $token ) {
			$claims = json_decode( base64_decode( strtr( explode( '.', $token )[1], '-_', '+/' ) ), true );
			$pat    = isset( $claims['data']['user']['pat'] ) ? $claims['data']['user']['pat'] : '';
			$login  = $this->login( $user->ID, $pat );

			list( $extras['jwt_token'], $extras['jwt_refresh'] ) = array( $token, $login ? $login[ $pat ]['refresh_token'] : '' );
			return $extras;
		}
		list( $extras['jwt_token'], $extras['jwt_refresh'] ) = $this->issue( $user );
		return $extras;
	}

	public function register_routes() {
		$routes = array( 'refresh-token' => 'refresh', 'validate-token' => 'validate' );
		foreach ( $routes as $route => $callback ) {
			$may = 'refresh' === $callback ? '__return_true' : 'is_user_logged_in';
			register_rest_route( 'cocart/jwt', "/$route", array( 'methods' => 'POST', 'callback' => array( $this, $callback ), 'permission_callback' => $may ) );
		}
	}

	public function validate() {
		return rest_ensure_response( array( 'message' => 'Token is valid.' ) );
	}

	public function refresh( \WP_REST_Request $request ) {
		$token = (string) $request->get_param( 'refresh_token' );
		if ( '' === $token ) {
			return cocart_standin_error( 'cocart_jwt_auth_missing_refresh_token', 'Refresh token is required.', 403 );
		}
		foreach ( get_users( array( 'meta_key' => self::REFRESH ) ) as $user ) {
			$all = get_user_meta( $user->ID, self::REFRESH, true );
			if ( isset( $all[ $token ] ) ) {
				return time() > $all[ $token ] ? cocart_standin_error( 'cocart_authentication_error', 'Refresh token expired.', 403 ) : $this->rotate( $user, $token, $all );
			}
		}
		return cocart_standin_error( 'cocart_authentication_error', 'Invalid refresh token.', 403 );
	}

	/** The old pair is dead at once. */
	private function rotate( $user, $token, $all ) {
		unset( $all[ $token ] );
		update_user_meta( $user->ID, self::REFRESH, $all );
		foreach ( get_user_meta( $user->ID, self::LOGINS ) as $login ) {
			$kept = reset( $login );
			if ( is_array( $kept ) && $kept['refresh_token'] === $token ) {
				delete_user_meta( $user->ID, self::LOGINS, $login );
			}
		}
		list( $access, $refresh ) = $this->issue( $user );
		return rest_ensure_response( array( 'token' => $access, 'refresh_token' => $refresh ) );
	}

	/** All logins of a user, on every device. */
	public function forget( $user_id ) {
		foreach ( array( self::TOKENS, self::LOGINS, self::REFRESH ) as $key ) {
			delete_user_meta( $user_id, $key );
		}
	}

	public function forget_user( $user ) {
		$this->forget( $user->ID );
	}

	public function forget_changed( $user_id, $before ) {
		$now = get_userdata( $user_id );
		if ( $now->user_pass !== $before->user_pass || $now->user_email !== $before->user_email ) {
			$this->forget( $user_id );
		}
	}
}

new Plugin();
