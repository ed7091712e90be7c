<?php
/** What the gateway's operator is told, and who else is told nothing. */

/** The parts of WordPress that only the status asks. */
function load_status_needs( array $namespaces ): void {
	$GLOBALS['namespaces'] = $namespaces;
	$GLOBALS['wp_version'] = '6.9';
	if ( ! function_exists( 'is_ssl' ) ) {
		function is_ssl() {
			return 'on' === ( $_SERVER['HTTPS'] ?? '' );
		}
	}
	if ( ! function_exists( 'rest_get_url_prefix' ) ) {
		function rest_get_url_prefix() {
			return 'wp-json';
		}
	}
	if ( ! function_exists( 'wp_using_ext_object_cache' ) ) {
		function wp_using_ext_object_cache() {
			return null;
		}
	}
	if ( ! function_exists( 'rest_get_server' ) ) {
		function rest_get_server() {
			return new class() {
				public function get_namespaces() {
					return $GLOBALS['namespaces'];
				}

				public function get_routes() {
					$routes = array( '/', '/wp/v2', '/wp/v2/users', '/wp/v2/users/me', '/wp/v2/users/(?P<id>[\d]+)', '/wp/v2/types/(?P<type>[\w-]+)', '/WC/Store/v1/cart' );
					$lazily = apply_filters( 'woocommerce_rest_should_lazy_load_namespace', true, 'wc/v3' );
					return array_fill_keys( $lazily ? $routes : array_merge( $routes, array( '/wc/v3/orders' ) ), array() );
				}
			};
		}
	}
}

/** The operator's question; the changes are to the claims, to how they are signed, and to what PHP sees of the request. */
function status( array $claims = array(), array $making = array(), array $seen = array(), string $route = '/cocart-gateway/v1/status' ): callable {
	return function () use ( $claims, $making, $seen, $route ) {
		$_GET = array( 'rest_route' => '/cocart-gateway/v1/status' );
		shop( array( 'REQUEST_URI' => '/?rest_route=/cocart-gateway/v1/status', 'HTTP_AUTHORIZATION' => 'Bearer cocart-gateway-status' ), $seen['constants'] ?? array() );
		unset( $seen['constants'] );
		load_status_needs( array( 'oembed/1.0', 'cocart/v1', 'CoCart/v2', 'cocart', 'cocart-pro/v1', 'wp/v2' ) );
		$GLOBALS['options'] += array( 'siteurl' => 'https://shop.example/wp', 'permalink_structure' => '/%postname%/' );
		asserted( 'status', $claims, $making );
		$_SERVER = $seen + $_SERVER;
		load_plugin();
		serve( $route );
	};
}

/** The status was told; its facts are given to $more. */
function stated( array $want ): callable {
	return function ( array $sent ) use ( $want ) {
		$claims = replied( $sent, 'X-CoCart-Gateway-Status' );
		same( array( '{}', array( 'no-store' ), array( '1.3.0' ) ), array( $sent['body'], $sent['headers']['Cache-Control'], $sent['headers']['X-CoCart-Gateway-Plugin'] ) );
		same( b64( hash( 'sha256', $GLOBALS['asked'], true ) ), $claims['req'], 'req' );
		same( $want, array_intersect_key( $claims['status'] ?? array(), $want ), 'facts' );
		same( array( array(), array() ), array( $sent['writes'], $sent['log'] ), 'writes and log' );
	};
}

/** Why it was not told, and what WordPress saw. */
function refused_status( string $reason, array $saw = array(), int $now = NOW ): callable {
	return function ( array $sent ) use ( $reason, $saw, $now ) {
		$claims = replied( $sent, 'X-CoCart-Gateway-Status' );
		$target = b64( hash( 'sha256', '/?rest_route=/cocart-gateway/v1/status', true ) );
		same( array( $reason, $now ), array( $claims['refused'], $claims['iat'] ) );
		same( array_merge( array( 'aud' => 'shop.example', 'm' => 'GET', 'h' => 'shop.example', 't' => $target ), $saw ), $claims['saw'], 'saw' );
		same( array( false, array( "cocart-gateway: the assertion was refused: $reason" ) ), array( isset( $claims['status'] ), $sent['log'] ), 'facts and log' );
		same( '{}', $sent['body'], 'body' );
	};
}

