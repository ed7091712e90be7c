<?php
/** What PHP sees of Authorization where the web server has a password of its own, and the gateway answers it. */

/** A request with the web server's password, and the client's Authorization ('' if there is none) as the gateway carries it. */
function behind( string $kind, string $carried, array $claims = array() ): void {
	$server = array(
		'HTTP_AUTHORIZATION'          => 'Basic ' . base64_encode( 'staging:letmein' ),
		'REDIRECT_HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'staging:letmein' ),
		'PHP_AUTH_USER'               => 'staging',
		'PHP_AUTH_PW'                 => 'letmein',
	);
	if ( '' !== $carried ) {
		$server['HTTP_X_COCART_GATEWAY_AUTHORIZATION'] = $carried;
	}
	arrive( $kind, $server, $claims + array( 'auth' => b64( hash( 'sha256', $carried, true ) ) ) );
}

/** The parts of $_SERVER that are about Authorization. */
function seen_authorization(): array {
	$seen = array_filter( $_SERVER, fn( $name ) => 1 === preg_match( '/AUTH/', $name ), ARRAY_FILTER_USE_KEY );
	ksort( $seen );
	return $seen;
}

$alice = 'Basic ' . base64_encode( 'alice:wonder:land-1' );
$basic = array( 'HTTP_AUTHORIZATION' => $alice, 'PHP_AUTH_PW' => 'wonder:land-1', 'PHP_AUTH_USER' => 'alice' );
foreach (
	array(
		'Basic'              => array( $alice, $basic ),
		'Basic in capitals'  => array( 'BASIC ' . base64_encode( 'alice:' ), array( 'HTTP_AUTHORIZATION' => 'BASIC YWxpY2U6', 'PHP_AUTH_PW' => '', 'PHP_AUTH_USER' => 'alice' ) ),
		'Basic with no colon' => array( 'Basic ' . base64_encode( 'alice' ), array( 'HTTP_AUTHORIZATION' => 'Basic YWxpY2U=' ) ),
		'a Bearer'           => array( 'Bearer a.b.c', array( 'HTTP_AUTHORIZATION' => 'Bearer a.b.c' ) ),
		'Digest'             => array( 'Digest username="alice"', array( 'HTTP_AUTHORIZATION' => 'Digest username="alice"', 'PHP_AUTH_DIGEST' => 'username="alice"' ) ),
		'no Authorization'   => array( '', array() ),
	) as $name => list( $carried, $want )
) {
	foreach ( array( 'site', 'credentials' ) as $kind ) {
		test( "a $kind request with $name, behind a password", fn() => behind( $kind, $carried ), passed( array(), fn() => same( $want, seen_authorization() ) ) );
	}
}
test( 'a login with Basic, behind a password', fn() => behind( 'login', $alice ), passed( array(), fn() => same( $basic, seen_authorization() ) ) );
foreach ( array( 'guest', 'customer', 'login' ) as $kind ) {
	test( "a $kind request with a Bearer, behind a password", fn() => behind( $kind, 'Bearer a.b.c' ), passed( array(), fn() => same( array(), seen_authorization() ) ) );
	test( "a $kind request with nothing, behind a password", fn() => behind( $kind, '' ), passed( array(), fn() => same( array(), seen_authorization() ) ) );
}

// getallheaders() still says the web server's password, and CoCart reads that before $_SERVER.
foreach ( array( 'credentials' => $alice, 'login' => $alice, 'site' => 'Bearer a.b.c', 'guest' => '' ) as $kind => $carried ) {
	test(
		"what CoCart takes for Authorization of a $kind request, behind a password",
		fn() => behind( $kind, $carried ),
		passed( array(), fn() => same( $carried, apply_filters( 'cocart_auth_header', 'Basic ' . base64_encode( 'staging:letmein' ) ) ) )
	);
}

test(
	'the carried header counts with its claim only',
	fn() => arrive( 'credentials', array( 'HTTP_AUTHORIZATION' => 'Bearer a.b.c', 'HTTP_X_COCART_GATEWAY_AUTHORIZATION' => $alice ) ),
	passed( array(), fn() => same( array( 'HTTP_AUTHORIZATION' => 'Bearer a.b.c' ), seen_authorization() ) )
);
test(
	'no plugin sees the carried header of an assertion that is refused',
	function () use ( $alice ) {
		behind( 'site', $alice, array( 'auth' => 'another' ) );
		$GLOBALS['sent']['seen'] = seen_authorization();
	},
	fn( array $sent ) => same( false, isset( $sent['seen']['HTTP_X_COCART_GATEWAY_AUTHORIZATION'] ) )
);
test(
	'a password of a customer is checked behind a password',
	function () {
		behind( 'credentials', 'Basic ' . base64_encode( 'alice:wonderland-1' ) );
		load_cocart();
		serve( '/cocart/v2/cart' );
	},
	fn( array $sent ) => same( array( array( 'sub' => '2', 'result' => 'accepted', 'n' => 1 ) ), replied( $sent, 'X-CoCart-Gateway-Attempt' )['checks'] )
);
test(
	'the password of the web server is no attempt',
	function () {
		behind( 'credentials', '' );
		load_cocart();
		serve( '/cocart/v2/cart' );
	},
	fn( array $sent ) => same( array(), replied( $sent, 'X-CoCart-Gateway-Attempt' )['checks'] )
);
