<?php
/** Handing back to CoCart JWT Authentication: a login without a password, for the customer of a session. */

/** What the login route runs with; $before happens before the plugin is loaded. */
function handed_back( ?callable $handler = null, string $route = '/cocart/v2/login', array $server = array(), ?callable $before = null ): callable {
	return function () use ( $handler, $route, $server, $before ) {
		$_COOKIE                  = array( 'wordpress_logged_in_5f2a' => 'bob' );
		$GLOBALS['getallheaders'] = array( 'Authorization' => 'Bearer a.b.c' );
		shop( $server + array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/login', 'HTTP_AUTHORIZATION' => 'Bearer a.b.c' ) );
		asserted( 'hand_back' );
		$GLOBALS['dead'] = fp( 2 );
		$before && $before();
		load_plugin();
		load_cocart();
		serve( $route, $handler );
	};
}

test(
	'who is handed back is the customer of the session, and needs no password',
	handed_back( fn() => new WP_REST_Response( array( 'user_id' => '2' ) ) ),
	passed( array( 2, 2, 2 ), function ( array $sent ) {
		same( array(), $sent['tried'], 'passwords tried' );
		no_login_header( $sent );
	} )
);
test(
	'to CoCart it is a login by token, which asks for no second factor, and no token that anybody would judge',
	handed_back(),
	passed( array( 2, 2, 2 ), function () {
		same( array( 'jwt' ), apply_filters( 'cocart_login_secure_auth_methods', array( 'jwt', 'api_key' ) ) );
		same( 'Bearer cocart-gateway', apply_filters( 'cocart_auth_header', 'Bearer a.b.c' ) );
		same( false, isset( $_SERVER['HTTP_AUTHORIZATION'] ), 'Authorization' );
	} )
);
test(
	'before 4.8 CoCart asks for a second factor also of a login by token: nobody is asked, and no code is mailed',
	handed_back( function () { apply_filters( 'cocart_login_permission_callback', true ); }, '/cocart/v2/login', array(), fn() => add_filter( 'cocart_login_permission_callback', fn() => $GLOBALS['sent']['tried'][] = 'a code was mailed' ) ),
	passed( array( 2, 2, 2 ), fn( array $sent ) => same( array(), $sent['tried'], 'second factors' ) )
);
foreach ( array( '/cocart/v2/cart', '/cocart/jwt/refresh-token', '/cocart/v2/logout', '/batch/v1', '/wp/v2/users/me', '' ) as $route ) {
	test( "an assertion for a session to hand back is none for \"$route\"", handed_back( null, $route ), bad_assertion() );
}
test( 'an assertion for a session to hand back is none for another method', handed_back( null, '/cocart/v2/login', array( 'HTTP_X_HTTP_METHOD_OVERRIDE' => 'GET' ) ), bad_assertion() );
foreach (
	array(
		'who has another password' => fn() => $GLOBALS['users'][2]['user_pass'] = '$P$Bother',
		'whom the shop refuses'    => allow( false ),
	) as $name => $before
) {
	test( "a customer $name is not handed back", handed_back( null, '/cocart/v2/login', array(), $before ), ended( 'changed' ) );
}
