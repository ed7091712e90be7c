<?php
/** What $_SERVER, $_COOKIE and $_REQUEST say once the plugin's file was included. */

/** A request with everything in it that a client could try. */
function busy( string $kind, array $server = array(), array $claims = array() ): void {
	$_COOKIE  = array( 'wordpress_5f2a' => 'bob', 'wordpress_sec_5f2a' => 'bob', 'wordpress_logged_in_5f2a' => 'bob', 'my_login' => 'bob', 'wp_cocart_session_5f2a' => 't_1', 'woocommerce_cart_hash' => '1' );
	$_REQUEST = array( 'username' => 'alice', 'password' => 'wonderland-1', 'quantity' => '2' );
	define( 'AUTH_COOKIE', 'my_login' );
	arrive(
		$kind,
		$server + array(
			'HTTP_X_FORWARDED_FOR'           => '198.51.100.1',
			'HTTP_X_FORWARDED_PROTO'         => 'https',
			'HTTP_X_FORWARDED_HOST'          => 'evil.example',
			'HTTP_FORWARDED'                 => 'for=198.51.100.1',
			'HTTP_X_REAL_IP'                 => '198.51.100.1',
			'HTTP_CLIENT_IP'                 => '198.51.100.1',
			'HTTP_X_CLIENT_IP'               => '198.51.100.1',
			'HTTP_X_CLUSTER_CLIENT_IP'       => '198.51.100.1',
			'HTTP_TRUE_CLIENT_IP'            => '198.51.100.1',
			'HTTP_CF_CONNECTING_IP'          => '198.51.100.1',
			'HTTP_USER_AGENT'                => 'CoCart-Go-SDK/1.0.0',
			'HTTP_AUTHORIZATION'             => 'Bearer a.b.c',
			'REDIRECT_HTTP_AUTHORIZATION'    => 'Bearer a.b.c',
			'PHP_AUTH_USER'                  => 'alice',
			'PHP_AUTH_PW'                    => 'wonderland-1',
			'PHP_AUTH_DIGEST'                => 'x',
			'HTTP_COCART_API_CUSTOMER'       => '3',
		),
		$claims
	);
}

/** The plugin's view of a busy request, without what shop() put there. */
function left(): array {
	$server = array_diff_key( $_SERVER, array_flip( array( 'REQUEST_METHOD', 'REQUEST_URI', 'HTTP_HOST', 'SERVER_PORT', 'SCRIPT_FILENAME' ) ) );
	ksort( $server );
	return array( $server, array_keys( $_COOKIE ), array_keys( $_REQUEST ) );
}

$told        = array( 'HTTPS' => 'on', 'HTTP_USER_AGENT' => 'CoCart-Go-SDK/1.0.0', 'REMOTE_ADDR' => '203.0.113.7' );
$credentials = array( 'HTTP_AUTHORIZATION' => 'Bearer a.b.c', 'REDIRECT_HTTP_AUTHORIZATION' => 'Bearer a.b.c', 'PHP_AUTH_USER' => 'alice', 'PHP_AUTH_PW' => 'wonderland-1', 'PHP_AUTH_DIGEST' => 'x', 'HTTP_COCART_API_CUSTOMER' => '3' ) + $told;
$cookies     = array( 'wordpress_5f2a', 'wordpress_sec_5f2a', 'wordpress_logged_in_5f2a', 'my_login', 'wp_cocart_session_5f2a', 'woocommerce_cart_hash' );
$cart_only   = array( 'wp_cocart_session_5f2a', 'woocommerce_cart_hash' );
$all         = array( 'username', 'password', 'quantity' );
ksort( $credentials );

foreach (
	array(
		'site'        => array( $credentials, $cookies, $all ),
		'credentials' => array( array_diff_key( $credentials, array( 'HTTP_COCART_API_CUSTOMER' => '' ) ), $cart_only, $all ),
		'guest'       => array( $told, $cart_only, array( 'quantity' ) ),
		'customer'    => array( $told, array( 'woocommerce_cart_hash' ), $all ),
		'login'       => array( $told, $cart_only, $all ),
	) as $kind => $want
) {
	ksort( $want[0] );
	test( "what is left of a $kind request", fn() => busy( $kind ), passed( array(), fn() => same( $want, left() ) ) );
}

