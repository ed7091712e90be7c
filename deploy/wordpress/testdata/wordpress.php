<?php
/**
 * As much of WordPress as the plugin meets: hooks, users, and the order of one request. Named after what it stands in
 * for; one process, one request.
 */

namespace CoCartGateway {
	// PHP's functions that leave no trace on the command line, caught on the plugin's own doorstep.

	function header( string $line, bool $replace = true ): void {
		list( $name, $value )                   = explode( ': ', $line, 2 );
		$GLOBALS['sent']['headers'][ $name ] = $replace ? array( $value ) : array_merge( $GLOBALS['sent']['headers'][ $name ] ?? array(), array( $value ) );
	}

	function header_remove( string $name ): void {
		unset( $GLOBALS['sent']['headers'][ $name ] );
	}

	function http_response_code( int $status ): void {
		$GLOBALS['sent']['status'] = $status;
	}

	function setcookie( string $name, string $value = '', int $expires = 0 ): void {
		$GLOBALS['sent']['expired'][] = $expires < \time() ? $name : "$name, which stays";
	}

	function headers_sent(): bool {
		return $GLOBALS['headers_sent'];
	}

	function file_get_contents( string $file ) {
		return 'php://input' === $file ? $GLOBALS['input'] ?? '' : \file_get_contents( $file );
	}

	function error_log( string $line ): void {
		$GLOBALS['sent']['log'][] = $line;
	}

	function time(): int {
		return $GLOBALS['now'];
	}
}

namespace {
	define( 'ABSPATH', '/srv/shop/' );
	define( 'WP_CONTENT_DIR', sys_get_temp_dir() . '/cocart-gateway-content-' . getmypid() );

	$GLOBALS['now']          = NOW;
	$GLOBALS['headers_sent'] = false;
	$GLOBALS['sent']      = array( 'status' => 200, 'headers' => array(), 'body' => '', 'log' => array(), 'writes' => array(), 'tried' => array() );
	$GLOBALS['hooks']     = array();
	$GLOBALS['fired']     = array();
	$GLOBALS['options']   = array( 'home' => 'https://shop.example' );
	$GLOBALS['salt']      = 'auth-key-and-auth-salt';
	$GLOBALS['users']     = array();
	$GLOBALS['usermeta']  = array();
	$GLOBALS['passwords'] = array( 'alice:wonderland-1' => 2, 'bob:builder-2' => 3, 'admin:keeper-0' => 1 );
	$GLOBALS['multisite'] = false;
	$GLOBALS['members']   = array( 2, 3 );
	$GLOBALS['blog']      = 1;

	$GLOBALS['wpdb']      = new class() {
		public $base_prefix = 'wp_';
		public function get_blog_prefix() {
			return $this->base_prefix . ( 1 === $GLOBALS['blog'] ? '' : "$GLOBALS[blog]_" );
		}
	};

	class WP_Error {
		public $code, $message, $data;
		public function __construct( $code = '', $message = '', $data = array() ) {
			list( $this->code, $this->message, $this->data ) = array( $code, $message, $data );
		}
		public function get_error_code() {
			return $this->code;
		}
	}

	class WP_User {
		public $ID, $user_login, $user_pass, $user_email, $display_name = '', $spam = '0', $deleted = '0', $caps = array( 'customer' => true );
		public function __construct( array $fields ) {
			foreach ( $fields as $name => $value ) {
				$this->$name = $value;
			}
		}
	}

	class WP_REST_Request {
		private $method, $route, $params;
		public $headers = array(); // By name in lower case.
		public function __construct( string $method, string $route, array $params = array() ) {
			list( $this->method, $this->route, $this->params ) = array( $method, $route, $params );
		}
		public function get_method() {
			return $this->method;
		}
		public function get_route() {
			return $this->route;
		}
		public function get_param( $name ) {
			return $this->params[ $name ] ?? null;
		}
		public function get_json_params() {
			return $this->params['json'] ?? null;
		}
		public function get_header( $name ) {
			return $this->headers[ strtolower( $name ) ] ?? null;
		}
		public function remove_header( $name ) {
			unset( $this->headers[ strtolower( $name ) ] );
		}
	}

	class WP_HTTP_Response {
	}

	class WP_REST_Response extends WP_HTTP_Response {
		private $data, $status;
		public function __construct( $data, int $status = 200 ) {
			list( $this->data, $this->status ) = array( $data, $status );
		}
		public function get_data() {
			return $this->data;
		}
		public function get_status() {
			return $this->status;
		}
	}

	/** WordPress 6.9's manager of browser sessions, with sessions counted instead of kept. */
	class WP_User_Meta_Session_Tokens {
		protected $user_id;
		public static $browsers = 2;
		public function __construct( $user_id ) {
			$this->user_id = $user_id;
		}
		public static function get_instance( $user_id ) {
			$manager = apply_filters( 'session_token_manager', 'WP_User_Meta_Session_Tokens' );
			return new $manager( $user_id );
		}
		public function destroy( $token ) {
			--self::$browsers;
		}
		public function destroy_others( $token ) {
			$this->destroy_other_sessions( $token );
		}
		public function destroy_all() {
			$this->destroy_all_sessions();
		}
		protected function destroy_other_sessions( $verifier ) {
			self::$browsers = 1;
		}
		protected function destroy_all_sessions() {
			self::$browsers = 0;
		}
	}

