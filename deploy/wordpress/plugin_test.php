<?php
/**
 * Tests of the must-use plugin: php plugin_test.php. Each runs in a PHP process of its own, as each request does, and
 * prints one line, "ok NAME" or "FAIL NAME -- why". Exits 1 if any failed. Needs php-cli with pcntl, as Debian builds it.
 */

require __DIR__ . '/testdata/tokens.php';

$tests = array();

/** A test: what happens in the request, and what is to be seen from outside when it has ended. */
function test( string $name, callable $play, callable $expect ): void {
	$GLOBALS['tests'][] = array( $name, $play, $expect );
}

function same( $want, $got, string $what = 'got' ): void {
	if ( $want !== $got ) {
		throw new Exception( "$what " . json( $got ) . ', want ' . json( $want ) );
	}
}

/** What a client and the server's log see of a request that the plugin ended. */
function refused( int $status, string $code, string $message ): callable {
	return function ( array $sent ) use ( $status, $code, $message ) {
		$body = json( array( 'code' => $code, 'message' => $message, 'data' => array( 'status' => $status ) ) );
		same( array( $status, $body ), array( $sent['status'], $sent['body'] ), 'answer' );
		same( array( 'application/json; charset=UTF-8' ), $sent['headers']['Content-Type'] ?? null, 'Content-Type' );
		same( array( 'no-store' ), $sent['headers']['Cache-Control'] ?? null, 'Cache-Control' );
		same( 0, $GLOBALS['current_user'] ?? 0, 'the current user' );
		same( false, isset( $sent['headers']['X-CoCart-Gateway-Login'] ), 'a login header' );
		same( 1, count( $sent['log'] ), 'lines in the log' );
		same( true, defined( 'DONOTCACHEPAGE' ), 'kept out of page caches' );
		same( false, isset( $sent['headers']['Set-Cookie'] ), 'a cookie' );
	};
}

function bad_assertion(): callable {
	return refused( 403, 'cocart_gateway_bad_assertion', 'This request could not be verified.' );
}

/** Passed: whom every question who this is was answered with. */
function passed( array $users, ?callable $more = null ): callable {
	return function ( array $sent ) use ( $users, $more ) {
		same( array( '', array() ), array( $sent['body'], $sent['log'] ), 'body and log' );
		same( true, $sent['finished'] ?? false, 'finished' );
		same( $users, $sent['users'] ?? array(), 'users' );
		same( array(), $sent['writes'], 'writes to the database' );
		$more && $more( $sent );
	};
}

/** The claims of the one reply header of this name. */
function replied( array $sent, string $name ): array {
	same( 1, count( $sent['headers'][ $name ] ?? array() ), "number of $name headers" );
	return json_decode( base64_decode( strtr( explode( '.', $sent['headers'][ $name ][0] )[1], '-_', '+/' ) ), true );
}

function fp( int $user ): string {
	$of    = $GLOBALS['users'][ $user ];
	$words = array( password_digest( $of['user_pass'] ), $of['user_email'], $GLOBALS['usermeta'][ $user ]['_cocart_gateway_epoch'] ?? '' );
	return keyed( implode( "\n", $words ), 'fingerprint' );
}

function password_digest( string $hash ): string {
	return keyed( $hash, 'password' );
}

function keyed( string $words, string $purpose ): string {
	return substr( hash_hmac( 'sha256', $words, $GLOBALS['salt'] . "cocart-gateway $purpose v1" ), 0, 32 );
}

