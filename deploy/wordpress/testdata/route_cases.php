<?php
/** What WordPress really dispatches, against what was asserted. */

/** @return array{0: callable, 1: callable} */
function dispatched( string $kind, string $route, bool $admitted, string $method = 'GET', array $get = array(), array $server = array() ): array {
	$play = function () use ( $kind, $route, $method, $get, $server ) {
		$_GET = $get;
		arrive( $kind, array( 'REQUEST_METHOD' => $method ) + $server );
		serve( $route );
	};
	return array( $play, $admitted ? fn( array $sent ) => same( array( '', true ), array( $sent['body'], $sent['finished'] ?? false ) ) : bad_assertion() );
}

$routes = array(
	'/cocart/v2/cart'          => true,
	'/cocart/v2/cart/'         => true,
	'/COCART/V2/cart'          => true,
	"/cocart/v2/cart\n"        => true,
	'/cocart'                  => true,
	'/cocart/jwt/validate-token' => true,
	'/batch/v1'                => true,
	'/cocart/batch'            => true,
	'/wp/v2/users/me'          => false,
	'/cocart-pro/v2/cart'      => false,
	'/cocartv2'                => false,
	'/wc/v3/cocart/orders'     => false,
	'cocart/v2/cart'           => false,
	'//cocart/v2/cart'         => false,
	'/'                        => false,
	''                         => false,
);
foreach ( $routes as $route => $cocart ) {
	foreach ( array( 'customer', 'guest', 'credentials' ) as $kind ) {
		test( "a $kind on \"" . trim( $route, "\n" ) . '"' . ( "\n" === substr( $route, -1 ) ? ' with a line feed' : '' ), ...dispatched( $kind, $route, $cocart ) );
	}
	$batch = in_array( $route, array( '/batch/v1' ), true );
	test( 'a page that turns out to be "' . addcslashes( $route, "\n" ) . '"', ...dispatched( 'site', $route, ! $cocart || $batch ) );
}

foreach ( array( '/cocart/v2/login' => true, '/cocart/v2/login/' => true, '/CoCart/V2/Login' => true, '/cocart/v1/login' => false, '/cocart/v2/logins' => false, '/cocart/v2/cart' => false, '/cocart/v2/login/x' => false, '/batch/v1' => false, '' => false ) as $route => $login ) {
	test( "a login on \"$route\"", ...dispatched( 'login', $route, $login, 'POST' ) );
}
test( 'a login by GET', ...dispatched( 'login', '/cocart/v2/login', false ) );
test( 'a login by GET that says _method=POST', ...dispatched( 'login', '/cocart/v2/login', true, 'GET', array( '_method' => 'POST' ) ) );
test( 'a login by POST that says _method=GET', ...dispatched( 'login', '/cocart/v2/login', false, 'POST', array( '_method' => 'GET' ) ) );
test( 'a login by POST whose _method is a list', ...dispatched( 'login', '/cocart/v2/login', false, 'POST', array( '_method' => array( 'POST' ) ) ) );
test( 'a login by POST that a header overrides', ...dispatched( 'login', '/cocart/v2/login', false, 'POST', array(), array( 'HTTP_X_HTTP_METHOD_OVERRIDE' => 'GET' ) ) );

test(
	'a refused request that a plugin has already given a cookie',
	function () {
		arrive( 'customer' );
		CoCartGateway\header( 'Set-Cookie: wp_woocommerce_session_5f2a=2' );
		serve( '' );
	},
	bad_assertion()
);

test(
	'a route that is a list',
	function () {
		arrive( 'customer' );
		do_action( 'parse_request', (object) array( 'query_vars' => array( 'rest_route' => array( '/cocart/v2/cart' ) ) ) );
	},
	bad_assertion()
);

test(
	'a plugin that keeps WordPress from parsing the request',
	function () {
		arrive( 'customer' );
		do_action( 'wp', (object) array( 'query_vars' => array() ) );
	},
	bad_assertion()
);

test(
	'a plugin that serves a CoCart route by another way than parse_request',
	function () {
		arrive( 'site' );
		$GLOBALS['current_user'] = 0;
		serve_rest( '/cocart/v2/cart' );
	},
	bad_assertion()
);

test(
	'a page that asks CoCart something itself',
	function () {
		arrive( 'site', array( 'REQUEST_URI' => '/' ) );
		serve( '', fn() => dispatch( new WP_REST_Request( 'GET', '/cocart/v2/cart' ) ) );
	},
	passed( array( 0, 0 ) )
);

