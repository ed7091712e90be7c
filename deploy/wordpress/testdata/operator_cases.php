<?php
/** What is in wp-config.php, who may skip the gateway, what administrators read, and logging out everywhere. */

/** A request that did not come through the gateway. */
function direct( array $constants, string $route = '/cocart/v2/cart', array $params = array(), ?callable $handler = null ): callable {
	return function () use ( $constants, $route, $params, $handler ) {
		shop( array( 'HTTP_X_FORWARDED_FOR' => '198.51.100.1', 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) ), $constants );
		$GLOBALS['sent']['before'] = $_SERVER;
		load_plugin();
		load_cocart();
		serve( $route, $handler, $params );
	};
}

function untouched( array $sent ): void {
	same( array( $sent['before'], array() ), array( $_SERVER, $sent['headers'] ) );
}

$required = array( 'COCART_GATEWAY_REQUIRED' => true );
$refused  = refused( 403, 'cocart_gateway_required', 'This request must come through the gateway.' );

test( 'nothing configured, no gateway: WordPress as it was', direct( array( 'COCART_GATEWAY_SECRET' => null ) ), passed( array( 2, 2, 2 ), 'untouched' ) );
test( 'a secret, but the gateway not required', direct( array() ), passed( array( 2, 2, 2 ), 'untouched' ) );
test( 'the gateway explicitly not required', direct( array( 'COCART_GATEWAY_REQUIRED' => false ) ), passed( array( 2, 2, 2 ), 'untouched' ) );
test( 'nothing configured: no hooks but what administrators read', direct( array( 'COCART_GATEWAY_SECRET' => null ) ), fn() => same( array( 'admin_notices', 'network_admin_notices', 'site_status_tests', 'debug_information' ), array_keys( array_diff_key( $GLOBALS['hooks'], array_flip( array( 'determine_current_user', 'rest_authentication_errors' ) ) ) ) ) );

test( 'required: a CoCart route without the gateway', direct( $required ), $refused );
test( 'required: a CoCart route in capitals', direct( $required, '/COCART/v2/cart' ), $refused );
test( 'required: no password is tried', direct( $required ), fn( array $sent ) => same( array(), $sent['tried'] ) );
test( 'required, but no secret', direct( array( 'COCART_GATEWAY_SECRET' => null ) + $required ), $refused );
test( 'required: a page', direct( $required, '' ), passed( array( 0 ), 'untouched' ) );
test( 'required: another route', direct( $required, '/wp/v2/posts' ), passed( array( 0, 0, 0 ), 'untouched' ) );
test( 'required: a page that asks CoCart something itself', direct( $required, '', array(), fn() => dispatch( new WP_REST_Request( 'GET', '/cocart/v2/cart' ) ) ), passed( array( 0, 0 ), 'untouched' ) );
test( 'required: a batch with CoCart in it', direct( $required, '/batch/v1', array( 'requests' => array( array( 'path' => '/wp/v2/posts' ), array( 'path' => '/cocart/v2/cart' ) ) ) ), $refused );
// wp_parse_url() cannot read the first: WordPress answers an error for it, and dispatches the second.
test( 'required: a batch with CoCart behind a path that cannot be read', direct( $required, '/batch/v1', array( 'requests' => array( array( 'path' => 'http://:80' ), array( 'path' => '/cocart/v2/cart' ) ) ) ), $refused );
test( 'required: a batch with CoCart behind no path at all', direct( $required, '/batch/v1', array( 'requests' => array( array( 'path' => '?x' ), 'x', array( 'path' => '/cocart/v2/cart' ) ) ) ), $refused );
test( 'required: a batch without', direct( $required, '/batch/v1', array( 'requests' => array( array( 'path' => '/wp/v2/posts' ) ) ) ), passed( array( 0, 0, 0 ), 'untouched' ) );
test( 'required: a white label keeps the refresh of the old plugin shut', direct( $required + array( 'COCART_GATEWAY_NAMESPACES' => 'my.shop' ), '/cocart/jwt/refresh-token' ), $refused );
test( 'required: a request of the gateway', fn() => shop( array(), $required ) ?? asserted( 'customer' ) ?? load_plugin() ?? serve( '/cocart/v2/cart' ), passed( array( 2, 2, 2 ) ) );
$outdated = fn( string $route ) => fn() => shop() ?? asserted( 'customer', array( 'iat' => NOW - 4000, 'exp' => NOW - 3970 ) ) ?? load_plugin() ?? serve( $route );
$logged   = function ( array $sent ) {
	same( array( 'cocart-gateway: the assertion was refused: it has expired; do the clocks agree?' ), $sent['log'], 'log' );
	same( array( true, array(), '127.0.0.1', false ), array( $sent['finished'] ?? false, $sent['headers'], $_SERVER['REMOTE_ADDR'], isset( $_SERVER['HTTPS'] ) ) );
};
test( 'a bad assertion on a CoCart route', $outdated( '/cocart/v2/cart' ), bad_assertion() );
test( 'a bad assertion does not take a page down', $outdated( '' ), $logged );
test( 'a bad assertion does not take another route down', $outdated( '/wp/v2/posts' ), $logged );
test( 'required: WP-CLI', fn() => shop( array(), $required ) ?? load_plugin(), passed( array() ) );

