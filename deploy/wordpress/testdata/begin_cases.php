<?php
/** Sessions that begin, or go on, with the answer of a route. */

/** A route of this request runs an event. */
function route_runs( string $kind, string $route, callable $event ): callable {
	return function () use ( $kind, $route, $event ) {
		arrive( $kind, array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => "/wp-json$route" ) );
		serve(
			$route,
			function () use ( $event ) {
				$event(); // Its answer is the usual one.
			}
		);
	};
}

/** @param array $want sub, fingerprint and sid of the reply; empty for none. */
function session_is( array $want ): callable {
	return function ( array $sent ) use ( $want ) {
		if ( ! $want ) {
			same( array(), $sent['headers']['X-CoCart-Gateway-Session'] ?? array(), 'replies about a session' );
			return;
		}
		$claims = replied( $sent, 'X-CoCart-Gateway-Session' );
		same( $want, array( $claims['sub'], $claims['fp'], $claims['sid'] ?? '' ), 'session' );
	};
}

$begin = fn( $user = 2 ) => CoCartGateway\begin_session( $user );
foreach ( array( 'site' => '/shop/v1/code', 'guest' => '/cocart/v2/code', 'customer' => '/cocart/v2/code' ) as $kind => $route ) {
	test( "a session begins in a request of kind $kind", route_runs( $kind, $route, $begin ), fn( array $sent ) => session_is( array( '2', fp( 2 ), '' ) )( $sent ) );
}
test( 'a session begins for a WP_User', route_runs( 'site', '/shop/v1/code', fn() => $begin( get_userdata( 3 ) ) ), fn( array $sent ) => session_is( array( '3', fp( 3 ), '' ) )( $sent ) );
test( 'a session begins twice for one user', route_runs( 'site', '/shop/v1/code', fn() => array( $begin(), $begin() ) ), fn( array $sent ) => session_is( array( '2', fp( 2 ), '' ) )( $sent ) );
test( 'the answer to a session says which route began it', route_runs( 'site', '/shop/v1/code', $begin ), fn( array $sent ) => same( array( '/shop/v1/code', 1 ), array( replied( $sent, 'X-CoCart-Gateway-Session' )['route'], preg_match( '/^begin_cases\.php:\d+$/D', replied( $sent, 'X-CoCart-Gateway-Session' )['origin'] ) ) ) );
foreach ( array( 'no user' => 0, 'a user who is gone' => 77, 'a word' => 'alice', 'a list' => array( 2 ) ) as $name => $user ) {
	test( "no session begins for $name", route_runs( 'site', '/shop/v1/code', fn() => $begin( $user ) ), session_is( array() ) );
}
test( 'no session begins on a route that logs in', route_runs( 'guest', '/cocart/v1/login', $begin ), session_is( array() ) );
test( 'no session begins in a batch', route_runs( 'customer', '/cocart/batch', $begin ), session_is( array() ) );
test( 'no session begins for a customer whom the shop refuses', route_runs( 'site', '/shop/v1/code', fn() => add_filter( 'cocart_gateway_allow_customer', '__return_false' ) ?? $begin() ), session_is( array() ) );
test( 'no session begins if the shop gives no answer', route_runs( 'site', '/shop/v1/code', fn() => add_filter( 'cocart_gateway_allow_customer', fn() => intdiv( 1, 0 ) ) ?? $begin() ), session_is( array() ) );
test(
	'no session begins on a page',
	function () use ( $begin ) {
		arrive( 'site', array( 'REQUEST_URI' => '/my-account/' ) );
		$begin();
	},
	session_is( array() )
);
test(
	'no session begins past the gateway',
	function () use ( $begin ) {
		shop( array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/shop/v1/code' ) );
		load_plugin();
		serve( '/shop/v1/code', fn() => $begin() ? null : null );
	},
	session_is( array() )
);
$password = function ( int $user = 2 ) {
	$GLOBALS['users'][ $user ]['user_pass'] = '$P$Bother';
};
test( 'a session that begins before a new password has the fingerprint after it', route_runs( 'site', '/shop/v1/code', fn() => array( $begin(), $password() ) ), fn( array $sent ) => session_is( array( '2', fp( 2 ), '' ) )( $sent ) );
test( 'a session goes on after a new password of its customer', route_runs( 'customer', '/cocart/v2/password', fn() => $password() ), fn( array $sent ) => session_is( array( '2', fp( 2 ), 'b7Jx0aQ2nT4kVw9e' ) )( $sent ) );
test( 'no session goes on after a new password of another customer', route_runs( 'customer', '/cocart/v2/password', fn() => $password( 3 ) ), session_is( array() ) );
test( 'no session goes on if its customer is logged out everywhere, too', route_runs( 'customer', '/cocart/v2/password', fn() => array( $password(), CoCartGateway\end_sessions( 2 ) ) ), session_is( array() ) );
test( 'no session goes on if nothing changed', route_runs( 'customer', '/cocart/v2/password', fn() => null ), session_is( array() ) );
test( 'a guest keeps no session', route_runs( 'guest', '/cocart/v2/password', fn() => $password() ), session_is( array() ) );