$facts = array(
	'plugin' => '1.3.0', 'php' => PHP_VERSION, 'sapi' => PHP_SAPI, 'wordpress' => '6.9', 'woocommerce' => '', 'cocart' => '',
	'routes' => array( 'cocart/v1', 'CoCart/v2', 'cocart' ), 'missing' => array(), 'home' => 'https://shop.example', 'siteurl' => 'https://shop.example/wp',
	'rest_prefix' => 'wp-json', 'permalinks' => true, 'tls' => true, 'environment' => '', 'required' => false, 'secrets' => 1, 'old_plugin' => false, 'jwt_plugins' => array(),
	'object_cache' => false, 'multisite' => false, 'late' => false, 'copies' => array(), 'authorization' => true, 'paths' => array(),
);
test( 'the status of a shop', status(), stated( $facts ) );
test( 'the status over http', status( array( 'proto' => 'http' ) ), stated( array( 'tls' => false ) ) );
test( 'the status of a shop that requires the gateway', status( array(), array(), array( 'constants' => array( 'COCART_GATEWAY_REQUIRED' => true ) ) ), stated( array( 'required' => true ) ) );
test( 'the status while a secret is changed', status( array(), array(), array( 'constants' => array( 'COCART_GATEWAY_SECRET' => array( 'a new secret that is longer than thirty-two bytes', SECRET ) ) ) ), stated( array( 'secrets' => 2 ) ) );
test(
	'the status where the secret is defined below the line in wp-config.php',
	function () {
		add_action( 'init', fn() => define( 'COCART_GATEWAY_SECRET', SECRET ), PHP_INT_MAX ); // After all plugins, before the request is parsed.
		status( array(), array(), array( 'constants' => array( 'COCART_GATEWAY_SECRET' => null ) ) )();
	},
	function ( array $sent ) {
		$claims = replied( $sent, 'X-CoCart-Gateway-Status' );
		same( 'COCART_GATEWAY_SECRET is defined too late', $claims['refused'] );
		same( array( '{}', false ), array( $sent['body'], isset( $claims['status'] ) ), 'facts' );
	}
);
test(
	'a customer where the secret is defined below the line in wp-config.php',
	function () {
		add_action( 'init', fn() => define( 'COCART_GATEWAY_SECRET', SECRET ), PHP_INT_MAX );
		shop( array(), array( 'COCART_GATEWAY_SECRET' => null ) );
		asserted( 'customer' );
		load_plugin();
		serve( '/cocart/v2/cart' );
	},
	fn( array $sent ) => same( array( 403, array() ), array( $sent['status'], $sent['headers']['X-CoCart-Gateway-Status'] ?? array() ) )
);
test( 'the status without Authorization', status( array(), array(), array( 'HTTP_AUTHORIZATION' => '' ) ), stated( array( 'authorization' => false ) ) );
test( 'the status where Authorization comes by another name', status( array(), array(), array( 'HTTP_AUTHORIZATION' => null, 'REDIRECT_HTTP_AUTHORIZATION' => 'Bearer cocart-gateway-status' ) ), stated( array( 'authorization' => true ) ) );
test( 'the status with CoCart and WooCommerce', status( array(), array(), array( 'constants' => array( 'COCART_VERSION' => '4.8.1', 'WC_VERSION' => '10.3.5' ) ) ), stated( array( 'woocommerce' => '10.3.5', 'cocart' => '4.8.1' ) ) );
test(
	'the status with a CoCart that tells its version in its class only',
	function () {
		eval( 'class CoCart { public static $version = "5.0.0"; }' );
		status()();
	},
	stated( array( 'cocart' => '5.0.0' ) )
);
test(
	'the status beside the plugin that this replaces',
	function () {
		class_alias( 'WP_User', 'CoCart\JWTAuthentication\Plugin' );
		status()();
	},
	stated( array( 'old_plugin' => true ) )
);
test(
	'the status beside other plugins that issue tokens',
	function () {
		$GLOBALS['options']['active_plugins'] = array( 'woocommerce/woocommerce.php', 'Simple-JWT-Login/simple-jwt-login.php', 'jwt-authentication-for-wp-rest-api/jwt-auth.php', 'hello.php' );
		status()();
	},
	stated( array( 'jwt_plugins' => array( 'Simple JWT Login', 'JWT Authentication for WP REST API' ) ) )
);
test(
	'the status of a shop with languages in folders',
	function () {
		$GLOBALS['languages'] = array( 'de_CH' );
		add_filter(
			'home_url',
			function ( $url ) {
				$folder = explode( '/', $_SERVER['REQUEST_URI'] )[1] ?? '';
				return in_array( $folder, array( 'en', 'de-ch' ), true ) ? str_replace( 'shop.example', "shop.example/$folder", $url ) : $url;
			}
		);
		add_filter( 'wpml_active_languages', fn() => array( array( 'url' => 'https://shop.example/klingon/' ), array( 'url' => 'https://other.example/' ), 'x' ) );
		status()();
	},
	stated( array( 'paths' => array( '/en', '/de-ch', '/klingon' ) ) )
);
test(
	'the status of a plugin in the wrong folder',
	function () {
		do_action( 'muplugins_loaded' );
		status()();
	},
	stated( array( 'late' => true ) )
);
test(
	'the status of a plugin with a copy beside it',
	fn() => add_action( 'muplugins_loaded', fn() => load_copy( 'backup.php' ) ) ?? status()(),
	fn( array $sent ) => stated( array( 'copies' => array( 'cocart-gateway-' . getmypid() . '/backup.php' ) ) )( $sent )
);

