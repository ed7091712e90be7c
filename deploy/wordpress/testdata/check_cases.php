<?php
/** What Site Health and the notices say of a set-up. */

/** The status of each check by its id, on a page of wp-admin. */
function statuses(): array {
	return array_column( CoCartGateway\checks(), 'status', 'id' );
}

/** @param array|null $making How the assertion is signed; null: there is none. */
function wp_admin( array $constants = array(), ?array $making = array(), array $claims = array() ): callable {
	return function () use ( $constants, $making, $claims ) {
		shop( array( 'REQUEST_URI' => '/wp-admin/site-health.php' ), $constants );
		null !== $making && asserted( 'site', $claims, $making );
		load_plugin();
		wp_set_current_user( 1 );
		$GLOBALS['sent']['log'] = array();
	};
}

$fine = array( 'secret' => 'good', 'must_use' => 'good', 'in_front' => 'good', 'clock' => 'good', 'old_plugin' => 'good', 'required' => 'good' );
$req  = array( 'COCART_GATEWAY_REQUIRED' => true );

/** @param array $but What differs from all being well; null: not said. */
function says( array $but, string ...$words ): callable {
	return function ( array $sent ) use ( $but, $words ) {
		$want = array_filter( array_merge( $GLOBALS['fine'], $but ), fn( $status ) => null !== $status );
		same( $want, array_merge( array_intersect_key( $want, statuses() ), statuses() ), 'statuses' );
		$text = '';
		foreach ( CoCartGateway\checks() as $check ) {
			same( array( 'id', 'status', 'label', 'description', 'action', 'notice' ), array_keys( $check ) );
			same( 'good' !== $check['status'], '' !== $check['action'], "whether there is something to do about $check[id]" );
			same( false, 'critical' === $check['status'] && ! $check['notice'], "whether nobody reads of $check[id]" );
			$text .= "$check[label]. $check[description] $check[action]\n";
		}
		foreach ( $words as $word ) {
			same( true, false !== strpos( $text, $word ), "\"$word\" in: $text" );
		}
		same( false, strpos( $text, SECRET ), 'the secret in the text' );
		same( array( 'cocart-gateway' => true ), $sent['domains'] ?? $GLOBALS['sent']['domains'], 'text domains' );
	};
}

test( 'checks of a shop where all is well', wp_admin( $req ), says( array(), 'This page came through it' ) );
test( 'checks past the gateway', wp_admin( $req, null ), says( array( 'in_front' => 'recommended', 'clock' => null ), 'CoCart refuses requests that do not come through the gateway', 'COCART_GATEWAY_REQUIRED' ) );
test( 'checks past a gateway that is not required', wp_admin( array(), null ), says( array( 'in_front' => 'recommended', 'clock' => null, 'required' => 'recommended' ), 'past it' ) );
test( 'checks without a secret', wp_admin( array( 'COCART_GATEWAY_SECRET' => null ) + $req, null ), says( array( 'secret' => 'critical', 'in_front' => null, 'clock' => null ), 'missing from wp-config.php' ) );
test( 'checks with a short secret', wp_admin( array( 'COCART_GATEWAY_SECRET' => 'short' ) + $req ), says( array( 'secret' => 'critical', 'in_front' => null, 'clock' => null ), 'shorter than 32 bytes' ) );
test( 'checks with a short secret beside a good one', wp_admin( array( 'COCART_GATEWAY_SECRET' => array( SECRET, 'short' ) ) + $req ), says( array( 'secret' => 'recommended' ), 'One of the secrets' ) );
test( 'checks when the gateway has another secret', wp_admin( $req, array( 'secret' => str_repeat( 'another ', 5 ) ) ), says( array( 'in_front' => 'critical', 'clock' => null ), 'another secret', 'upstream.secret' ) );
test( 'checks when a signature is forged', wp_admin( $req, array( 'key' => 'x' ) ), says( array( 'in_front' => 'critical', 'clock' => null ), 'another secret' ) );
test( 'checks when the clock of the gateway is slow', wp_admin( $req, array(), array( 'iat' => NOW - 300, 'exp' => NOW - 270 ) ), says( array( 'in_front' => 'critical', 'clock' => null ), 'clocks', 'NTP' ) );
test( 'checks when the clock of the gateway is fast', wp_admin( $req, array(), array( 'iat' => NOW + 300, 'exp' => NOW + 330 ) ), says( array( 'in_front' => 'critical', 'clock' => null ), 'clocks', 'NTP' ) );
test( 'checks when the clocks are six seconds apart', wp_admin( $req, array(), array( 'iat' => NOW - 6, 'exp' => NOW + 24 ) ), says( array( 'clock' => 'recommended' ), 'They are 6 seconds apart' ) );
test( 'checks when the clocks are six seconds apart the other way', wp_admin( $req, array(), array( 'iat' => NOW + 6, 'exp' => NOW + 36 ) ), says( array( 'clock' => 'recommended' ), 'They are 6 seconds apart' ) );
test( 'checks when the clocks are five seconds apart', wp_admin( $req, array(), array( 'iat' => NOW - 5, 'exp' => NOW + 25 ) ), says( array() ) );
test( 'checks when the gateway has another address', wp_admin( $req, array(), array( 'aud' => 'other.example' ) ), says( array( 'in_front' => 'critical', 'clock' => null ), 'another address', 'site.url' ) );
foreach ( array( 'clocks.example', 'signature.example' ) as $name ) {
	test( "checks when the gateway has another address, $name", wp_admin( $req, array(), array( 'aud' => $name ) ), says( array( 'in_front' => 'critical', 'clock' => null ), 'another address', 'site.url' ) );
}
test( 'checks when the host is changed on the way', wp_admin( $req, array(), array( 'h' => 'other.example' ) ), says( array( 'in_front' => 'critical', 'clock' => null ), 'proxy' ) );

