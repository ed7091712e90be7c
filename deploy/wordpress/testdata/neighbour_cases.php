<?php
/** Other plugins: what they hear and may answer, and what they cannot break. */

/** What other plugins heard of who this is. */
function heard( array $want ): callable {
	return fn( array $sent ) => same( $want, $sent['heard'] ?? array(), 'heard' );
}

function listen(): void {
	add_action( 'cocart_gateway_customer_authenticated', fn( $user, $context ) => $GLOBALS['sent']['heard'][] = "$user->user_login $context[kind] $context[route] $context[ip]", 10, 2 );
}

/** A request of this kind for CoCart, with $neighbour active. */
function beside( string $kind, callable $neighbour, string $route = '/cocart/v2/cart', array $server = array() ): callable {
	return function () use ( $kind, $neighbour, $route, $server ) {
		listen();
		add_action( 'muplugins_loaded', fn() => $GLOBALS['dead'] = fp( 2 ) );
		arrive( $kind, $server );
		load_cocart();
		$neighbour();
		serve( $route );
	};
}

$basic   = array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) );
$posting = array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/login' ) + $basic;
$quiet   = fn() => null;
test( 'a customer is made known once', beside( 'customer', $quiet ), heard( array( 'alice customer /cocart/v2/cart 203.0.113.7' ) ) );
test( 'a customer by password is made known once', beside( 'credentials', $quiet, '/cocart/v2/cart', $basic ), heard( array( 'alice credentials /cocart/v2/cart 203.0.113.7' ) ) );
test( 'a guest is not made known', beside( 'guest', $quiet ), heard( array() ) );
test( 'a wrong password is not made known', beside( 'credentials', $quiet, '/cocart/v2/cart', array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wrong' ) ) ), heard( array() ) );
test( 'a login is made known once', fn() => listen() ?? login(), heard( array( 'alice login /cocart/v2/login 203.0.113.7' ) ) );
test( 'a login that failed is not made known', fn() => listen() ?? login( array(), 401, array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wrong' ) ) ), heard( array() ) );
test( 'somebody in a browser is not made known', function () { listen(); $_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' ); arrive( 'site', array( 'REQUEST_URI' => '/my-account/' ) ); serve( '' ); }, heard( array() ) );

/** A filter that answers for alice. */
function allow( $answer ): callable {
	return fn() => add_filter( 'cocart_gateway_allow_customer', fn( $allowed, $user ) => 'alice' === $user->user_login ? ( is_callable( $answer ) ? $answer() : $answer ) : $allowed, 10, 2 );
}

$not_allowed = refused( 403, 'cocart_gateway_not_allowed', 'This account cannot be used here.' );
test( 'a customer whom the shop refuses', beside( 'customer', allow( false ) ), fn( array $sent ) => ended( 'changed' )( $sent ) ?? heard( array() )( $sent ) );
test( 'a password of somebody whom the shop refuses', beside( 'credentials', allow( false ), '/cocart/v2/cart', $basic ), $not_allowed );
test( 'a login of somebody whom the shop refuses', fn() => allow( false )() ?? login(), $not_allowed );
test( 'a customer whom the shop allows', beside( 'customer', allow( true ) ), passed( array( 2, 2, 2 ) ) );
test( 'a filter that forgets its answer refuses nobody', beside( 'customer', allow( null ) ), passed( array( 2, 2, 2 ) ) );
test( 'a filter that answers with words refuses nobody', beside( 'customer', allow( 'no' ) ), passed( array( 2, 2, 2 ) ) );
test(
	'a filter that throws lets nobody in, and ends nothing',
	beside( 'customer', allow( fn() => intdiv( 1, 0 ) ) ),
	fn( array $sent ) => same( array( 500, 2, false ), array( $sent['status'], count( $sent['log'] ), isset( $sent['headers']['X-CoCart-Gateway-Ended'] ) ) )
);
test(
	'a plugin that throws when a customer is made known',
	beside( 'customer', fn() => add_action( 'cocart_gateway_customer_authenticated', fn() => new DateTime( 'a secret word' ) ) ),
	function ( array $sent ) {
		same( array( true, 200, 1 ), array( $sent['finished'], $sent['status'], count( $sent['log'] ) ) );
		same( false, strpos( $sent['log'][0], 'secret word' ), 'the message in the log' );
	}
);
test(
	'claims that throw do not cost the login',
	fn() => add_filter( 'cocart_gateway_token_claims', fn() => intdiv( 1, 0 ) ) ?? login(),
	fn( array $sent ) => same( array( array(), 1, 200 ), array( replied( $sent, 'X-CoCart-Gateway-Login' )['claims'], count( $sent['log'] ), $sent['status'] ) )
);
test(
	'claims that throw while they become JSON',
	function () {
		$claim = new class() implements JsonSerializable {
			#[ReturnTypeWillChange]
			public function jsonSerialize() {
				throw new LogicException( 'no' );
			}
		};
		add_filter( 'cocart_gateway_token_claims', fn() => array( 'a' => $claim ) );
		login();
	},
	fn( array $sent ) => same( array( array(), 1 ), array( replied( $sent, 'X-CoCart-Gateway-Login' )['claims'], count( $sent['log'] ) ) )
);

/** Every hook of ours, fired by others without what WordPress fires it with. */
function fire_everything( ...$arguments ): void {
	$actions = array( 'sanitize_comment_cookies', 'profile_update', 'after_password_reset', 'delete_user', 'wpmu_delete_user', 'remove_user_from_blog', 'clean_user_cache', 'wp_set_password', 'wp_logout', 'parse_request', 'cocart_gateway_epoch_changed', 'admin_notices', 'set_user_role' );
	$filters = array( 'determine_current_user', 'cocart_authenticate', 'cocart_auth_header', 'cocart_is_rest_api_request', 'cocart_login_secure_auth_methods', 'woocommerce_rest_is_request_to_rest_api', 'rest_authentication_errors', 'rest_pre_dispatch', 'rest_post_dispatch', 'session_token_manager', 'site_status_tests', 'debug_information', 'check_password', 'wp_redirect', 'update_user_metadata' );
	foreach ( $actions as $hook ) {
		do_action( $hook, ...$arguments );
	}
	foreach ( $filters as $hook ) {
		apply_filters( $hook, ...( $arguments ? $arguments : array( null ) ) );
	}
}

$garbage = array( 'nothing' => array(), 'nulls' => array_fill( 0, 4, null ), 'words' => array_fill( 0, 4, 'x' ), 'lists' => array_fill( 0, 4, array( 2 ) ), 'objects' => array_fill( 0, 4, new stdClass() ), 'numbers' => array_fill( 0, 4, 77 ) );
foreach ( $garbage as $name => $arguments ) {
	foreach ( array( 'customer' => 2, 'guest' => 0 ) as $kind => $user ) {
		test(
			"a plugin that fires our hooks with $name, beside a $kind",
			function () use ( $kind, $arguments ) {
				arrive( $kind );
				fire_everything( ...$arguments );
				serve( '/cocart/v2/cart' );
			},
			passed( array( $user, $user, $user ), fn( array $sent ) => same( false, isset( $sent['headers']['X-CoCart-Gateway-Ended'] ) ) )
		);
	}
	test(
		"a plugin that fires our hooks with $name, past the gateway",
		function () use ( $arguments ) {
			shop( array(), array( 'COCART_GATEWAY_END_ON_ROLE_CHANGE' => true ) );
			load_plugin();
			fire_everything( ...$arguments );
			$GLOBALS['sent']['finished'] = true;
		},
		passed( array() )
	);
}
foreach ( array( 'a list' => array( 'x' ), 'an object' => new stdClass(), 'nothing' => null, 'false' => false ) as $name => $value ) {
	test(
		"a filter that makes all metadata $name",
		function () use ( $value ) {
			arrive( 'customer' );
			add_filter( 'get_user_metadata', fn() => $value );
			serve( '/cocart/v2/cart' );
		},
		passed( array( 2, 2, 2 ) )
	);
}

foreach ( array( 'login' => $posting, 'customer' => array(), 'credentials' => $basic ) as $kind => $server ) {
	test(
		"output that came before a $kind request: no header, and no complaint but of a password that cannot be reported",
		function () use ( $kind, $server ) {
			$GLOBALS['headers_sent'] = true;
			arrive( $kind, $server );
			load_cocart();
			serve( 'login' === $kind ? '/cocart/v2/login' : '/cocart/v2/cart', fn() => ( $GLOBALS['users'][2]['user_email'] = 'a@example.org' ) ? new WP_REST_Response( array( 'user_id' => '2' ) ) : null );
		},
		fn( array $sent ) => same( array( 'customer' === $kind, array(), 'customer' === $kind ? 0 : 1 ), array( $sent['finished'] ?? false, $sent['headers'], count( $sent['log'] ) ) )
	);
}

/** Where a page cache would look. */
$cached = array(
	'site'        => array( '', array( 'REQUEST_URI' => '/' ), true ),
	'customer'    => array( '/cocart/v2/products', array(), false ),
	'credentials' => array( '/cocart/v2/products', $basic, false ),
	'login'       => array( '/cocart/v2/login', $posting, false ),
	'guest'       => array( '/cocart/v2/products', array(), true ),
);
$cached += array( 'guest ' => array( '/cocart/v2/cart', array(), false ), 'guest  ' => array( '/cocart/v2/products/12', array(), true ), 'guest   ' => array( '/cocart/v2/productsx', array(), false ) );
foreach ( $cached as $kind => list( $route, $server, $may ) ) {
	test(
		'page caches ' . ( $may ? 'may' : 'may not' ) . " keep $route of a " . trim( $kind ),
		beside( trim( $kind ), $quiet, $route, $server ),
		fn() => same( array( $may, $may ), array( ! defined( 'DONOTCACHEPAGE' ), ! did_action( 'litespeed_control_set_nocache' ) ) )
	);
}
test( 'a constant that somebody else defined', fn() => define( 'DONOTCACHEPAGE', true ) && beside( 'customer', $quiet )(), heard( array( 'alice customer /cocart/v2/cart 203.0.113.7' ) ) );
