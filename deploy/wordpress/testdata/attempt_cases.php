<?php
/** What the gateway is told of passwords: every one that was checked, whose it was, and what became of it. */

/** A request with credentials, answered by CoCart; $sent['json'] is its JSON body. */
function with_password( string $kind, array $sent, array $data, int $status = 200 ): callable {
	return function () use ( $kind, $sent, $data, $status ) {
		$route = 'login' === $kind ? '/cocart/v2/login' : '/cocart/v2/cart';
		$_GET  = $sent['query'] ?? array();
		$_POST = $sent['form'] ?? array();
		$json  = isset( $sent['json'] ) ? array( 'CONTENT_TYPE' => $sent['type'] ?? 'application/json', 'REQUEST_METHOD' => $sent['method'] ?? 'POST' ) : array();
		$GLOBALS['input'] = isset( $sent['json'] ) ? json_encode( $sent['json'] ) : '';
		arrive( $kind, ( $sent['server'] ?? array() ) + $json + array( 'REQUEST_METHOD' => 'login' === $kind ? 'POST' : 'GET', 'REQUEST_URI' => "/wp-json$route" ) );
		$GLOBALS['usermeta'][2]['billing_phone'] = '+15550100';
		load_cocart();
		serve( $route, fn() => new WP_REST_Response( $data, $status ), array( 'json' => $sent['json'] ?? null ) );
	};
}

function basic( string $pair ): array {
	return array( 'server' => array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( $pair ) ) );
}

function check( string $sub, string $result, int $n = 1 ): array {
	return array( 'sub' => $sub, 'result' => $result, 'n' => $n );
}

/** The gateway is told of these checks, and one of before the list is told of the last wrong one; nothing was written. */
function told_checks( array ...$checks ): callable {
	return function ( array $sent ) use ( $checks ) {
		$got = replied( $sent, 'X-CoCart-Gateway-Attempt' );
		same( $checks, $got['checks'], 'checks' );
		$wrong = array_filter( $checks, fn( $check ) => 'refused' === $check['result'] );
		$all   = array_merge( array( check( '0', 'accepted' ) ), $checks, $wrong );
		$last  = end( $all );
		same( common() + array( 'sub' => $last['sub'], 'result' => $last['result'], 'checks' => $checks ), $got );
		same( array(), $sent['writes'], 'writes to the database' );
	};
}

function told( string $sub, string $result ): callable {
	return told_checks( check( $sub, $result ) );
}

/** No password was checked, and the gateway is told so. */
function told_nothing( array $sent ): void {
	told_checks()( $sent );
}

/** A request in which no report is due. */
function no_report( array $sent ): void {
	same( false, isset( $sent['headers']['X-CoCart-Gateway-Attempt'] ), 'an attempt header' );
}