	function add_filter( $hook, $callback, $priority = 10, $arguments = 1 ) {
		$GLOBALS['hooks'][ $hook ][ $priority ][] = array( $callback, $arguments );
	}

	function add_action( $hook, $callback, $priority = 10, $arguments = 1 ) {
		add_filter( $hook, $callback, $priority, $arguments );
	}

	function remove_action( $hook, $callback, $priority = 10 ) {
		$left = array_filter( $GLOBALS['hooks'][ $hook ][ $priority ] ?? array(), fn( $one ) => $one[0] !== $callback );
		$GLOBALS['hooks'][ $hook ][ $priority ] = $left;
	}

	function remove_all_filters( $hook ) {
		unset( $GLOBALS['hooks'][ $hook ] );
	}

	function __( $text, $domain ) {
		$GLOBALS['sent']['domains'][ $domain ] = true;
		return $text;
	}

	function apply_filters( $hook, $value, ...$more ) {
		$priorities = $GLOBALS['hooks'][ $hook ] ?? array();
		ksort( $priorities );
		foreach ( array_merge( array(), ...array_values( $priorities ) ) as list( $callback, $arguments ) ) {
			$value = $callback( ...array_slice( array_merge( array( $value ), $more ), 0, $arguments ) );
		}
		return $value;
	}

	function do_action( $hook, ...$arguments ) {
		$GLOBALS['fired'][ $hook ] = 1 + ( $GLOBALS['fired'][ $hook ] ?? 0 );
		$arguments                   = $arguments ? $arguments : array( '' );
		$priorities                  = $GLOBALS['hooks'][ $hook ] ?? array();
		ksort( $priorities );
		foreach ( array_merge( array(), ...array_values( $priorities ) ) as list( $callback, $accepted ) ) {
			$callback( ...array_slice( $arguments, 0, $accepted ) );
		}
	}

	function did_action( $hook ) {
		return $GLOBALS['fired'][ $hook ] ?? 0;
	}

	function __return_true() {
		return true;
	}

	function __return_false() {
		return false;
	}

	function __return_empty_array() {
		return array();
	}

	function get_option( $name ) {
		return $GLOBALS['options'][ $name ] ?? false;
	}

	function wp_load_alloptions() {
		return $GLOBALS['stored'] ?? $GLOBALS['options'] ?? array();
	}

	function is_wp_error( $thing ) {
		return $thing instanceof WP_Error;
	}

	function wp_parse_url( $url, $component = -1 ) {
		return parse_url( $url, $component );
	}

	function home_url( $path = '' ) {
		return apply_filters( 'home_url', rtrim( (string) get_option( 'home' ), '/' ) . $path, $path );
	}

	function get_available_languages() {
		return $GLOBALS['languages'] ?? array();
	}

	function sanitize_text_field( $text ) {
		return trim( preg_replace( array( '/<[^>]*>/', '/%[0-9a-f]{2}/i', '/\s+/' ), array( '', '', ' ' ), $text ) );
	}

	function esc_html( $text ) {
		return htmlspecialchars( $text, ENT_QUOTES );
	}

	function is_multisite() {
		return $GLOBALS['multisite'];
	}

	function get_current_blog_id() {
		return $GLOBALS['blog'];
	}

	function switch_to_blog( $id ) {
		$GLOBALS['blogs'][] = $GLOBALS['blog'];
		$GLOBALS['blog']    = $id;
		return true;
	}

	function restore_current_blog() {
		$GLOBALS['blog'] = array_pop( $GLOBALS['blogs'] );
		return true;
	}

	/** The other sites have none. */
	function is_user_member_of_blog( $user_id, $blog_id ) {
		return 1 === $blog_id && in_array( $user_id, $GLOBALS['members'], true );
	}

	function current_user_can( $capability ) {
		return 1 === get_current_user_id() && in_array( $capability, $GLOBALS['capabilities'] ?? array( 'manage_options', 'manage_woocommerce' ), true );
	}

	/** Reports whether the next query of a table fails, as while the database restarts: $failing says how many do. */
	function query_fails( string $table ): bool {
		$GLOBALS['failing'][ $table ] = ( $GLOBALS['failing'][ $table ] ?? 0 ) - 1;
		if ( $GLOBALS['failing'][ $table ] < 0 ) {
			return false;
		}
		$GLOBALS['EZSQL_ERROR'][] = array( 'query' => "SELECT * FROM $table", 'error_str' => 'Lost connection' );
		return true;
	}

	function wp_cache_delete( $key, $group ) {
		unset( $GLOBALS['cached_as_empty'][ "$group $key" ] );
	}