/** A page of wp-admin through a gateway in a dry run. */
function wp_admin_observed( array $constants = array(), array $claims = array() ): callable {
	return function () use ( $constants, $claims ) {
		shop( array( 'REQUEST_URI' => '/wp-admin/site-health.php' ), $constants );
		asserted( 'observed', $claims );
		$_SERVER['HTTP_X_COCART_GATEWAY_OBSERVED'] = $_SERVER['HTTP_X_COCART_GATEWAY'];
		unset( $_SERVER['HTTP_X_COCART_GATEWAY'] );
		load_plugin();
		wp_set_current_user( 1 );
		$GLOBALS['sent']['log'] = array();
	};
}

$none_to_read = fn( array $sent ) => same( '', $sent['body'] );
test( 'checks in a dry run', wp_admin_observed(), says( array(), 'in a dry run', 'This is required during a dry run of the gateway.' ) );
test( 'checks in a dry run where the gateway is required', wp_admin_observed( $req ), says( array( 'required' => 'critical' ), 'CoCart refuses requests', 'until the dry run is over' ) );
test( 'checks in a dry run whose clock is off', wp_admin_observed( array(), array( 'iat' => NOW - 6, 'exp' => NOW + 24 ) ), says( array( 'clock' => 'recommended' ), 'They are 6 seconds apart' ) );
test( 'checks with a clock so far off that CoCart is shut', wp_admin_observed( array(), array( 'iat' => NOW - 20, 'exp' => NOW + 3000 ) ), says( array( 'clock' => 'critical' ), 'They are 20 seconds apart' ) );
test( 'checks in a dry run beside the plugin that hands out the tokens', fn() => $GLOBALS['jwt_plugin']() && wp_admin_observed()(), says( array(), 'the plugin issues and checks the tokens' ) );
test( 'no notice of that plugin in a dry run', fn() => $GLOBALS['jwt_plugin']() && wp_admin_observed()() ?? do_action( 'admin_notices' ), $none_to_read );
test( 'a notice in a dry run where the gateway is required', fn() => wp_admin_observed( $req )() ?? do_action( 'admin_notices' ), fn( array $sent ) => same( 1, substr_count( $sent['body'], 'notice-error' ) ) );
test( 'checks where the gateway is not required', wp_admin(), says( array( 'required' => 'recommended' ), 'without the gateway' ) );
test( 'checks beside the plugin that this replaces', fn() => $GLOBALS['jwt_plugin']() && wp_admin( $req )(), says( array( 'old_plugin' => 'recommended' ), 'Deactivate it', 'not while customers are handed back' ) );
test( 'checks of a plugin in the wrong folder', fn() => do_action( 'muplugins_loaded' ) ?? wp_admin( $req )(), says( array( 'must_use' => 'critical' ), 'wp-content/mu-plugins' ) );
test( 'checks beside another keeper of browser sessions', fn() => add_filter( 'session_token_manager', fn() => 'Their_Sessions', 5 ) ?? wp_admin( $req )(), says( array( 'browser_sessions' => 'recommended' ), 'end_sessions' ) );
test(
	'checks of a shop whose settings stand below the line in wp-config.php',
	fn() => wp_admin()() ?? define( 'COCART_GATEWAY_REQUIRED', true ) && define( 'COCART_GATEWAY_END_ON_ROLE_CHANGE', true ),
	says( array( 'settings' => 'critical', 'required' => 'recommended' ), 'not in force: COCART_GATEWAY_REQUIRED, COCART_GATEWAY_END_ON_ROLE_CHANGE. ' )
);
test(
	'checks of a shop whose secret stands below the line in wp-config.php',
	fn() => wp_admin( array( 'COCART_GATEWAY_SECRET' => null ) + $GLOBALS['req'] )() ?? define( 'COCART_GATEWAY_SECRET', SECRET ),
	says( array( 'settings' => 'critical', 'secret' => 'critical', 'in_front' => null, 'clock' => null ), 'not in force: COCART_GATEWAY_SECRET. ' )
);
foreach ( array( 'DOING_CRON', 'WP_CLI' ) as $constant ) {
	test( "checks without a visitor: $constant", wp_admin( array( $constant => true ) + $req, null ), says( array( 'in_front' => null, 'clock' => null ) ) );
}

