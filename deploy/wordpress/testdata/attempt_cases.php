<?php
/** What the gateway is told of a password: whose it is and what became of it. */

/** A request with credentials, answered by CoCart; $params['json'] is its JSON body. */
function with_password( string $kind, array $sent, array $data, int $status = 200 ): callable {
	return function () use ( $kind, $sent, $data, $status ) {
		$route = 'login' === $kind ? '/cocart/v2/login' : '/cocart/v2/cart';
		$_GET  = $sent['query'] ?? array();
		$_POST = $sent['form'] ?? array();
		arrive( $kind, ( $sent['server'] ?? array() ) + array( 'REQUEST_METHOD' => 'login' === $kind ? 'POST' : 'GET', 'REQUEST_URI' => "/wp-json$route" ) );
		$GLOBALS['usermeta'][2]['billing_phone'] = '+15550100';
		load_cocart();
		serve( $route, fn() => new WP_REST_Response( $data, $status ), array( 'json' => $sent['json'] ?? null ) );
	};
}

function basic( string $pair ): array {
	return array( 'server' => array( 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( $pair ) ) );
}

/** The gateway is told this, and nothing was written. */
function told( string $sub, string $result ): callable {
	return function ( array $sent ) use ( $sub, $result ) {
		same( common() + array( 'sub' => $sub, 'result' => $result ), replied( $sent, 'X-CoCart-Gateway-Attempt' ) );
		same( array(), $sent['writes'], 'writes to the database' );
	};
}

function told_nothing( array $sent ): void {
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
	test( "a wrong password in JSON, for a $kind", with_password( $kind, array( 'json' => $fields ), $wrong, 401 ), told( '2', 'refused' ) );
	test( "a wrong password that PHP took off the header, for a $kind", with_password( $kind, array( 'server' => array( 'PHP_AUTH_USER' => 'alice', 'PHP_AUTH_PW' => 'wrong' ) ), $wrong, 401 ), told( '2', 'refused' ) );
	test( "Basic beats the query, for a $kind", with_password( $kind, basic( 'bob:wrong' ) + array( 'query' => $fields ), $wrong, 401 ), told( '3', 'refused' ) );
	test( "a right password, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'user_id' => '2' ) ), told( '2', 'accepted' ) );
	test( "a second factor is asked for, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'code' => 'cocart_2fa_required' ), 401 ), told( '2', 'challenge' ) );
	test( "a second factor of an unknown kind, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'code' => 'cocart_2fa_invalid_provider' ), 400 ), told( '2', 'challenge' ) );
	foreach ( array( 'cocart_2fa_invalid_code', 'cocart_2fa_invalid' ) as $code ) {
		test( "$code, for a $kind", with_password( $kind, basic( 'alice:wonderland-1' ), array( 'code' => $code ), 401 ), told( '2', 'code_refused' ) );
	}
	$unheard = array( 'json' => $fields ); // This CoCart looks into no JSON.
	foreach ( array( 200, 400, 401, 403, 404 ) as $status ) {
		test( "a wrong password that is answered $status, as to a guest, for a $kind", with_password( $kind, $unheard, array( 'code' => 'cocart_rest_not_authorized' ), $status ), told( '2', 'refused' ) );
	}
	test( "a name and a password in JSON, which CoCart reads since 4.7, for a $kind", fn() => define( 'COCART_VERSION', '4.6.3' ) && with_password( $kind, $unheard, array() )(), 'told_nothing' );
	test( "the same for 4.7, for a $kind", fn() => define( 'COCART_VERSION', '4.7.0' ) && with_password( $kind, $unheard, array() )(), told( '2', 'refused' ) );
	foreach ( array( 302, 429, 500, 503 ) as $status ) {
		test( "a password that is answered $status to nobody, for a $kind", with_password( $kind, $unheard, array(), $status ), 'told_nothing' );
	}
	test( "no password, for a $kind", with_password( $kind, array(), array( 'code' => 'cocart_rest_not_authorized' ), 401 ), 'told_nothing' );
	test( "a name without a password, for a $kind", with_password( $kind, array( 'query' => array( 'username' => 'alice' ) ), array(), 200 ), 'told_nothing' );
	test( "a name that is a list, for a $kind", with_password( $kind, array( 'json' => array( 'username' => array( 'alice' ), 'password' => 'x' ) ), $wrong, 401 ), 'told_nothing' );
}
test(
	'a right password of somebody who logs out by it',
	function () {
		arrive( 'credentials', basic( 'alice:wonderland-1' )['server'] + array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/logout' ) );
		load_cocart();
		serve( '/cocart/v2/logout', fn() => wp_logout() );
	},
	fn( array $sent ) => same( array( '2', 'accepted' ), array_values( array_slice( replied( $sent, 'X-CoCart-Gateway-Attempt' ), 5 ) ) )
);
test(
	'a right password needs no look-up',
	with_password( 'credentials', basic( 'alice:wonderland-1' ), array() ),
	fn( array $sent ) => same( array(), $sent['looked_up'] ?? array() )
);
foreach ( array( 'login', 'credentials' ) as $kind ) {
	test( "a right password by a name that WordPress takes for another, for a $kind", fn() => ( $GLOBALS['passwords']['Àlice:wonderland-1'] = 2 ) && with_password( $kind, basic( 'Àlice:wonderland-1' ), array( 'user_id' => '2' ) )(), told( '2', 'accepted' ) );
}
test(
	'a login by a name that WordPress takes for another is vouched for',
	fn() => ( $GLOBALS['passwords']['Àlice:wonderland-1'] = 2 ) && with_password( 'login', basic( 'Àlice:wonderland-1' ), array( 'user_id' => '2' ) )(),
	fn( array $sent ) => same( '2', replied( $sent, 'X-CoCart-Gateway-Login' )['sub'] )
);
test(
	'somebody whom a cookie logged in, beside a password of another',
	function () {
		$_COOKIE = array( 'wordpress_logged_in_5f2a' => 'bob' );
		with_password( 'credentials', array( 'query' => array( 'username' => 'alice', 'password' => 'guess' ), 'server' => array( 'HTTP_X_WP_NONCE' => 'nonce of user 3' ) ), array() )();
	},
	told( '0', 'accepted' )
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
	test( "a password in a request of kind $kind is nobody's business", with_password( $kind, array( 'query' => array( 'username' => 'alice', 'password' => 'x' ) ), array() ), 'told_nothing' );
}