	/** A meta key has one value here, or a list of rows if it was added to. After a query that failed WordPress has none in its cache. */
	function get_user_meta( $user_id, $key, $single ) {
		if ( ! isset( $GLOBALS['cached_as_empty'][ "user_meta $user_id" ] ) && query_fails( 'usermeta' ) ) {
			$GLOBALS['cached_as_empty'][ "user_meta $user_id" ] = true;
		}
		if ( isset( $GLOBALS['cached_as_empty'][ "user_meta $user_id" ] ) ) {
			return $single ? '' : array();
		}
		return apply_filters( 'get_user_metadata', $GLOBALS['usermeta'][ $user_id ][ $key ] ?? ( $single ? '' : array() ) );
	}

	function add_user_meta( $user_id, $key, $value ) {
		$GLOBALS['sent']['writes'][]              = "$user_id $key";
		$GLOBALS['usermeta'][ $user_id ][ $key ][] = $value;
	}

	function update_user_meta( $user_id, $key, $value ) {
		$GLOBALS['sent']['writes'][]            = "$user_id $key";
		$GLOBALS['usermeta'][ $user_id ][ $key ] = $value;
	}

	/** wp_logout() of WordPress 5.5 and later. */
	function wp_logout() {
		$user_id = get_current_user_id();
		wp_set_current_user( 0 );
		do_action( 'wp_logout', $user_id );
	}

	/** pluggable.php: loaded after the must-use plugins, before the others. */
	function load_pluggable() {
		function get_userdata( $id ) {
			return isset( $GLOBALS['users'][ $id ] ) && ! query_fails( 'users' ) ? new WP_User( $GLOBALS['users'][ $id ] ) : false;
		}

		function get_user_by( $field, $value ) {
			$GLOBALS['sent']['looked_up'][] = "$field $value";
			$value = 'login' === $field ? strtr( $value, array( 'À' => 'A', 'é' => 'e' ) ) : $value; // sanitize_user().
			foreach ( $GLOBALS['users'] as $id => $user ) {
				if ( 0 === strcasecmp( $user[ "user_$field" ], $value ) ) {
					return get_userdata( $id );
				}
			}
			return false;
		}

		function get_users( $query ) {
			$GLOBALS['sent']['looked_up'][] = "$query[meta_key] $query[meta_value]";
			return array_keys( array_filter( $GLOBALS['usermeta'], fn( $meta ) => ( $meta[ $query['meta_key'] ] ?? null ) === $query['meta_value'] ) );
		}

		function wp_salt( $scheme ) {
			return 'auth' === $scheme ? $GLOBALS['salt'] : 'another-salt';
		}

		function wp_set_current_user( $id ) {
			$GLOBALS['current_user'] = (int) $id;
		}

		function get_current_user_id() {
			if ( ! isset( $GLOBALS['current_user'] ) ) {
				$user_id = apply_filters( 'determine_current_user', false );
				wp_set_current_user( $user_id ? $user_id : 0 );
			}
			return $GLOBALS['current_user'];
		}
	}

	/** From the end of the plugins to the end of the request, for the route WordPress finds in it; '' is a page. */
	function serve( string $route, ?callable $handler = null, array $params = array() ) {
		$_REQUEST = array_merge( $_GET, $_POST ); // wp_magic_quotes().
		do_action( 'sanitize_comment_cookies' );
		$GLOBALS['sent']['users'][] = get_current_user_id(); // WP::init().
		do_action( 'init' );
		$wp                         = (object) array( 'query_vars' => '' === $route ? array() : array( 'rest_route' => $route ) );
		do_action( 'parse_request', $wp );
		if ( '' !== $route ) {
			serve_rest( $route, $handler, $params );
		}
		do_action( 'wp', $wp );
		$handler && $handler();
		finish();
	}

	/** WP_REST_Server::serve_request(). */
	function serve_rest( string $route, ?callable $handler = null, array $params = array() ) {
		define( 'REST_REQUEST', true );
		$GLOBALS['current_user'] = $GLOBALS['current_user'] ? $GLOBALS['current_user'] : null;
		$GLOBALS['sent']['users'][] = get_current_user_id(); // rest_api_init: CoCart loads the session.
		$request = new WP_REST_Request( CoCartGateway\method(), '/' === $route ? $route : rtrim( $route, '/' ), $params );
		$result  = apply_filters( 'rest_authentication_errors', null );
		$result  = is_wp_error( $result ) ? new WP_REST_Response( (array) $result, $result->data['status'] ) : null;
		$result  = $result ?? dispatch( $request, $handler );
		$result  = apply_filters( 'rest_post_dispatch', $result, null, $request );
		$GLOBALS['sent']['status'] = $result->get_status();
		$GLOBALS['sent']['code']   = is_array( $result->get_data() ) ? $result->get_data()['code'] ?? '' : '';
		finish();
	}

	/** WP_REST_Server::dispatch(): also what PHP calls for requests to itself. */
	function dispatch( WP_REST_Request $request, ?callable $handler = null ) {
		apply_filters( 'rest_pre_dispatch', null, null, $request );
		apply_filters( 'rest_request_before_callbacks', null, array(), $request );
		$GLOBALS['sent']['users'][] = get_current_user_id();
		return ( $handler ? $handler( $request ) : null ) ?? new WP_REST_Response( array() );
	}

	function finish() {
		$GLOBALS['sent']['finished'] = true;
		exit;
	}
}