/** A customer's request, to a shop with these secrets, signed with that one. */
function with_secrets( $configured, string $used ): callable {
	return function () use ( $configured, $used ) {
		shop( array(), array( 'COCART_GATEWAY_SECRET' => $configured ) );
		asserted( 'customer', array(), array( 'secret' => $used ) );
		load_plugin();
		serve( '/cocart/v2/cart', fn() => ( $GLOBALS['users'][2]['user_pass'] = 'x' ) ? null : null );
	};
}

$new   = 'a new secret that is longer than thirty-two bytes';
$short = str_repeat( 's', 31 );

foreach ( array( 'new' => $new, 'old' => SECRET ) as $name => $used ) {
	test(
		"rotation: believed and answered with the $name secret",
		with_secrets( array( $new, SECRET ), $used ),
		passed( array( 2, 2, 2 ), function ( array $sent ) use ( $used ) {
			list( $header, $claims, $mac ) = explode( '.', $sent['headers']['X-CoCart-Gateway-Ended'][0] );
			same( json( array( 'alg' => 'HS256', 'kid' => kid( $used ), 'typ' => 'cocart-ended+jwt' ) ), base64_decode( $header ) );
			same( b64( hash_hmac( 'sha256', "$header.$claims", derived( $used, 'reply' ), true ) ), $mac );
		} )
	);
}
test( 'a secret of 32 bytes', with_secrets( str_repeat( 's', 32 ), str_repeat( 's', 32 ) ), passed( array( 2, 2, 2 ) ) );
foreach ( array( 'of 31 bytes' => $short, 'that is empty' => '', 'that is a number' => 12345678, 'in an empty list' => array(), 'that is missing' => null ) as $name => $configured ) {
	test(
		"a secret $name",
		with_secrets( $configured, is_string( $configured ) ? $configured : SECRET ),
		function ( array $sent ) {
			same( 403, $sent['status'] );
			same( false, strpos( implode( ' ', $sent['log'] ), str_repeat( 's', 31 ) ), 'the secret in the log' );
		}
	);
}
test(
	'a short secret beside a good one is told once, and not used',
	with_secrets( array( SECRET, $short, $short ), SECRET ),
	fn( array $sent ) => same( array( 'cocart-gateway: a secret in COCART_GATEWAY_SECRET is shorter than 32 bytes and is not used' ), $sent['log'] )
);

test(
	'a shop with another address than the gateway was told',
	function () {
		shop( array(), array( 'COCART_GATEWAY_AUDIENCE' => 'https://Shop.example/' ) );
		$GLOBALS['options']['home'] = 'http://wordpress.internal:8000';
		asserted( 'customer' );
		load_plugin();
		serve( '/cocart/v2/cart' );
	},
	passed( array( 2, 2, 2 ) )
);

/** What a user reads in wp-admin. */
function notices( int $user, array $constants, bool $as_plugin = false ): callable {
	return function () use ( $user, $constants, $as_plugin ) {
		shop( array(), $constants );
		$as_plugin && do_action( 'muplugins_loaded' );
		load_plugin();
		wp_set_current_user( $user );
		do_action( 'admin_notices' );
	};
}