$wrong = array( 'code' => 'cocart_authentication_error', 'message' => 'The password you entered is incorrect.', 'data' => array( 'status' => 401 ) );
foreach ( array( 'login', 'credentials' ) as $kind ) {
	$names = array(
		'a login name'                 => array( 'alice', '2' ),
		'a login name in upper case'   => array( 'ALICE', '2' ),
		'an e-mail address'            => array( 'alice@example.com', '2' ),
		'a phone number'               => array( '+15550100', '2' ),
		'blanks around'                => array( ' alice ', '2' ),
		'a letter that WordPress takes for another' => array( 'Àlice', '2' ),
		'a tag that CoCart takes away' => array( '<b>alice@example.com', '2' ),
		'a name that nobody has'       => array( 'nobody', '0' ),
	);
	foreach ( $names as $what => list( $name, $id ) ) {
		test( "a wrong password with $what, for a $kind, by Basic", with_password( $kind, basic( "$name:wrong" ), $wrong, 401 ), told( $id, 'refused' ) );
	}
	$fields = array( 'username' => 'alice', 'password' => 'wrong' );
	test( "a wrong password in the query, for a $kind", with_password( $kind, array( 'query' => $fields ), $wrong, 401 ), told( '2', 'refused' ) );
	test( "a wrong password in a form, for a $kind", with_password( $kind, array( 'form' => $fields ), $wrong, 401 ), told( '2', 'refused' ) );
	foreach ( array( 'application/json', ';application/json', 'text/plain; application/json', 'Application/JSON; charset=utf-8' ) as $type ) {
		test( "a wrong password in JSON as $type, for a $kind", with_password( $kind, array( 'json' => $fields, 'type' => $type ), $wrong, 401 ), told( '2', 'refused' ) );
		test( "an unknown name in JSON as $type, for a $kind", with_password( $kind, array( 'json' => array( 'username' => 'nobody' ) + $fields, 'type' => $type ), $wrong, 401 ), told( '0', 'refused' ) );
	}
	test( "a wrong password that PHP took off the header, for a $kind", with_password( $kind, array( 'server' => array( 'PHP_AUTH_USER' => 'alice', 'PHP_AUTH_PW' => 'wrong' ) ), $wrong, 401 ), told( '2', 'refused' ) );
	test( "Basic beats the query, for a $kind", with_password( $kind, basic( 'bob:wrong' ) + array( 'query' => $fields ), $wrong, 401 ), told( '3', 'refused' ) );
	test( "a right password, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'user_id' => '2' ) ), told( '2', 'accepted' ) );
	test( "a second factor is asked for, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'code' => 'cocart_2fa_required' ), 401 ), told( '2', 'challenge' ) );
	test( "a second factor of an unknown kind, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'code' => 'cocart_2fa_invalid_provider' ), 400 ), told( '2', 'challenge' ) );
	foreach ( array( 'cocart_2fa_invalid_code', 'cocart_2fa_invalid' ) as $code ) {
		test( "$code, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'code' => $code ), 401 ), told( '2', 'code_refused' ) );
	}
	foreach ( array( 200, 302, 400, 401, 403, 404, 429, 500, 503 ) as $status ) {
		test( "a wrong password that is answered $status, for a $kind", with_password( $kind, array( 'query' => $fields ), array( 'code' => 'cocart_rest_not_authorized' ), $status ), told( '2', 'refused' ) );
		test( "a name that nobody has and that is answered $status, for a $kind", with_password( $kind, basic( 'nobody:x' ), array(), $status ), told( '0', 'refused' ) );
	}
	test( "a name and a password in JSON, which CoCart reads since 4.7, for a $kind", fn() => define( 'COCART_VERSION', '4.6.3' ) && with_password( $kind, array( 'json' => $fields ), array() )(), 'told_nothing' );
	test( "the same for 4.7, for a $kind", fn() => define( 'COCART_VERSION', '4.7.0' ) && with_password( $kind, array( 'json' => $fields ), array() )(), told( '2', 'refused' ) );
	test( "no password, for a $kind", with_password( $kind, array(), array( 'code' => 'cocart_rest_not_authorized' ), 401 ), 'told_nothing' );
	test( "a name without a password, for a $kind", with_password( $kind, array( 'query' => array( 'username' => 'alice' ) ), array(), 200 ), 'told_nothing' );
	test( "a name that is a list, for a $kind", with_password( $kind, array( 'json' => array( 'username' => array( 'alice' ), 'password' => 'x' ) ), array(), 200 ), 'told_nothing' );
	test( "an empty password, for a $kind", with_password( $kind, array( 'query' => array( 'username' => 'alice', 'password' => '' ) ), $wrong, 401 ), 'told_nothing' );
}
test( 'JSON that is put, which CoCart does not read', with_password( 'credentials', array( 'json' => array( 'username' => 'alice', 'password' => 'x' ), 'method' => 'PUT' ), array() ), 'told_nothing' );
test( 'a request that CoCart does not take for its own', function () {
	arrive( 'credentials', basic( 'alice:x' )['server'] );
	add_filter( 'cocart_is_rest_api_request', '__return_false' );
	load_cocart();
	serve( '/cocart/v2/cart' );
}, 'told_nothing' );
test(
	'a right password of somebody who logs out by it',
	function () {
		arrive( 'credentials', basic( 'alice:wonderland-1' )['server'] + array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/logout' ) );
		load_cocart();
		serve( '/cocart/v2/logout', fn() => wp_logout() );
	},
	fn( array $sent ) => same( array( check( '2', 'accepted' ) ), replied( $sent, 'X-CoCart-Gateway-Attempt' )['checks'] )
);
foreach ( array( 'wonderland-1' => 'accepted', 'x' => 'refused' ) as $password => $result ) {
	test( "no look-up is needed for a password that is $result", with_password( 'credentials', basic( "alice:$password" ), array() ), fn( array $sent ) => same( array(), $sent['looked_up'] ?? array() ) );
}
foreach ( array( 'login', 'credentials' ) as $kind ) {
	test( "a right password by a name that WordPress takes for another, for a $kind", fn() => ( $GLOBALS['passwords']['Àlice:wonderland-1'] = 2 ) && with_password( $kind, basic( 'Àlice:wonderland-1' ), array( 'user_id' => '2' ) )(), told( '2', 'accepted' ) );
}
test(
	'a login by a name that WordPress takes for another is vouched for',
	fn() => ( $GLOBALS['passwords']['Àlice:wonderland-1'] = 2 ) && with_password( 'login', basic( 'Àlice:wonderland-1' ), array( 'user_id' => '2' ) )(),
	fn( array $sent ) => same( '2', replied( $sent, 'X-CoCart-Gateway-Login' )['sub'] )
);
test(
	'a login name that is the billing phone of another',
	function () use ( $wrong ) {
		arrive( 'credentials', basic( '5550004444:guess' )['server'] );
		$GLOBALS['users'][3]['user_login']       = '5550004444';
		$GLOBALS['usermeta'][2]['billing_phone'] = '5550004444';
		load_cocart();
		serve( '/cocart/v2/cart', fn() => new WP_REST_Response( $wrong, 401 ) );
	},
	told( '2', 'refused' )
);
test(
	'somebody whom a cookie logged in, beside a password of another that is not looked at',
	function () {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		with_password( 'credentials', array( 'query' => array( 'username' => 'alice', 'password' => 'guess' ), 'server' => array( 'HTTP_X_WP_NONCE' => 'nonce of user 3' ) ), array() )();
	},
	'told_nothing'
);
test(
	'a wrong password beside a cookie without its nonce',
	function () use ( $wrong ) {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		with_password( 'credentials', array( 'query' => array( 'username' => 'alice', 'password' => 'guess' ) ), $wrong, 401 )();
	},
	told( '2', 'refused' )
);
foreach ( array( 'guest', 'customer', 'site' ) as $kind ) {
	test( "a password that is checked by nobody, in a request of kind $kind", with_password( $kind, array( 'query' => array( 'username' => 'alice', 'password' => 'x' ) ), array() ), 'no_report' );
}

/** The front controller serves a page, in which this happens. */
function on_a_page( callable $happens, string $kind = 'site' ): callable {
	return function () use ( $happens, $kind ) {
		arrive( $kind, array( 'REQUEST_URI' => '/my-account/', 'REQUEST_METHOD' => 'POST' ) );
		$happens();
	};
}

/** wp_check_password() of a WordPress that answers so. */
function checked( int $user, string $password, bool $fits ): bool {
	return apply_filters( 'check_password', $fits, $password, '$P$B', $user );
}

function login_failed( string $name, string $code ): void {
	do_action( 'wp_login_failed', $name, new WP_Error( $code ) );
}

/** wp_authenticate(): what WordPress and its plugins make of it. */
function authenticated( string $name, string $password, $user ) {
	return apply_filters( 'authenticate', $user, $name, $password );
}

$pages = array(
	'a wrong password'                         => array( fn() => checked( 2, 'x', false ), array( check( '2', 'refused' ) ) ),
	'a right password'                         => array( fn() => checked( 2, 'wonderland-1', true ), array( check( '2', 'accepted' ) ) ),
	'one that is checked twice'                => array( fn() => checked( 2, 'x', false ) || checked( 2, 'x', false ), array( check( '2', 'refused' ) ) ),
	'three of one user'                        => array( fn() => checked( 2, 'x', false ) || checked( 2, 'y', false ) || checked( 2, 'z', false ), array( check( '2', 'refused', 3 ) ) ),
	'wrong ones of two users'                  => array( fn() => checked( 2, 'x', false ) || checked( 3, 'x', false ), array( check( '2', 'refused' ), check( '3', 'refused' ) ) ),
	'a wrong one, then the right one'          => array( fn() => checked( 2, 'x', false ) || checked( 2, 'wonderland-1', true ), array( check( '2', 'refused' ), check( '2', 'accepted' ) ) ),
	'a name that nobody has'                   => array( fn() => login_failed( 'nobody', 'invalid_username' ), array( check( '0', 'refused' ) ) ),
	'an address that nobody has'               => array( fn() => login_failed( 'nobody@example.com', 'invalid_email' ), array( check( '0', 'refused' ) ) ),
	'two names that nobody has'                => array( fn() => login_failed( 'nobody', 'invalid_username' ) || login_failed( 'none', 'invalid_username' ), array( check( '0', 'refused', 2 ) ) ),
	'a failure that was checked'               => array( fn() => checked( 2, 'x', false ) || login_failed( 'alice', 'incorrect_password' ), array( check( '2', 'refused' ) ) ),
	'a failure that another plugin checked'    => array( fn() => login_failed( 'alice@example.com', 'incorrect_password' ), array( check( '2', 'refused' ) ) ),
	'a success that another plugin checked'    => array( fn() => authenticated( 'alice', 'by LDAP', get_userdata( 2 ) ), array( check( '2', 'accepted' ) ) ),
	'an application password, by XML-RPC'      => array( fn() => checked( 2, 'abcd efgh', false ) || authenticated( 'alice', 'abcd efgh', get_userdata( 2 ) ), array( check( '2', 'accepted' ) ) ),
	'a check after an error'                   => array( fn() => checked( 2, 'x', false ) || CoCartGateway\refuse( 403, 'x', 'y', '' ), array( check( '2', 'refused' ) ) ),
);
foreach ( $pages as $what => list( $happens, $checks ) ) {
	test( "on a page of the shop: $what", on_a_page( $happens ), fn( array $sent ) => told_checks( ...$checks )( array( 'writes' => array() ) + $sent ) );
}
foreach ( array( 'a captcha' => 'captcha', 'a lockout plugin' => 'too_many_retries', 'an empty name' => 'empty_username' ) as $what => $code ) {
	test( "on a page of the shop: a failure because of $what", on_a_page( fn() => login_failed( 'alice', $code ) ), 'no_report' );
}
test( 'on a page of the shop: somebody whom a cookie logs in', on_a_page( fn() => authenticated( '', '', get_userdata( 2 ) ) ), 'no_report' );
test( 'on a page of the shop: a check of something else than a password', on_a_page( fn() => apply_filters( 'check_password', true, 'key', '$P$B', '' ) ), 'no_report' );
test(
	'of many passwords in one request only ten are judged',
	on_a_page(
		function () {
			for ( $i = 0; $i < 30; $i++ ) {
				$GLOBALS['sent']['judged'][] = checked( 2 + $i % 2, "guess $i", 25 === $i );
			}
		}
	),
	function ( array $sent ) {
		same( array( check( '2', 'refused', 5 ), check( '3', 'refused', 5 ) ), replied( $sent, 'X-CoCart-Gateway-Attempt' )['checks'] );
		same( false, in_array( true, $sent['judged'], true ), 'a password that was right' );
	}
);
test(
	'CoCart 4.2 fails at a name that no account has',
	function () {
		arrive( 'credentials', basic( 'nobody:x' )['server'] );
		add_filter( 'determine_current_user', fn( $user ) => apply_filters( 'sanitize_user', 'nobody' ) && CoCartGateway\refuse( 500, 'x', 'y', '' ) );
		serve( '/cocart/v2/cart' );
	},
	told( '0', 'refused' )
);
test(
	'a name that is looked up for somebody whom something else logs in',
	function () {
		arrive( 'credentials', basic( 'nobody:x' )['server'] );
		add_filter( 'determine_current_user', fn( $user ) => apply_filters( 'sanitize_user', 'bob' ) ? 3 : 0 );
		serve( '/cocart/v2/cart' );
	},
	'told_nothing'
);
test( 'a check keeps the answer out of page caches', on_a_page( fn() => checked( 2, 'x', false ) ), fn() => same( true, defined( 'DONOTCACHEPAGE' ), 'kept out' ) );
test( 'a page without a check may be cached', on_a_page( fn() => true ), fn() => same( false, defined( 'DONOTCACHEPAGE' ), 'kept out' ) );
test(
	'a password of a customer who changes it, on a CoCart route',
	function () {
		arrive( 'customer' );
		serve( '/cocart/v2/cart', fn() => checked( 2, 'x', false ) ? null : null );
	},
	fn( array $sent ) => same( array( check( '2', 'refused' ) ), replied( $sent, 'X-CoCart-Gateway-Attempt' )['checks'] )
);
foreach ( array( 'site' => true, 'credentials' => false ) as $kind => $finishes ) {
	test(
		"a check after the answer has begun, of kind $kind",
		function () use ( $kind ) {
			arrive( $kind, array( 'REQUEST_URI' => '/wp-json/cocart/v2/cart' ) );
			$GLOBALS['headers_sent'] = true;
			checked( 2, 'x', false );
			$GLOBALS['sent']['told'] = true;
		},
		function ( array $sent ) use ( $finishes ) {
			same( $finishes, isset( $sent['told'] ), 'went on' );
			same( 1, count( $sent['log'] ), 'lines in the log' );
		}
	);
}
test(
	'a bad assertion says that no password is tried',
	function () {
		shop();
		$_SERVER['HTTP_X_COCART_GATEWAY'] = 'garbage';
		load_plugin();
		serve( '/cocart/v2/cart' );
	},
	fn( array $sent ) => same( array( 'cocart_gateway_bad_assertion' ), $sent['headers']['X-CoCart-Gateway-Refused'] ?? null )
);
