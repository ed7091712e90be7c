<?php
/** Taking over from CoCart JWT Authentication: its tokens, its refresh, and the dry run before. */

const PAT = 'pat_0123456789abcdef01234567';

/** What the plugin keeps of its logins. */
function kept( int $user, string ...$pats ): void {
	$GLOBALS['usermeta'][ $user ]['_cocart_jwt_tokens']    = array_fill_keys( $pats, 'a.b.c' );
	$GLOBALS['usermeta'][ $user ]['_cocart_jwt_token_pat'] = array_map( fn( $pat ) => array( $pat => array( 'refresh_token' => 'r' ) ), $pats );
}

/** A request with a token of the plugin. */
function with_pat( callable $before, string $route = '/cocart/v2/cart', ?callable $handler = null, array $server = array() ): callable {
	return function () use ( $before, $route, $handler, $server ) {
		shop( array( 'REQUEST_URI' => '/wp-json' . $route ) + $server );
		$meanwhile = $before();
		asserted( 'customer', array( 'sid' => '', 'fp' => '', 'pat' => PAT ) );
		$meanwhile instanceof Closure && $meanwhile();
		load_plugin();
		load_cocart();
		serve( $route, $handler );
	};
}

function not_announced( array $sent ): void {
	same( false, isset( $sent['headers']['X-CoCart-Gateway-Ended'] ), 'an end announced' );
}

$gone = refused( 401, 'cocart_authentication_error', 'Authentication failed.' );
$and  = fn( callable ...$all ) => fn( array $sent ) => array_map( fn( $one ) => $one( $sent ), $all );

test( 'a PAT that the old plugin keeps is the customer', with_pat( fn() => kept( 2, 'pat_x', PAT ) ), passed( array( 2, 2, 2 ), 'not_announced' ) );
foreach (
	array(
		'that nobody kept'                   => fn() => null,
		'that the old plugin forgot'         => fn() => kept( 2, 'pat_x' ),
		'of another customer'                => fn() => kept( 3, PAT ),
		'of a customer whose tokens it took' => fn() => kept( 2, PAT ) ?? $GLOBALS['usermeta'][2]['_cocart_jwt_tokens'] = array(),
		'beside notes that are none'         => fn() => $GLOBALS['usermeta'][2] = array( '_cocart_jwt_tokens' => 'x', '_cocart_jwt_token_pat' => array( PAT ) ),
	) as $name => $before
) {
	test( "a PAT $name is refused", with_pat( $before ), $and( $gone, 'not_announced' ) );
}
test(
	'a PAT of a customer who is gone',
	with_pat( function () {
		kept( 2, PAT );
		return function () {
			unset( $GLOBALS['users'][2] );
		};
	} ),
	$and( $gone, fn( array $sent ) => same( array( '2', 'plugin', 'deleted' ), array_values( array_slice( replied( $sent, 'X-CoCart-Gateway-Ended' ), 5 ) ) ) )
);
test(
	'a new password, set in a request with a token of the old plugin, is told',
	with_pat( fn() => kept( 2, PAT ) ?? $GLOBALS['old'] = fp( 2 ), '/cocart/v2/cart', fn() => ( $GLOBALS['users'][2]['user_pass'] = 'x' ) ? null : null ),
	fn( array $sent ) => same( array( '2', $GLOBALS['old'], 'changed' ), array_values( array_slice( replied( $sent, 'X-CoCart-Gateway-Ended' ), 5 ) ) )
);
test(
	'a login with a token of the old plugin is vouched for',
	with_pat( fn() => kept( 2, PAT ), '/cocart/v2/login', fn() => new WP_REST_Response( array( 'user_id' => '2' ) ), array( 'REQUEST_METHOD' => 'POST' ) ),
	fn( array $sent ) => same( array( '2', 'alice', fp( 2 ) ), array_values( array_slice( replied( $sent, 'X-CoCart-Gateway-Login' ), 5, 3 ) ) )
);
test(
	'a login with a token of the old plugin, after which somebody else is logged in, is not',
	with_pat( fn() => kept( 2, PAT ), '/cocart/v2/login', fn() => new WP_REST_Response( array( 'user_id' => (string) ( $GLOBALS['current_user'] = 1 ) ) ), array( 'REQUEST_METHOD' => 'POST' ) ),
	fn( array $sent ) => same( array( false, 1 ), array( isset( $sent['headers']['X-CoCart-Gateway-Login'] ), count( $sent['log'] ) ) )
);
test( 'another route with a token of the old plugin is not', with_pat( fn() => kept( 2, PAT ) ), fn( array $sent ) => same( false, isset( $sent['headers']['X-CoCart-Gateway-Login'] ) ) );