function reads( string ...$words ): callable {
	return function ( array $sent ) use ( $words ) {
		same( count( $words ), preg_match_all( '/<div class="notice notice-(warning|error)">/', $sent['body'] ), 'notices' );
		foreach ( $words as $word ) {
			same( true, false !== strpos( $sent['body'], $word ), "\"$word\" in the notices" );
		}
	};
}

$jwt_plugin = fn() => class_alias( 'WP_User', 'CoCart\JWTAuthentication\Plugin' );
test( 'notices of a shop where all is well', notices( 1, array() ), reads() );
test( 'notices of a shop without a secret', notices( 1, array( 'COCART_GATEWAY_SECRET' => null ) ), reads( 'COCART_GATEWAY_SECRET is missing' ) );
test( 'notices of a shop with a short secret', notices( 1, array( 'COCART_GATEWAY_SECRET' => $short ) ), reads( 'shorter than 32 bytes' ) );
test( 'notices for a customer', notices( 2, array( 'COCART_GATEWAY_SECRET' => null ) ), reads() );
test( 'notices beside the plugin that this replaces', fn() => $jwt_plugin() && notices( 1, array() )(), reads( 'CoCart JWT Authentication is active' ) );
test( 'notices of a plugin in the wrong folder', notices( 1, array(), true ), reads( 'mu-plugins' ) );

/** Somebody ends alice's browser sessions. */
function browsers( callable $event, array $constants = array(), bool $through_gateway = true ): callable {
	return function () use ( $event, $constants, $through_gateway ) {
		shop( array( 'REQUEST_URI' => '/wp-admin/profile.php' ), $constants );
		$through_gateway && asserted( 'site' );
		load_plugin();
		$GLOBALS['dead'] = fp( 2 );
		$event( WP_User_Meta_Session_Tokens::get_instance( 2 ) );
	};
}

/** @param int $browsers How many are still logged in. */
function epoch( bool $changed, int $browsers, int $announced ): callable {
	return function ( array $sent ) use ( $changed, $browsers, $announced ) {
		same( array( $browsers, $changed ? array( '2 _cocart_gateway_epoch' ) : array() ), array( WP_User_Meta_Session_Tokens::$browsers, $sent['writes'] ) );
		same( $changed, fp( 2 ) !== $GLOBALS['dead'], 'changed' );
		same( $announced, count( $sent['headers']['X-CoCart-Gateway-Ended'] ?? array() ), 'announced' );
		$announced && same( array( '2', $GLOBALS['dead'], 'changed' ), array_values( array_slice( replied( $sent, 'X-CoCart-Gateway-Ended' ), 5 ) ) );
	};
}

test( 'log out everywhere', browsers( fn( $sessions ) => $sessions->destroy_all() ), epoch( true, 0, 1 ) );
test( 'log out everywhere else', browsers( fn( $sessions ) => $sessions->destroy_others( 'token' ) ), epoch( true, 1, 1 ) );
test( 'log out everywhere, past the gateway', browsers( fn( $sessions ) => $sessions->destroy_all(), array(), false ), epoch( true, 0, 0 ) );
test( 'log out of one browser', browsers( fn( $sessions ) => $sessions->destroy( 'token' ) ), epoch( false, 1, 0 ) );
test( 'log out everywhere, without a secret', browsers( fn( $sessions ) => $sessions->destroy_all(), array( 'COCART_GATEWAY_SECRET' => null ), false ), epoch( false, 0, 0 ) );
test(
	'log out everywhere of a user who is gone',
	browsers( function ( $sessions ) {
		unset( $GLOBALS['users'][2] );
		$sessions->destroy_all();
	} ),
	fn( array $sent ) => same( array(), $sent['writes'] )
);
test(
	'another session manager is left alone',
	browsers( fn() => add_filter( 'session_token_manager', fn() => 'Their_Sessions', 5 ) ),
	fn() => same( 'Their_Sessions', apply_filters( 'session_token_manager', 'WP_User_Meta_Session_Tokens' ) )
);