test(
	'Site Health gets one test for each check, and keeps those of others',
	wp_admin(),
	function () {
		$tests = apply_filters( 'site_status_tests', array( 'direct' => array( 'theirs' => array() ), 'async' => array() ) );
		same( array_merge( array( 'theirs' ), array_map( fn( $check ) => "cocart_gateway_$check[id]", CoCartGateway\checks() ) ), array_keys( $tests['direct'] ) );
		$result = $tests['direct']['cocart_gateway_required']['test']();
		same( array( 'label', 'status', 'badge', 'description', 'actions', 'test' ), array_keys( $result ) );
		same( array( 'recommended', 'orange', 'cocart_gateway_required' ), array( $result['status'], $result['badge']['color'], $result['test'] ) );
		same( 1, preg_match( '#^<p>Clients that reach .*</p>$#', $result['description'] ) );
		$good = $tests['direct']['cocart_gateway_secret']['test']();
		same( array( 'good', 'blue', '' ), array( $good['status'], $good['badge']['color'], $good['actions'] ) );
	}
);
test(
	'Site Health tells who helps what they would ask for, and no secret',
	wp_admin( array( 'COCART_GATEWAY_NAMESPACES' => array( 'my-shop' ) ) ),
	function () {
		$fields = apply_filters( 'debug_information', array( 'wp-core' => array() ) )['cocart-gateway']['fields'];
		same( array( CoCartGateway\VERSION, 'shop.example', 'my-shop', 1, 'good' ), array( $fields['version']['value'], $fields['audience']['value'], $fields['namespaces']['value'], $fields['secrets']['value'], $fields['in_front']['debug'] ) );
		same( false, strpos( json( $fields ), SECRET ), 'the secret' );
		same( false, strpos( json( $fields ), kid( SECRET ) ), 'the key id' );
	}
);
test(
	'notices when the gateway has another secret',
	fn() => wp_admin( array(), array( 'secret' => str_repeat( 'another ', 5 ) ) )() ?? do_action( 'admin_notices' ),
	fn( array $sent ) => same( array( 1, 1 ), array( substr_count( $sent['body'], 'notice-error' ), substr_count( $sent['body'], 'another secret' ) ) )
);
foreach ( array( 'admin_notices' => array( 'manage_options' ), 'network_admin_notices' => array( 'manage_options', 'manage_network_options' ) ) as $hook => $granted ) {
	$past = fn() => wp_admin( $req, null )() ?? do_action( $hook );
	test( "$hook where CoCart is shut, because the gateway is not in front", fn() => ( $GLOBALS['capabilities'] = $granted ) && $past(), fn( array $sent ) => same( array( 1, 1 ), array( substr_count( $sent['body'], 'notice-warning' ), substr_count( $sent['body'], 'CoCart refuses requests that' ) ) ) );
	test( "$hook for who may not change that", fn() => ( $GLOBALS['capabilities'] = array_slice( $granted, 0, -1 ) ) && false || $past(), $none_to_read );
}
test( 'no notice of what is only recommended', fn() => wp_admin( array(), null )() ?? do_action( 'admin_notices' ), fn( array $sent ) => same( '', $sent['body'] ) );

/** WordPress comes upon another copy of the file under this name, and loads it. */
function load_copy( string $name ): void {
	$folder = sys_get_temp_dir() . '/cocart-gateway-' . getmypid();
	is_dir( $folder ) || mkdir( $folder );
	copy( dirname( __DIR__ ) . '/cocart-gateway.php', "$folder/$name" );
	try {
		require "$folder/$name";
	} finally {
		unlink( "$folder/$name" );
		rmdir( $folder );
	}
}

test( 'a second copy of the file', fn() => wp_admin( $req )() ?? load_copy( 'cocart-gateway-backup.php' ), says( array( 'copies' => 'recommended' ), 'cocart-gateway-backup.php', 'In force is ' . basename( dirname( __DIR__ ) ) . '/cocart-gateway.php' ) );
test( 'two more copies of the file', fn() => wp_admin( $req )() ?? load_copy( 'a.php' ) ?? load_copy( 'b.php' ), says( array( 'copies' => 'recommended' ), '/a.php', '/b.php' ) );
test( 'a notice of a second copy of the file', fn() => wp_admin( $req )() ?? load_copy( 'a.php' ) ?? do_action( 'admin_notices' ), fn( array $sent ) => same( 1, substr_count( $sent['body'], 'notice-warning' ) ) );
test( 'a second copy, as an ordinary plugin, in the request of a customer', fn() => arrive( 'customer' ) ?? load_copy( 'cocart-gateway.php' ) ?? serve( '/cocart/v2/cart' ), passed( array( 2, 2, 2 ) ) );
test( 'a second copy beside one that knows nothing of copies', fn() => before_copies() ?? load_copy( 'cocart-gateway.php' ) ?? serve( '' ), passed( array( 0 ) ) );

/** A first copy from before this was thought of. */
function before_copies(): void {
	shop( array( 'REQUEST_URI' => '/' ) );
	eval( 'namespace CoCartGateway; function start() {}' );
	load_pluggable();
}
