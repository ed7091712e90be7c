<?php
/** The test vectors, through the front door wherever there is one. */

$vectors = array_merge(
	...array_map(
		fn( $file ) => json_decode( file_get_contents( $file ), true ),
		glob( __DIR__ . '/vectors/*.json' )
	)
);

foreach ( $vectors['keys'] as $row ) {
	test(
		"keys of \"$row[secret]\"",
		function () use ( $row ) {
			shop( array(), array( 'COCART_GATEWAY_SECRET' => $row['secret'] ) );
			load_plugin();
		},
		function () use ( $row ) {
			same( array( $row['kid'] => $row['secret'] ), CoCartGateway\secrets() );
			same( $row['assertion_key'], bin2hex( CoCartGateway\derived_key( $row['secret'], 'assertion' ) ) );
			same( $row['reply_key'], bin2hex( CoCartGateway\derived_key( $row['secret'], 'reply' ) ) );
			same( $row['capability_key'], bin2hex( CoCartGateway\derived_key( $row['secret'], 'capability' ) ) );
		}
	);
}

foreach ( $vectors['audiences'] as $row ) {
	test(
		"a site at $row[url] is $row[audience]",
		function () use ( $row ) {
			shop();
			$GLOBALS['options']['home'] = $row['url'];
			load_plugin();
		},
		function () use ( $row ) {
			same( $row['audience'], CoCartGateway\audience() );
		}
	);
}

// Which names a shop answers to: constants, the Site Address as it is stored and as it is filtered, a network or not, and the name.
$moved = array( 'WP_HOME' => 'https://moved.example' );
$fixed = array( 'COCART_GATEWAY_AUDIENCE' => 'fixed.example' );
foreach ( array(
	'the Site Address in wp-config.php'              => array( $moved, 'shop.example', 'shop.example', false, 'moved.example', true ),
	'the Site Address in the database'               => array( array(), 'shop.example', 'en.shop.example', false, 'shop.example', true ),
	'the Site Address of an earlier plugin'          => array( array(), 'shop.example', 'en.shop.example', false, 'en.shop.example', true ),
	'the audience in wp-config.php'                  => array( $fixed, 'shop.example', 'en.shop.example', false, 'fixed.example', true ),
	'the Site Address in wp-config.php of a network' => array( $moved, 'shop.example', 'shop.example', true, 'moved.example', false ),
	'the Site Address beside the audience'           => array( $fixed, 'shop.example', 'shop.example', false, 'shop.example', false ),
	'that of another shop'                           => array( array(), 'shop.example', 'en.shop.example', false, 'other.example', false ),
) as $name => $row ) {
	test(
		"a name of the shop: $name",
		function () use ( $row ) {
			list( $constants, $stored, $filtered, $network, $audience ) = $row;
			shop( array(), $constants );
			$GLOBALS['stored']          = array( 'home' => "https://$stored" );
			$GLOBALS['options']['home'] = "https://$filtered";
			$GLOBALS['multisite']       = $network;
			asserted( 'guest', array( 'aud' => $audience ) );
			load_plugin();
			$row[5] || serve( '/cocart/v2/cart' );
		},
		$row[5] ? passed( array() ) : bad_assertion()
	);
}

/** A request with this vector's token, up to the end of the plugin's file. */
function present( array $row ): void {
	$server = array( 'REQUEST_METHOD' => $row['request']['method'], 'HTTP_HOST' => $row['request']['host'], 'REQUEST_URI' => $row['request']['target'] );
	shop( $server, array( 'COCART_GATEWAY_SECRET' => $row['secret'], 'COCART_GATEWAY_AUDIENCE' => $row['audience'] ) );
	if ( isset( $row['request']['authorization'] ) ) {
		$_SERVER['HTTP_X_COCART_GATEWAY_AUTHORIZATION'] = $row['request']['authorization'];
	}
	$GLOBALS['now']                   = $row['now'];
	$_SERVER['HTTP_X_COCART_GATEWAY'] = $row['token'];
	load_plugin();
}