test(
	'a credentials request with a nonce keeps its cookies',
	fn() => busy( 'credentials', array( 'HTTP_X_WP_NONCE' => 'n' ) ),
	passed( array(), fn() => same( $cookies, array_keys( $_COOKIE ) ) )
);
foreach ( array( 'alice:wonderland-1' => null, 'admin:keeper-0' => '3', 'x' => null ) as $basic => $want ) {
	test(
		"which customer's session CoCart 5 is asked for by $basic",
		function () use ( $basic ) {
			arrive( 'credentials', array( 'HTTP_COCART_API_CUSTOMER' => '3', 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( $basic ) ) );
			load_cocart();
			add_filter( 'rest_authentication_errors', fn( $error ) => array( $error, $GLOBALS['sent']['named'] = $_SERVER['HTTP_COCART_API_CUSTOMER'] ?? null )[0], 0 );
			serve( '/cocart/v2/cart' );
		},
		fn( array $sent ) => same( $want, $sent['named'] )
	);
}
test(
	'a login keeps Basic, from wherever the server puts it',
	fn() => busy( 'login', array( 'HTTP_AUTHORIZATION' => 'bAsIc YWxpY2U6' ) ),
	passed( array(), fn() => same( array( 'bAsIc YWxpY2U6', 'alice' ), array( $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['PHP_AUTH_USER'] ) ) )
);

foreach ( array( 'https' => array( 'on', '443' ), 'http' => array( null, '80' ) ) as $proto => $want ) {
	test(
		"a client that used $proto, behind a gateway that used the other scheme",
		function () use ( $proto ) {
			putenv( 'HTTPS=on' );
			arrive( 'site', array( 'SERVER_PORT' => '443', 'HTTPS' => 'on' ), array( 'proto' => $proto ) );
		},
		passed( array(), fn() => same( $want, array( $_SERVER['HTTPS'] ?? null, $_SERVER['SERVER_PORT'] ) ) )
	);
}

// What wp-config.php and the web server say, the claims, and what HTTPS and SERVER_PORT are then.
foreach (
	array(
		'wp-config says https, the gateway saw no scheme'       => array( array( 'HTTPS' => 'on' ), '', array( 'port' => '80', 'assumed' => true ), 'on', '443' ),
		'wp-config says https, a proxy says http'               => array( array( 'HTTPS' => '1' ), '', array( 'port' => '80' ), 'on', '443' ),
		'wp-config says https, an older gateway'                => array( array( 'HTTPS' => 'on', 'SERVER_PORT' => '8000' ), '', array(), 'on', '8000' ),
		'wp-config sets port 443 alone'                         => array( array( 'SERVER_PORT' => '443' ), '', array( 'port' => '80', 'assumed' => true ), 'on', '443' ),
		'the web server says https, the gateway saw no scheme'  => array( array( 'HTTPS' => 'on' ), 'on', array( 'port' => '80', 'assumed' => true ), 'on', '443' ),
		'the web server says https, and the client used http'   => array( array( 'HTTPS' => 'on', 'SERVER_PORT' => '443' ), 'on', array( 'port' => '80' ), null, '80' ),
		'nothing says https'                                    => array( array( 'SERVER_PORT' => '8000' ), '', array( 'port' => '80', 'assumed' => true ), null, '80' ),
		'the web server says that it is off'                    => array( array( 'HTTPS' => 'off', 'SERVER_PORT' => '8000' ), 'off', array( 'port' => '8080', 'assumed' => true ), null, '8080' ),
		'the port of a client by https'                         => array( array( 'SERVER_PORT' => '8000' ), '', array( 'proto' => 'https', 'port' => '8443' ), 'on', '8443' ),
		'port 443 of a client by http is no TLS'                => array( array( 'SERVER_PORT' => '8000' ), '', array( 'port' => '443' ), null, '80' ),
	) as $name => list( $server, $web, $claims, $https, $port )
) {
	test(
		"scheme and port: $name",
		function () use ( $server, $web, $claims ) {
			putenv( "HTTPS=$web" );
			arrive( 'site', $server + array( 'SERVER_PORT' => '8000' ), $claims + array( 'proto' => 'http' ) );
		},
		passed( array(), fn() => same( array( $https, $port, isset( $claims['port'] ) ? $port : null ), array( $_SERVER['HTTPS'] ?? null, $_SERVER['SERVER_PORT'], $_SERVER['HTTP_X_FORWARDED_PORT'] ?? null ) ) )
	);
}
foreach ( array( array( 'assumed' => false, 'proto' => 'http' ), array( 'assumed' => true, 'proto' => 'https' ), array( 'assumed' => 1, 'proto' => 'http' ) ) as $claims ) {
	test(
		'no good claims: ' . json_encode( $claims ),
		fn() => arrive( 'guest', array(), $claims ),
		fn() => same( true, null !== CoCartGateway\Diagnostics::$refusal )
	);
}