/** A refresh that the old plugin answers. */
function refresh( $answer, int $status = 200, string $route = '/cocart/jwt/refresh-token', array $server = array() ): callable {
	return function () use ( $answer, $status, $route, $server ) {
		$_COOKIE  = array( 'wordpress_logged_in_5f2a' => 'bob' );
		$_REQUEST = array( 'username' => 'alice', 'password' => 'wonderland-1' );
		arrive( 'refresh', $server + array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/jwt/refresh-token', 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) ) );
		kept( 2, PAT );
		load_cocart();
		serve( $route, fn() => new WP_REST_Response( is_callable( $answer ) ? $answer() : $answer, $status ) );
	};
}

function token( $user ): array {
	return array( 'token' => 'h.' . b64( json( array( 'iss' => 'x', 'data' => array( 'user' => $user ) ) ) ) . '.s', 'refresh_token' => 'r' );
}

test(
	'a refresh of the old plugin is vouched for, and nobody is logged in by it',
	refresh( token( array( 'id' => 2, 'pat' => PAT ) ) ),
	passed( array( 0, 0, 0 ), fn( array $sent ) => same( common() + array( 'sub' => '2', 'login' => 'alice', 'fp' => fp( 2 ), 'claims' => array() ), replied( $sent, 'X-CoCart-Gateway-Login' ) ) )
);
foreach (
	array(
		'with a PAT that is not noted'   => token( array( 'id' => 2, 'pat' => 'pat_x' ) ),
		'for a user who did not log in'  => token( array( 'id' => 3, 'pat' => PAT ) ),
		'for nobody'                     => token( array( 'pat' => PAT ) ),
		'for a user in words'            => token( array( 'id' => '2', 'pat' => PAT ) ),
		'without a PAT'                  => token( array( 'id' => 2 ) ),
		'with a payload that is no JSON' => array( 'token' => 'h.!.s' ),
		'with a payload that is a list'  => array( 'token' => 'h.' . b64( '[]' ) . '.s' ),
		'with a token of one part'       => array( 'token' => 'h' ),
		'without a token'                => array(),
		'that is no answer'              => 'yes',
	) as $name => $answer
) {
	test( "a refresh $name is not vouched for", refresh( $answer ), fn( array $sent ) => same( array( 200, false, 1 ), array( $sent['status'], isset( $sent['headers']['X-CoCart-Gateway-Login'] ), count( $sent['log'] ) ) ) );
}
$not_allowed = $and( refused( 403, 'cocart_gateway_not_allowed', 'This account cannot be used here.' ), fn( array $sent ) => same( false, isset( $sent['headers']['X-CoCart-Gateway-Login'] ) ) );
test( 'a refresh of a customer whom the shop refuses is not vouched for', fn() => allow( false )() ?? refresh( token( array( 'id' => 2, 'pat' => PAT ) ) )(), $not_allowed );
test( 'a refresh of a customer whom the shop allows is', fn() => allow( true )() ?? refresh( token( array( 'id' => 2, 'pat' => PAT ) ) )(), fn( array $sent ) => same( true, isset( $sent['headers']['X-CoCart-Gateway-Login'] ) ) );
test( 'a refresh that the old plugin refused is not vouched for', refresh( token( array( 'id' => 2, 'pat' => PAT ) ), 403 ), fn( array $sent ) => same( false, isset( $sent['headers']['X-CoCart-Gateway-Login'] ) ) );
foreach ( array( '/cocart/v2/login', '/cocart/v2/cart', '/cocart/jwt/validate-token', '/batch/v1', '' ) as $route ) {
	test( "an assertion for a refresh is none for \"$route\"", refresh( array(), 200, $route ), bad_assertion() );
}
test(
	'a refresh of the old plugin, whose namespace does not follow a white label',
	function () {
		shop( array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/jwt/refresh-token' ), array( 'COCART_GATEWAY_NAMESPACES' => 'my.shop' ) );
		asserted( 'refresh' );
		load_plugin();
		kept( 2, PAT );
		serve( '/cocart/jwt/refresh-token', fn() => new WP_REST_Response( token( array( 'id' => 2, 'pat' => PAT ) ) ) );
	},
	fn( array $sent ) => same( true, isset( $sent['headers']['X-CoCart-Gateway-Login'] ) )
);
test( 'an assertion for a refresh is none for another method', refresh( array(), 200, '/cocart/jwt/refresh-token', array( 'HTTP_X_HTTP_METHOD_OVERRIDE' => 'GET' ) ), bad_assertion() );

/** A request in the dry run. */
function observed( array $constants = array(), array $claims = array(), string $kind = 'observed' ): callable {
	return function () use ( $constants, $claims, $kind ) {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		shop( array( 'HTTP_AUTHORIZATION' => 'Bearer a.b.c', 'HTTP_X_WP_NONCE' => 'n', 'HTTP_X_REAL_IP' => '198.51.100.1' ), $constants );
		asserted( $kind, $claims );
		$_SERVER['HTTP_X_COCART_GATEWAY_OBSERVED'] = $_SERVER['HTTP_X_COCART_GATEWAY'];
		unset( $_SERVER['HTTP_X_COCART_GATEWAY'] );
		load_plugin();
		load_cocart();
		serve( '/cocart/v2/cart' );
	};
}

$as_without = function ( string $address, bool $tls ) {
	return function ( array $sent ) use ( $address, $tls ) {
		same( array( 3, 3, 3 ), $sent['users'], 'users' );
		same( array( 'Bearer a.b.c', $address, $tls ), array( $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['REMOTE_ADDR'], isset( $_SERVER['HTTPS'] ) ) );
		same( false, isset( $_SERVER['HTTP_X_COCART_GATEWAY_OBSERVED'] ), 'the assertion' );
	};
};
test( 'the dry run tells the client and changes nothing else', observed(), $and( $as_without( '203.0.113.7', true ), fn( array $sent ) => same( array( 'X-CoCart-Gateway-Plugin' => array( \CoCartGateway\VERSION ) ), $sent['headers'] ) ) );
test( 'an assertion of the dry run that is outdated changes nothing at all', observed( array(), array( 'iat' => NOW - 4000, 'exp' => NOW - 3970 ) ), $and( $as_without( '127.0.0.1', false ), fn( array $sent ) => same( array( 1, array() ), array( count( $sent['log'] ), $sent['headers'] ) ) ) );
test( 'an assertion of another kind is none of the dry run', observed( array(), array(), 'guest' ), $and( $as_without( '127.0.0.1', false ), fn( array $sent ) => same( 1, count( $sent['log'] ) ) ) );
test( 'required: the dry run does not count as the gateway', observed( array( 'COCART_GATEWAY_REQUIRED' => true ) ), refused( 403, 'cocart_gateway_required', 'This request must come through the gateway.' ) );