/** The users that the operator's question found; nothing is written, and nothing else is answered. */
function found( array $users ): callable {
	return function ( array $sent ) use ( $users ) {
		$claims = replied( $sent, 'X-CoCart-Gateway-Status' );
		same( array( $users, '{}', false ), array( $claims['found'], $sent['body'], isset( $claims['status'] ) ), 'found' );
		same( array( array(), array() ), array( $sent['writes'], $sent['log'] ), 'writes and log' );
	};
}
foreach ( array(
	'wp/v2/users/me'                      => array(),
	'WP/v2/Users'                         => array(),
	'wc/store'                            => array(),
	'wp/v2/types/product'                 => array(),
	'wp/v2/users/7'                       => array(),
	'wc/v3'                               => array(), // WooCommerce loads these routes for requests below them only, unless a filter says otherwise.
	'wc/sto'                              => array( 'wc/sto' ),
	'wp/v2/users/mee'                     => array( 'wp/v2/users/mee' ),
	'wc/stroe wc/store wp/v2/users/you'   => array( 'wc/stroe', 'wp/v2/users/you' ),
) as $entries => $missing ) {
	test( "site.protect lists $entries", status( array( 'entries' => $entries ) ), stated( array( 'missing' => $missing ) ) );
}
foreach ( array( 'empty' => '', 'a list' => array( 'wc/store' ), 'null' => null ) as $what => $entries ) {
	test( "entries of site.protect that are $what", status( array( 'entries' => $entries ) ), refused_status( 'its claim entries is invalid' ) );
}
test( 'a guest does not learn which routes there are', status( array( 'kind' => 'guest', 'entries' => 'wc/store' ) ), bad_assertion() );

$alice = array( 'sub' => '2', 'login' => 'alice' );
test( 'a user is found by login name', status( array( 'find' => 'Alice' ) ), found( array( $alice ) ) );
test( 'a user is found by e-mail address', status( array( 'find' => 'alice@example.com' ) ), found( array( $alice ) ) );
test( 'no user is found', status( array( 'find' => 'alice@example.org' ) ), found( array() ) );
test( 'a name of 320 bytes is looked up', status( array( 'find' => str_repeat( 'a', 320 ) ) ), found( array() ) );
test( 'an id is no login name', status( array( 'find' => '2' ) ), found( array() ) );
test(
	'a login name that is the e-mail address of another user',
	function () {
		$question = status( array( 'find' => 'bob@example.com' ) );
		add_action( 'muplugins_loaded', fn() => $GLOBALS['users'][2]['user_login'] = 'bob@example.com' );
		$question();
	},
	found( array( array( 'sub' => '2', 'login' => 'bob@example.com' ), array( 'sub' => '3', 'login' => 'bob' ) ) )
);
foreach ( array( 'empty' => '', 'longer than 320 bytes' => str_repeat( 'a', 321 ), 'a list' => array( 'alice' ), 'null' => null ) as $what => $find ) {
	test( "a name to look up that is $what", status( array( 'find' => $find ) ), refused_status( 'its claim find is invalid' ) );
}
test( 'users are not found for a guest', status( array( 'kind' => 'guest', 'find' => 'alice' ) ), bad_assertion() );
test( 'users are not found for a page of the site', status( array( 'kind' => 'site', 'find' => 'alice' ) ), bad_assertion() );
test( 'users are not found with another secret', status( array( 'find' => 'alice' ), array( 'secret' => 'another secret, longer than thirty-two bytes' ) ), bad_assertion() );
test( 'users are not found without an assertion', unasserted_status( '/cocart-gateway/v1/status' ), refused( 403, 'cocart_gateway_required', 'This request must come through the gateway.' ) );