/** A shop with three users, and PHP-FPM's view of a request that came through the gateway's own connection. */
function shop( array $server = array(), array $constants = array() ): void {
	$GLOBALS['users'] = array(
		1 => array( 'ID' => 1, 'user_login' => 'admin', 'user_pass' => '$P$Badmin', 'user_email' => 'admin@example.com' ),
		2 => array( 'ID' => 2, 'user_login' => 'alice', 'user_pass' => '$P$Balice', 'user_email' => 'alice@example.com' ),
		3 => array( 'ID' => 3, 'user_login' => 'bob', 'user_pass' => '$P$Bbob', 'user_email' => 'bob@example.com' ),
	);
	$_SERVER          = $server + array(
		'REQUEST_METHOD'  => 'GET',
		'REQUEST_URI'     => '/wp-json/cocart/v2/cart',
		'HTTP_HOST'       => 'shop.example',
		'REMOTE_ADDR'     => '127.0.0.1',
		'SERVER_PORT'     => '80',
		'SCRIPT_FILENAME' => '/srv/shop/index.php',
	);
	foreach ( $constants + array( 'COCART_GATEWAY_SECRET' => SECRET, 'WP_USE_THEMES' => true ) as $name => $value ) {
		null === $value || define( $name, $value );
	}
	load_core();
}

/** Signs what $_SERVER says now. */
function asserted( string $kind, array $claims = array(), array $making = array() ): void {
	$request = request( $_SERVER['REQUEST_METHOD'], $_SERVER['HTTP_HOST'], $_SERVER['REQUEST_URI'] );
	$claims += in_array( $kind, array( 'customer', 'hand_back', 'browser' ), true ) ? array( 'fp' => fp( 2 ) ) : array();
	$GLOBALS['asked']                 = assertion( claims( $kind, $request, $claims ), $making );
	$_SERVER['HTTP_X_COCART_GATEWAY'] = $GLOBALS['asked'];
}

function load_plugin(): void {
	require __DIR__ . '/cocart-gateway.php';
	do_action( 'muplugins_loaded' );
	load_pluggable();
}

/** The usual beginning: a shop, an assertion, the plugin. */
function arrive( string $kind, array $server = array(), array $claims = array() ): void {
	shop( $server );
	asserted( $kind, $claims );
	load_plugin();
}

foreach ( glob( __DIR__ . '/testdata/*_cases.php' ) as $cases ) {
	require $cases;
}

/** Runs one test in this process; its verdict is reached at shutdown, because most requests end with exit. */
function run( array $test ): void {
	list( $name, $play, $expect ) = $test;
	require __DIR__ . '/testdata/wordpress.php';
	require __DIR__ . '/testdata/authentication.php';
	require __DIR__ . '/testdata/passwords.php';
	set_error_handler(
		function ( $level, $message, $file, $line ) {
			throw new ErrorException( $message, 0, $level, $file, $line );
		}
	);
	ini_set( 'display_errors', '0' ); // The result contains them.
	ini_set( 'log_errors', '0' );
	ob_start();
	register_shutdown_function( 'verdict', $name, $expect );
	$play();
	$GLOBALS['sent']['finished'] = true;
}

function verdict( string $name, callable $expect ): void {
	$GLOBALS['sent']['body'] = ob_get_clean();
	try {
		same( null, error_get_last()['message'] ?? null, 'PHP error' );
		$expect( $GLOBALS['sent'] );
		echo "ok $name\n";
	} catch ( Throwable $wrong ) {
		echo "FAIL $name -- {$wrong->getMessage()}\n";
		exit( 1 );
	}
}

/** Runs one test in a process of its own, and returns whether it failed. */
function failed( array $test ): bool {
	$child = pcntl_fork();
	if ( 0 === $child ) {
		run( $test );
		exit;
	}
	pcntl_waitpid( $child, $status );
	if ( ! pcntl_wifexited( $status ) ) {
		echo "FAIL $test[0] -- its process died\n";
	}
	return 0 !== $status;
}

if ( 'count' === ( $argv[1] ?? '' ) ) {
	echo count( $tests );
} elseif ( isset( $argv[1] ) ) {
	run( $tests[ (int) $argv[1] ] ); // By number: for a PHP that cannot fork.
} elseif ( in_array( true, array_map( 'failed', $tests ), true ) ) {
	exit( 1 );
}
