<?php
/** Where the gateway turns guests away: credentials that log nobody in are nobody's. */

/** A request with these, where guests are denied. */
function without_guests( array $server = array(), int $priority = 10 ): void {
	arrive( 'credentials', $server, array( 'guests' => 'deny' ) );
	load_cocart( $priority );
	serve( '/cocart/v2/cart', fn() => $GLOBALS['sent']['served'] = null );
}

/** What came of it, and that no route ran; the users are those at WP::init() and at rest_api_init. */
function nobody_is_served( int $status, string $code ): callable {
	return function ( array $sent ) use ( $status, $code ) {
		same( array( $status, $code ), array( $sent['status'], $sent['code'] ?? json_decode( $sent['body'], true )['code'] ), 'answer' );
		same( array( 0, 0 ), $sent['users'], 'users' );
		same( false, array_key_exists( 'served', $sent ), 'the route ran' );
	};
}

$fields = array(
	'a name'                         => array( 'username' => 'x' ),
	'a password'                     => array( 'password' => 'x' ),
	'an API key that is none'        => array( 'consumer_key' => '1', 'consumer_secret' => '2' ),
	'an OAuth signature that is none' => array( 'oauth_consumer_key' => '1', 'oauth_signature' => '2' ),
	'nothing'                        => array(),
);
foreach ( $fields as $what => $query ) {
	test(
		"guests are turned away with $what",
		function () use ( $query ) {
			$_GET = $query;
			without_guests();
		},
		nobody_is_served( 401, 'cocart_rest_not_authorized' )
	);
}
foreach ( array( 10, 16 ) as $priority ) {
	test( "a right password is no guest's, CoCart at $priority", fn() => without_guests( basic( 'alice:wonderland-1' )['server'], $priority ), passed( array( 2, 2, 2 ) ) );
	test( "a wrong password is refused in CoCart's words, CoCart at $priority", fn() => without_guests( basic( 'alice:wrong' )['server'], $priority ), nobody_is_served( 401, 'cocart_authentication_error' ) );
}

test(
	"a cookie is a guest's where guests are turned away, also with its nonce",
	function () {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		without_guests( array( 'HTTP_X_WP_NONCE' => 'nonce of user 3' ) );
	},
	nobody_is_served( 401, 'cocart_rest_not_authorized' )
);

test(
	'a plugin that takes every error away lets no guest in',
	function () {
		arrive( 'credentials', array(), array( 'guests' => 'deny' ) );
		add_filter( 'rest_authentication_errors', '__return_false', PHP_INT_MAX );
		load_cocart();
		serve( '/cocart/v2/cart', fn() => $GLOBALS['sent']['served'] = null );
	},
	nobody_is_served( 401, 'cocart_rest_not_authorized' )
);

test(
	'a password that is judged late, because a plugin asked early, is no guest\'s',
	function () {
		arrive( 'credentials', basic( 'alice:wonderland-1' )['server'], array( 'guests' => 'deny' ) );
		$GLOBALS['sent']['users'][] = get_current_user_id();
		load_cocart();
		serve( '/cocart/v2/cart' );
	},
	fn( array $sent ) => same( array( 2, 200 ), array( end( $sent['users'] ), $sent['status'] ) )
);

test(
	'the gateway is told of a password that logged nobody in',
	function () {
		$_GET = array( 'username' => 'alice', 'password' => 'guess' );
		arrive( 'credentials', array(), array( 'guests' => 'deny' ) );
		load_cocart();
		serve( '/cocart/v2/cart' );
	},
	told( '2', 'refused' )
);