test(
	'a host that was signed in other letters',
	fn() => arrive( 'guest', array( 'HTTP_HOST' => 'SHOP.example' ), array( 'h' => 'shop.EXAMPLE' ) ),
	passed( array() )
);

test(
	'a guest who is registering keeps the fields of the form, but they log nobody in',
	function () {
		$_POST = array( 'username' => 'dave', 'password' => 'x', 'email' => 'dave@example.com' );
		arrive( 'guest', array( 'REQUEST_METHOD' => 'POST' ) );
		add_action( 'parse_request', fn() => $GLOBALS['sent']['fields'] = array( $_REQUEST, $_POST ), 11 );
		serve( '/cocart/v2/cart' );
	},
	fn( array $sent ) => same( array( array( 'email' => 'dave@example.com' ), array( 'username' => 'dave', 'password' => 'x', 'email' => 'dave@example.com' ) ), $sent['fields'] )
);

/** A script that loads WordPress without being its front controller. */
function other_script( string $kind, array $constants, string $script = '/srv/shop/index.php' ): callable {
	return function () use ( $kind, $constants, $script ) {
		shop( array( 'SCRIPT_FILENAME' => $script ), $constants );
		asserted( $kind );
		load_plugin();
	};
}

/** A plugin's index.php, in a wp-content that is really there. */
function plugins_index(): string {
	mkdir( WP_CONTENT_DIR );
	touch( WP_CONTENT_DIR . '/index.php' );
	register_shutdown_function( 'unlink', WP_CONTENT_DIR . '/index.php' );
	register_shutdown_function( 'rmdir', WP_CONTENT_DIR );
	return WP_CONTENT_DIR . '/index.php';
}

$scripts = array(
	'admin-ajax.php' => array( array( 'WP_ADMIN' => true, 'DOING_AJAX' => true, 'WP_USE_THEMES' => null ), '/srv/shop/wp-admin/admin-ajax.php' ),
	'wp-admin'       => array( array( 'WP_ADMIN' => true, 'WP_USE_THEMES' => null ), '/srv/shop/wp-admin/index.php' ),
	'wp-cron.php'    => array( array( 'DOING_CRON' => true ), '/srv/shop/wp-cron.php' ),
	'xmlrpc.php'     => array( array( 'XMLRPC_REQUEST' => true ), '/srv/shop/xmlrpc.php' ),
	'wp-login.php'   => array( array( 'WP_USE_THEMES' => null ), '/srv/shop/wp-login.php' ),
	'an index.php that does Ajax' => array( array( 'DOING_AJAX' => true ), '/srv/shop/index.php' ),
	'a script that says it uses themes' => array( array(), '/srv/shop/tool.php' ),
	'an index.php that is not the front controller' => array( array( 'WP_USE_THEMES' => null ), '/srv/shop/old/index.php' ),
);
foreach ( $scripts as $name => $script ) {
	foreach ( array( 'customer', 'guest', 'credentials', 'login' ) as $kind ) {
		test( "$name with an assertion of kind $kind", other_script( $kind, ...$script ), bad_assertion() );
	}
	test( "$name with an assertion of kind site", other_script( 'site', ...$script ), passed( array() ) );
}
test( "a plugin's index.php with an assertion of kind customer", fn() => other_script( 'customer', array(), plugins_index() )(), bad_assertion() );

// The port that the client asked for is in both places where signatures look for it.
foreach (
	array(
		'https, the default'        => array( array( 'proto' => 'https', 'port' => '443' ), array( '443', '443', 'on' ) ),
		'https on another port'     => array( array( 'proto' => 'https', 'port' => '8443' ), array( '8443', '8443', 'on' ) ),
		'http'                      => array( array( 'proto' => 'http', 'port' => '80' ), array( '80', '80', null ) ),
		'http with the port of TLS' => array( array( 'proto' => 'http', 'port' => '443' ), array( '80', '80', null ) ),
		'an older gateway'          => array( array( 'proto' => 'https' ), array( '8000', null, 'on' ) ),
	) as $name => list( $claims, $want )
) {
	foreach ( array( 'site', 'guest', 'customer' ) as $kind ) {
		test(
			"the port of a $kind request: $name",
			fn() => arrive( $kind, array( 'SERVER_PORT' => '8000', 'HTTP_X_FORWARDED_PORT' => null ), $claims ),
			passed( array(), fn() => same( $want, array( $_SERVER['SERVER_PORT'], $_SERVER['HTTP_X_FORWARDED_PORT'] ?? null, $_SERVER['HTTPS'] ?? null ) ) )
		);
	}
}