test( 'the status an hour ago', status( array( 'iat' => NOW - 3600, 'exp' => NOW - 3570 ) ), refused_status( 'it has expired; do the clocks agree?' ) );
test( 'the status of tomorrow', status( array( 'iat' => NOW + 86400, 'exp' => NOW + 86430 ) ), refused_status( 'it is from the future; do the clocks agree?' ) );
test( 'the status of another site', status( array( 'aud' => 'other.example' ) ), refused_status( 'it is for other.example, but this is shop.example (COCART_GATEWAY_AUDIENCE can say otherwise)' ) );
test( 'the status whose Host was changed on the way', status( array(), array(), array( 'HTTP_HOST' => 'wordpress.internal' ) ), refused_status( 'it is for another host', array( 'h' => 'wordpress.internal' ) ) );
test( 'the status whose method was changed on the way', status( array(), array(), array( 'REQUEST_METHOD' => 'POST' ) ), refused_status( 'it is for another method', array( 'm' => 'POST' ) ) );
test( 'the status whose target was changed on the way', status( array(), array(), array( 'REQUEST_URI' => '/x' ) ), refused_status( 'it is for another URL', array( 't' => b64( hash( 'sha256', '/x', true ) ) ) ) );

$route = '/cocart-gateway/v1/status';
test( 'the status for somebody with another secret', status( array(), array( 'secret' => 'another secret, longer than thirty-two bytes' ) ), bad_assertion() );
test( 'the status for somebody who signs with the reply key', status( array(), array( 'key' => derived( SECRET, 'reply' ) ) ), bad_assertion() );
test( 'the reason is not for an assertion of another kind', status( array( 'kind' => 'site', 'exp' => NOW - 3570, 'iat' => NOW - 3600 ) ), bad_assertion() );
test( 'the status is not for a page of the site', status( array( 'kind' => 'site' ) ), fn( array $sent ) => same( false, isset( $sent['headers']['X-CoCart-Gateway-Status'] ) ) );
test( 'the status is not for a guest', status( array( 'kind' => 'guest' ) ), bad_assertion() );
test( 'the status is no other route', status( array(), array(), array(), '/cocart/v2/cart' ), bad_assertion() );
test( 'the status is no page', status( array(), array(), array(), '' ), bad_assertion() );
test( 'the status is no other script', status( array(), array(), array( 'SCRIPT_FILENAME' => '/srv/shop/other.php' ) ), bad_assertion() );

/** The status, asked with no assertion at all. */
function unasserted_status( $rest_route ): callable {
	return function () use ( $rest_route ) {
		$_GET = array( 'rest_route' => $rest_route );
		shop( array( 'REQUEST_URI' => '/' ) );
		load_plugin();
		serve( is_string( $rest_route ) ? $rest_route : '' );
	};
}
test( 'the status whose header was lost on the way', unasserted_status( $route ), refused( 403, 'cocart_gateway_required', 'This request must come through the gateway.' ) );
test( 'a list instead of a route is a page', unasserted_status( array( $route ) ), passed( array( 0 ) ) );
test(
	'the status sees Authorization that the gateway carries',
	function () {
		$carried = 'Bearer cocart-gateway-status';
		$seen    = array( 'HTTP_AUTHORIZATION' => 'Basic x', 'HTTP_X_COCART_GATEWAY_AUTHORIZATION' => $carried );
		status( array( 'auth' => b64( hash( 'sha256', $carried, true ) ) ), array(), $seen )();
	},
	stated( array( 'authorization' => true ) )
);
