<?php
/**
 * One request of a customer, as php -S serves it: what the plugin adds to it, in microseconds. WordPress is the imitation
 * of the tests, whose hooks cost as much as they do there; the user and the metadata are at hand, as WordPress has them.
 * The answer is JSON: "include" up to the end of the file with the assertion verified; "total" until the answer is done,
 * imitation included; "cached" whether PHP had the file compiled in shared memory.
 */

require __DIR__ . '/tokens.php';
require __DIR__ . '/wordpress.php';
require __DIR__ . '/authentication.php';

$plugin = dirname( __DIR__ ) . '/cocart-gateway.php';
$cached = function_exists( 'opcache_is_script_cached' ) && opcache_is_script_cached( $plugin );

define( 'COCART_GATEWAY_SECRET', SECRET );
define( 'WP_USE_THEMES', true );
$GLOBALS['now']   = time();
$GLOBALS['users'] = array( 2 => array( 'ID' => 2, 'user_login' => 'alice', 'user_pass' => '$P$Balice', 'user_email' => 'alice@example.com' ) );
$digest           = fn( $words, $purpose ) => substr( hash_hmac( 'sha256', $words, $GLOBALS['salt'] . "cocart-gateway $purpose v1" ), 0, 32 );
$fingerprint      = $digest( $digest( '$P$Balice', 'password' ) . "\nalice@example.com\n", 'fingerprint' );
$_SERVER          = array( 'REQUEST_METHOD' => 'GET', 'REQUEST_URI' => '/wp-json/cocart/v2/cart', 'HTTP_HOST' => 'shop.example', 'REMOTE_ADDR' => '127.0.0.1', 'SERVER_PORT' => '80', 'SCRIPT_FILENAME' => '/srv/shop/index.php' );
$claims           = array( 'iat' => time(), 'exp' => time() + 30, 'fp' => $fingerprint );

$_SERVER['HTTP_X_COCART_GATEWAY'] = assertion( claims( 'customer', request( 'GET', 'shop.example', '/wp-json/cocart/v2/cart' ), $claims ) );
load_core();

$began = hrtime( true );
register_shutdown_function(
	function () use ( $began, &$included, $cached ) {
		$told = array( 'include' => ( $included - $began ) / 1000, 'total' => ( hrtime( true ) - $began ) / 1000, 'cached' => $cached );
		echo json( $told + array( 'users' => $GLOBALS['sent']['users'] ?? array() ) );
	}
);
require $plugin;
$included = hrtime( true );
do_action( 'muplugins_loaded' );
load_pluggable();
serve( '/cocart/v2/cart' );