test(
	'a CoCart route that asks another one itself',
	function () {
		arrive( 'customer' );
		serve( '/cocart/v2/cart', fn() => dispatch( new WP_REST_Request( 'GET', '/wc/v3/products' ) ) );
	},
	passed( array( 2, 2, 2, 2 ) )
);

test(
	'a white-labelled CoCart',
	function () {
		shop( array(), array( 'COCART_GATEWAY_NAMESPACES' => array( 'cocart', '/My.Shop/api/' ) ) );
		asserted( 'customer' );
		load_plugin();
		serve( '/my.shop/API/v2/cart' );
	},
	passed( array( 2, 2, 2 ) )
);

test(
	'a namespace of which the white label is only the beginning',
	function () {
		shop( array(), array( 'COCART_GATEWAY_NAMESPACES' => 'my.shop' ) );
		asserted( 'customer' );
		load_plugin();
		serve( '/myxshop/v2/cart' );
	},
	bad_assertion()
);

test(
	'namespaces that are empty mean CoCart',
	function () {
		shop( array(), array( 'COCART_GATEWAY_NAMESPACES' => array( '', '/' ) ) );
		asserted( 'customer' );
		load_plugin();
		serve( '/' );
	},
	bad_assertion()
);

/** @return array{0: callable, 1: callable} */
function batch( string $kind, $requests, bool $admitted, string $route = '/batch/v1' ): array {
	$play = function () use ( $kind, $requests, $route ) {
		arrive( $kind, array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json' . $route ) );
		serve( $route, null, null === $requests ? array() : array( 'requests' => $requests ) );
	};
	return array( $play, $admitted ? fn( array $sent ) => same( array( '', true ), array( $sent['body'], $sent['finished'] ?? false ) ) : bad_assertion() );
}

function paths( ...$paths ): array {
	return array_map( fn( $path ) => array( 'method' => 'POST', 'path' => $path ), $paths );
}

$batches = array(
	'two of CoCart'               => array( paths( '/cocart/v2/cart/add-item', '/COCART/v2/cart?x=/wp/v2/users' ), true ),
	'nothing'                     => array( array(), true ),
	'no list'                     => array( null, true ),
	'one of WordPress'            => array( paths( '/cocart/v2/cart', '/wp/v2/users/me' ), false ),
	'a URL of WordPress'          => array( paths( 'https://x.example/wp/v2/users?/cocart/' ), false ),
	'a path behind a host'        => array( paths( '//cocart/wp/v2/users' ), false ),
	'a login'                     => array( paths( '/cocart/v2/login' ), false ),
	'an old login'                => array( paths( '/cocart/v1/LOGIN' ), false ),
	'a refresh'                   => array( paths( '/cocart/jwt/refresh-token' ), false ),
	'a batch'                     => array( paths( '/cocart/batch' ), false ),
	'a path that is no path'      => array( paths( 'http:///' ), false ),
	'a path that is a list'       => array( paths( array( '/cocart/v2/cart' ) ), false ),
	'a request without a path'    => array( array( array( 'method' => 'POST' ) ), false ),
	'a request that is a string'  => array( array( '/cocart/v2/cart' ), false ),
	'a string for a list'         => array( '[{"path":"/wp/v2/users"}]', false ),
);
foreach ( $batches as $name => list( $requests, $admitted ) ) {
	test( "a customer's batch with $name", ...batch( 'customer', $requests, $admitted ) );
	test( "a guest's batch with $name", ...batch( 'guest', $requests, $admitted, '/cocart/batch' ) );
}
test( 'a batch of the block editor', ...batch( 'site', paths( '/wp/v2/widgets/1', '/wp/v2/posts' ), true ) );
test( 'a batch of the block editor with CoCart in it', ...batch( 'site', paths( '/wp/v2/widgets/1', '/cocart/v2/cart' ), false ) );
test( 'a batch of the block editor with CoCart behind a path that cannot be read', ...batch( 'site', paths( 'http://:80', '/cocart/v2/cart' ), false ) );
test( 'a batch of the block editor with a path that cannot be read', ...batch( 'site', paths( 'http://:80', '/wp/v2/posts' ), true ) );
test( 'a batch whose credentials WordPress judges', ...batch( 'credentials', paths( '/wp/v2/posts', '/cocart/v2/cart' ), true ) );
