<?php
/** What the gateway is told: who logged in, and whose sessions have ended. */

/** A login that CoCart answers with $data and $status, for whoever the credentials belong to. */
function login( array $data = array( 'user_id' => '2' ), int $status = 200, array $server = array() ): void {
	$basic = 'Basic ' . base64_encode( 'alice:wonderland-1' );
	arrive( 'login', $server + array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/login', 'HTTP_AUTHORIZATION' => $basic ) );
	load_cocart();
	serve( '/cocart/v2/login', fn() => new WP_REST_Response( $data, $status ) );
}

function no_login_header( array $sent ): void {
	same( array( 'X-CoCart-Gateway-Plugin' ), array_values( array_diff( array_keys( $sent['headers'] ), array( 'X-CoCart-Gateway-Attempt' ) ) ), 'headers' );
}

/** The common claims of a reply to the assertion of this request. */
function common(): array {
	return array( 'iss' => 'cocart-wordpress', 'aud' => 'shop.example', 'iat' => NOW, 'exp' => NOW + 60, 'req' => b64( hash( 'sha256', $GLOBALS['asked'], true ) ) );
}

test(
	'a login by rest_route, which CoCart does not see before 4.9.6',
	fn() => login( array( 'user_id' => '2' ), 200, array( 'REQUEST_URI' => '/?rest_route=/cocart/v2/login' ) ),
	fn( array $sent ) => same( array( '2', array( 'alice:wonderland-1' ) ), array( replied( $sent, 'X-CoCart-Gateway-Login' )['sub'] ?? null, $sent['tried'] ?? null ) )
);
test(
	'a login is vouched for',
	fn() => login(),
	passed( array( 2, 2, 2 ), function ( array $sent ) {
		$login = array( 'sub' => '2', 'login' => 'alice', 'fp' => fp( 2 ), 'claims' => array() );
		same( common() + $login, replied( $sent, 'X-CoCart-Gateway-Login' ) );
	} )
);
test(
	'a login whose answer does not name the user',
	fn() => login( array( 'display_name' => 'Alice' ) ),
	passed( array( 2, 2, 2 ), fn( array $sent ) => same( '2', replied( $sent, 'X-CoCart-Gateway-Login' )['sub'] ) )
);
test(
	'a login with a number for a user id',
	fn() => login( array( 'user_id' => 2 ) ),
	passed( array( 2, 2, 2 ), fn( array $sent ) => same( '2', replied( $sent, 'X-CoCart-Gateway-Login' )['sub'] ) )
);
test( 'a second factor that is still missing', fn() => login( array( 'code' => 'cocart_2fa_required' ), 401 ), passed( array( 2, 2, 2 ), 'no_login_header' ) );
test( 'a login that is only accepted', fn() => login( array(), 202 ), passed( array( 2, 2, 2 ), 'no_login_header' ) );
test(
	'a login whose answer names somebody else',
	fn() => login( array( 'user_id' => '3' ) ),
	function ( array $sent ) {
		same( 1, count( $sent['log'] ), 'lines in the log' );
		no_login_header( $sent );
	}
);
test(
	'a login with the password of one user, while a plugin says that everybody is another',
	function () {
		add_filter( 'determine_current_user', fn() => 3, PHP_INT_MAX );
		login( array( 'user_id' => '3' ) );
	},
	function ( array $sent ) {
		same( 1, count( $sent['log'] ), 'lines in the log' );
		no_login_header( $sent );
	}
);
test(
	'a login by a name that only a plugin of wp_authenticate() knows',
	function () {
		arrive( 'login', array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/login', 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'a.liddell@directory:x' ) ) );
		add_filter( 'determine_current_user', fn() => apply_filters( 'authenticate', get_userdata( 2 ) )->ID, 16 );
		serve( '/cocart/v2/login', fn() => new WP_REST_Response( array( 'user_id' => '2' ), 200 ) );
	},
	passed( array( 2, 2, 2 ), fn( array $sent ) => same( '2', replied( $sent, 'X-CoCart-Gateway-Login' )['sub'] ) )
);
test(
	'a login with a wrong password',
	fn() => login( array(), 401, array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wrong' ) ) ),
	function ( array $sent ) {
		same( 401, $sent['status'] );
		no_login_header( $sent );
	}
);
test(
	'a login that answers 200 without a user',
	fn() => login( array( 'user_id' => '0' ), 200, array( 'HTTP_AUTHORIZATION' => '' ) ),
	fn( array $sent ) => no_login_header( $sent )
);
test(
	'a login by the cookie of a browser',
	function () {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		login( array( 'user_id' => '3' ), 200, array( 'HTTP_AUTHORIZATION' => '' ) );
	},
	fn( array $sent ) => no_login_header( $sent )
);
test(
	'a login with a stale Bearer that CoCart would find in getallheaders()',
	function () {
		$GLOBALS['getallheaders'] = array( 'Authorization' => 'Bearer a.b.c' );
		$_POST                    = array( 'username' => 'alice', 'password' => 'wonderland-1' );
		login( array( 'user_id' => '2' ), 200, array( 'HTTP_AUTHORIZATION' => 'Bearer a.b.c' ) );
	},
	passed( array( 2, 2, 2 ), fn( array $sent ) => same( array( '2', '' ), array( replied( $sent, 'X-CoCart-Gateway-Login' )['sub'], apply_filters( 'cocart_auth_header', 'Bearer a.b.c' ) ) ) )
);
test(
	'an answer that WordPress embeds in that of a login which failed',
	function () {
		arrive( 'login', array( 'REQUEST_METHOD' => 'POST' ) );
		wp_set_current_user( 2 );
		apply_filters( 'rest_post_dispatch', new WP_REST_Response( array() ), null, new WP_REST_Request( 'GET', '/cocart/v2/cart' ) );
	},
	fn( array $sent ) => no_login_header( $sent )
);
foreach ( array( 'login', 'credentials', 'guest', 'customer' ) as $kind ) {
	test( "the second factor is skipped for no $kind", fn() => arrive( $kind ), passed( array(), fn() => same( array(), apply_filters( 'cocart_login_secure_auth_methods', array( 'jwt', 'api_key' ) ) ) ) );
}
foreach ( array( 'credentials', 'customer' ) as $kind ) {
	test(
		"the login route by a $kind opens no session",
		function () use ( $kind ) {
			arrive( $kind, array( 'REQUEST_METHOD' => 'POST', 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) ) );
			load_cocart();
			serve( '/cocart/v2/login', fn() => new WP_REST_Response( array( 'user_id' => '2' ) ) );
		},
		passed( array( 2, 2, 2 ), 'no_login_header' )
	);
}
test(
	'a password that WordPress hashed anew while checking it',
	function () {
		add_filter( 'cocart_authenticate', fn( $user_id ) => ( $GLOBALS['users'][2]['user_pass'] = '$wp$2y$new' ) ? $user_id : 0 );
		login();
	},
	passed( array( 2, 2, 2 ), fn( array $sent ) => same( fp( 2 ), replied( $sent, 'X-CoCart-Gateway-Login' )['fp'] ) )
);

$claims = array(
	'claims of the shop'              => array( array( 'tier' => 'gold', 'branch' => 7 ), array( 'tier' => 'gold', 'branch' => 7 ), 0 ),
	'claims of 1024 bytes'            => array( array( 'a' => str_repeat( 'x', 1016 ) ), array( 'a' => str_repeat( 'x', 1016 ) ), 0 ),
	'claims of 1025 bytes'            => array( array( 'a' => str_repeat( 'x', 1017 ) ), array(), 1 ),
	'claims that are the gateway\'s'   => array( array( 'id' => 1, 'Pat' => 'x', 'tier' => 'gold' ), array( 'tier' => 'gold' ), 1 ),
	'claims in a list'                => array( array( 'gold', 'id' ), array( 'gold', 'id' ), 0 ),
	'claims that are no array'        => array( 'gold', array(), 1 ),
	'claims that JSON cannot express' => array( array( 'a' => NAN ), array(), 1 ),
);
foreach ( $claims as $name => list( $given, $want, $lines ) ) {
	test(
		"a login with $name",
		function () use ( $given ) {
			add_filter( 'cocart_gateway_token_claims', fn( $none, $user, $request ) => 'alice' === $user->user_login && '/cocart/v2/login' === $request->get_route() ? $given : $none, 10, 3 );
			login();
		},
		fn( array $sent ) => same( array( $want, $lines ), array( replied( $sent, 'X-CoCart-Gateway-Login' )['claims'], count( $sent['log'] ) ) )
	);
}

/** A customer's request after something happened to the customer. */
function after( callable $event, array $claims = array() ): callable {
	return function () use ( $event, $claims ) {
		shop();
		asserted( 'customer', $claims );
		$GLOBALS['dead'] = fp( 2 );
		$event();
		load_plugin();
		serve( '/cocart/v2/cart' );
	};
}

/** Refused, with the signed news for the gateway. */
function ended( string $reason, string $user = '2' ): callable {
	return function ( array $sent ) use ( $reason, $user ) {
		refused( 401, 'cocart_authentication_error', 'Authentication failed.' )( $sent );
		same( common() + array( 'sub' => $user, 'fp' => $GLOBALS['dead'], 'reason' => $reason ), replied( $sent, 'X-CoCart-Gateway-Ended' ) );
	};
}

$events = array(
	'a changed password'         => array( fn() => $GLOBALS['users'][2]['user_pass'] = '$P$Bother', ended( 'changed' ) ),
	'a changed e-mail address'   => array( fn() => $GLOBALS['users'][2]['user_email'] = 'a@example.org', ended( 'changed' ) ),
	'being logged out everywhere' => array( fn() => $GLOBALS['usermeta'][2]['_cocart_gateway_epoch'] = '1', ended( 'changed' ) ),
	'changed salts'              => array( fn() => $GLOBALS['salt'] = 'other', ended( 'changed' ) ),
	'being deleted'              => array( function () { unset( $GLOBALS['users'][2] ); }, ended( 'deleted' ) ),
	'leaving the site'           => array( fn() => list( $GLOBALS['multisite'], $GLOBALS['members'] ) = array( true, array( 3 ) ), ended( 'deleted' ) ),
	'being marked as deleted'    => array( fn() => list( $GLOBALS['multisite'], $GLOBALS['users'][2]['deleted'] ) = array( true, '1' ), ended( 'deleted' ) ),
	'being marked as spam'       => array( fn() => list( $GLOBALS['multisite'], $GLOBALS['users'][2]['spam'] ) = array( true, '1' ), ended( 'deleted' ) ),
);
foreach ( $events as $name => list( $event, $expect ) ) {
	test( "a customer after $name", after( $event ), $expect );
}
$harmless = array(
	'a changed name'                   => fn() => $GLOBALS['users'][2]['display_name'] = 'Alice',
	'somebody else changed theirs'     => fn() => $GLOBALS['users'][3]['user_pass'] = '$P$Bother',
	'joining a network'                => fn() => $GLOBALS['multisite'] = true,
);
foreach ( $harmless as $name => $event ) {
	test( "a customer after $name", after( $event ), passed( array( 2, 2, 2 ) ) );
}
test( 'a customer with the fingerprint of another', after( fn() => $GLOBALS['dead'] = str_repeat( 'f', 32 ), array( 'fp' => str_repeat( 'f', 32 ) ) ), ended( 'changed' ) );
test( 'a customer who never was', after( fn() => null, array( 'sub' => '77' ) ), ended( 'deleted', '77' ) );

test(
	'whoever asks at shutdown who an ended customer is',
	after( function () {
		$GLOBALS['users'][2]['user_pass'] = '$P$Bother';
		add_action( 'muplugins_loaded', fn() => register_shutdown_function( fn() => $GLOBALS['sent']['users'] = array( apply_filters( 'determine_current_user', false ) ) ) );
	} ),
	ended( 'changed' )
);

/** What happens to a user while a request of some kind is served. */
function during( string $kind, callable $event ): callable {
	return function () use ( $kind, $event ) {
		arrive( $kind, 'site' === $kind ? array( 'REQUEST_URI' => '/my-account/' ) : array() );
		$GLOBALS['dead'] = fp( 2 );
		serve( 'site' === $kind ? '' : '/cocart/v2/cart', fn() => $event() ? null : null );
	};
}

function announced( string $reason ): callable {
	return function ( array $sent ) use ( $reason ) {
		same( array( 200, '', true ), array( $sent['status'], $sent['body'], $sent['finished'] ?? false ) );
		same( common() + array( 'sub' => '2', 'fp' => $GLOBALS['dead'], 'reason' => $reason ), replied( $sent, 'X-CoCart-Gateway-Ended' ) );
	};
}

/** WordPress's wp_update_user(): the hook comes last, with the user as it was. */
function update_user( array $fields ): void {
	$before              = get_userdata( 2 );
	$GLOBALS['users'][2] = $fields + $GLOBALS['users'][2];
	do_action( 'profile_update', 2, $before );
}

/** WordPress's reset_password(). */
function reset_password(): void {
	$before                           = get_userdata( 2 );
	$GLOBALS['users'][2]['user_pass'] = '$P$Breset';
	do_action( 'after_password_reset', $before );
}

function delete_user( string $hook ): void {
	do_action( $hook, 2, null, get_userdata( 2 ) );
	unset( $GLOBALS['users'][2] );
}

$changes = array(
	'a new password'     => array( fn() => update_user( array( 'user_pass' => '$P$Bother' ) ), 'changed' ),
	'a new e-mail'       => array( fn() => update_user( array( 'user_email' => 'a@example.org' ) ), 'changed' ),
	'a reset password'   => array( 'reset_password', 'changed' ),
	'a deleted account'  => array( fn() => delete_user( 'delete_user' ), 'deleted' ),
	'an account deleted from the network' => array( fn() => delete_user( 'wpmu_delete_user' ), 'deleted' ),
);
foreach ( $changes as $name => list( $event, $reason ) ) {
	test( "$name, on a page", during( 'site', $event ), announced( $reason ) );
	test( "$name, by the customer", during( 'customer', $event ), announced( $reason ) );
}
test( 'a password set by wp_set_password() alone, by the customer', during( 'customer', fn() => $GLOBALS['users'][2]['user_pass'] = '$P$Bother' ), announced( 'changed' ) );
test(
	'two users deleted on one page of wp-admin',
	during( 'site', fn() => do_action( 'delete_user', 2 ) ?? do_action( 'delete_user', 3 ) ?? do_action( 'delete_user', 3 ) ),
	fn( array $sent ) => same( 2, count( $sent['headers']['X-CoCart-Gateway-Ended'] ) )
);
test(
	'more users deleted on one page than fit into its headers',
	function () {
		add_action( 'cocart_gateway_sessions_ended', fn() => $GLOBALS['sent']['told'] = 1 + ( $GLOBALS['sent']['told'] ?? 0 ) );
		during( 'site', function () {
			foreach ( range( 11, 30 ) as $id ) {
				$GLOBALS['users'][ $id ] = array( 'ID' => $id ) + $GLOBALS['users'][3];
				do_action( 'delete_user', $id );
			}
		} )();
	},
	function ( array $sent ) {
		same( array( 4, 20 ), array( count( $sent['headers']['X-CoCart-Gateway-Ended'] ), $sent['told'] ), 'announced, and told to other plugins' );
		same( true, 2500 > strlen( implode( "X-CoCart-Gateway-Ended: \r\n", $sent['headers']['X-CoCart-Gateway-Ended'] ) ), 'less than 2500 bytes' );
	}
);
test( 'a new name, on a page', during( 'site', fn() => update_user( array( 'display_name' => 'Al' ) ) ), fn( array $sent ) => no_login_header( $sent ) );
test( 'a hook of another plugin, fired with less than WordPress fires it with', during( 'site', fn() => do_action( 'profile_update', 2 ) ?? do_action( 'after_password_reset', 2 ) ?? do_action( 'delete_user', 77 ) ), fn( array $sent ) => no_login_header( $sent ) );
