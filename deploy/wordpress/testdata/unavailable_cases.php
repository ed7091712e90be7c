<?php
/** A database that does not answer for a moment: what it cannot say of a user ends no session, and begins none. */

/** So many queries of these tables fail, beginning with this call. */
function fails( array $queries ): void {
	$GLOBALS['failing'] = $queries;
}

/** The answer while the database does not answer. Nothing ends. */
function for_now(): callable {
	return function ( array $sent ) {
		refused( 503, 'cocart_gateway_database_unavailable', 'The shop cannot answer at the moment. Please try again shortly.' )( $sent );
		same( array( '5' ), $sent['headers']['Retry-After'] ?? null, 'Retry-After' );
		same( array(), $sent['headers']['X-CoCart-Gateway-Ended'] ?? array(), 'announced' );
		same( 0, $GLOBALS['fired']['cocart_gateway_sessions_ended'] ?? 0, 'hook for other plugins' );
	};
}

/** A request of alice, whose fingerprint has an epoch; $then happens when the plugin is loaded. */
function customer_with_epoch( callable $then, array $claims = array() ): callable {
	return function () use ( $then, $claims ) {
		shop( array( 'REQUEST_METHOD' => 'POST' ) );
		$GLOBALS['usermeta'][2]['_cocart_gateway_epoch'] = '0123456789abcdef';
		asserted( 'customer', $claims );
		load_plugin();
		$then();
		serve( '/cocart/v2/cart' );
	};
}

foreach ( array( 'users', 'usermeta' ) as $table ) {
	test( "one query of $table fails", customer_with_epoch( fn() => fails( array( $table => 1 ) ) ), passed( array( 2, 2, 2 ) ) );
	test( "all queries of $table fail", customer_with_epoch( fn() => fails( array( $table => 1000 ) ) ), for_now() );
	test( "one query of $table fails for a link", followed( array(), array(), fn() => fails( array( $table => 1 ) ) ), sent_on( 'https://shop.example/kasse/' ) );
	test( "one query of $table fails for a token of the old plugin", with_pat( fn() => kept( 2, PAT ) ?? fails( array( $table => 1 ) ) ), passed( array( 2, 2, 2 ) ) );
	test( "all queries of $table fail for a token of the old plugin", with_pat( fn() => kept( 2, PAT ) ?? fails( array( $table => 1000 ) ) ), for_now() );
}
test( 'all queries of users fail for a link', followed( array(), array(), fn() => fails( array( 'users' => 1000 ) ) ), for_now() );
$other = array( 'fp' => str_repeat( '0', 32 ) );
test(
	'a session is over, and queries of others fail in each request',
	customer_with_epoch( function () {
		$GLOBALS['EZSQL_ERROR'] = array( array( 'query' => 'SELECT * FROM a_table_that_is_not_there' ) );
		$GLOBALS['dead']        = str_repeat( '0', 32 );
	}, $other ),
	ended( 'changed' )
);
foreach ( array( array( 'users' => 1 ), array( 'usermeta' => 1 ), array( 'users' => 1000 ), array( 'usermeta' => 1000 ) ) as $queries ) {
	$what = json( $queries );
	test( "a name is changed on a page, then queries fail: $what", happens( 'site', fn() => store( 2, array( 'display_name' => 'Al' ) ) ?? fails( $queries ) ), has_not_ended() );
}
test( 'a password is changed on a page, and a query fails', happens( 'site', fn() => store( 2, array( 'user_pass' => '$P$Bother' ) ) ?? fails( array( 'usermeta' => 1 ) ) ), has_ended( 1, array( '2 changed' ) ) );

function has_not_ended(): callable {
	return fn( array $sent ) => same( array( array(), 0 ), array( $sent['told'] ?? array(), count( $sent['headers']['X-CoCart-Gateway-Ended'] ?? array() ) ), 'told and announced' );
}

/** A login of alice, who has an epoch, which queries of the database fail during. */
function login_while( array $queries ): callable {
	return function () use ( $queries ) {
		arrive( 'login', array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/login', 'HTTP_AUTHORIZATION' => 'Basic ' . base64_encode( 'alice:wonderland-1' ) ) );
		$GLOBALS['usermeta'][2]['_cocart_gateway_epoch'] = '0123456789abcdef';
		load_cocart();
		serve( '/cocart/v2/login', fn() => fails( $queries ) ?? get_user_meta( 2, 'nickname', true ) ?: new WP_REST_Response( array( 'user_id' => '2' ) ) );
	};
}

test( 'one query of usermeta fails in a login', login_while( array( 'usermeta' => 1 ) ), fn( array $sent ) => same( fp( 2 ), replied( $sent, 'X-CoCart-Gateway-Login' )['fp'], 'fingerprint' ) );
test( 'all queries of usermeta fail in a login', login_while( array( 'usermeta' => 1000 ) ), for_now() );
$begins = fn( array $queries ) => route_runs( 'site', '/shop/v1/code', function () use ( $queries ) {
	$GLOBALS['usermeta'][2]['_cocart_gateway_epoch'] = '0123456789abcdef';
	fails( $queries );
	get_user_meta( 2, 'nickname', true );
	$begun                 = CoCartGateway\begin_session( 2 );
	$GLOBALS['sent']['begun'] = is_wp_error( $begun ) ? $begun->data['status'] : 200;
} );
test( 'one query of usermeta fails, and a session begins', $begins( array( 'usermeta' => 1 ) ), fn( array $sent ) => session_is( array( '2', fp( 2 ), '' ) )( $sent ) );
test( 'all queries of usermeta fail, and no session begins', $begins( array( 'usermeta' => 1000 ) ), fn( array $sent ) => session_is( array() )( $sent ) ?? same( 503, $sent['begun'] ) );