foreach ( $vectors['assertions'] as $row ) {
	test(
		"believed: $row[name]",
		function () use ( $row ) {
			present( $row );
		},
		passed( array(), function ( array $sent ) use ( $row ) {
			$report = in_array( $row['claims']['kind'], array( 'login', 'credentials' ), true ) ? array( 'X-CoCart-Gateway-Attempt' ) : array();
			same( array_merge( array( 'X-CoCart-Gateway-Plugin' ), $report ), array_keys( $sent['headers'] ), 'headers' );
			same( array( $row['claims']['ip'], 'https' === $row['claims']['proto'] ), array( $_SERVER['REMOTE_ADDR'], isset( $_SERVER['HTTPS'] ) ) );
		} )
	);
}

test(
	'believed: a header in another order',
	function () {
		shop();
		asserted( 'guest', array(), array( 'raw_header' => json( array( 'typ' => 'cocart-assertion+jwt', 'kid' => kid( SECRET ), 'alg' => 'HS256' ) ) ) );
		load_plugin();
	},
	passed( array() )
);

foreach ( $vectors['bad_assertions'] as $row ) {
	test(
		"refused: $row[why]",
		function () use ( $row ) {
			present( $row );
			serve( '/cocart/v2/cart' );
		},
		function ( array $sent ) use ( $row ) {
			bad_assertion()( $sent );
			same( array( 'X-CoCart-Gateway-Refused', 'Content-Type', 'Cache-Control' ), array_keys( $sent['headers'] ), 'headers' );
			same( false, '' !== $row['token'] && false !== strpos( $sent['log'][0], $row['token'] ), 'the token in the log' );
		}
	);
}

foreach ( $vectors['replies'] as $row ) {
	test(
		"reply: $row[name]",
		function () use ( $row ) {
			$login = ! in_array( $row['header'], array( 'X-CoCart-Gateway-Ended', 'X-CoCart-Gateway-Status' ), true ); // An attempt is vectored at the login, too.
			$type  = strtolower( substr( $row['header'], strlen( 'X-CoCart-Gateway-' ) ) );
			$cart  = 'status' === $type ? '/?rest_route=/cocart-gateway/v1/status' : '/wp-json/cocart/v2/cart';
			$uri   = $login ? '/wp-json/cocart/v2/login' : $cart;
			$verb  = $login ? 'POST' : 'GET';
			if ( 'session' === $type ) {
				list( $verb, $uri ) = isset( $row['claims']['sid'] ) ? array( 'GET', $cart ) : array( 'POST', '/wp-json/shop/v1/code' );
			}
			shop( array( 'REQUEST_METHOD' => $verb, 'REQUEST_URI' => $uri ) );
			load_plugin();
			$asserted       = CoCartGateway\Assertion::read( $row['assertion'], CoCartGateway\secrets(), $row['audience'], $_SERVER, NOW );
			$GLOBALS['now'] = $row['claims']['iat'];
			$claims         = array_slice( $row['claims'], 5 ); // Without the common ones.
			echo $asserted->reply( $type, isset( $claims['claims'] ) ? array_merge( $claims, array( 'claims' => (object) $claims['claims'] ) ) : $claims );
		},
		function ( array $sent ) use ( $row ) {
			same( $row['token'], $sent['body'], 'reply' );
		}
	);
}

foreach ( $vectors['capabilities'] as $row ) {
	test(
		"capability: $row[name]",
		function () use ( $row ) {
			arrive( 'site', array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-admin/admin-ajax.php', 'SCRIPT_FILENAME' => '/srv/shop/wp-admin/admin-ajax.php' ) );
			$GLOBALS['now'] = $row['claims']['iat'];
			echo CoCartGateway\App_Sessions::$asserted->capability( (int) $row['claims']['sub'], $row['claims']['act'], $row['claims']['sid'], (int) $row['claims']['by'] );
		},
		fn( array $sent ) => same( $row['token'], $sent['body'], 'capability' )
	);
}

foreach ( $vectors['fingerprints'] as $number => $row ) {
	test(
		"fingerprint $number",
		function () use ( $row ) {
			shop();
			load_plugin();
			$GLOBALS['salt'] = $row['salt'];
			$GLOBALS['usermeta'][2]['_cocart_gateway_epoch'] = $row['epoch'];
		},
		function () use ( $row ) {
			$user = new WP_User( array( 'ID' => 2, 'user_pass' => $row['user_pass'], 'user_email' => $row['user_email'] ) );
			same( $row['fp'], CoCartGateway\fingerprint( $user ) );
		}
	);
}
