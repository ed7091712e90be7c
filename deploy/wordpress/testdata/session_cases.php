<?php
/** What ends sessions besides passwords: leaving a browser, roles, sites of a network, shop code. */

/** Something happens in a request of this kind, or of none, by a browser that alice is logged in to. */
function happens( string $kind, callable $event, array $constants = array() ): callable {
	return function () use ( $kind, $event, $constants ) {
		shop( 'customer' === $kind ? array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/wp-json/cocart/v2/logout' ) : array( 'REQUEST_URI' => '/my-account/' ), $constants );
		'' !== $kind && asserted( $kind, 'customer' === $kind ? array( 'fp' => roles_fp( 2 ) ) : array() );
		load_plugin();
		$GLOBALS['dead'] = roles_fp( 2 );
		add_action( 'cocart_gateway_sessions_ended', fn( $user_id, $reason ) => $GLOBALS['sent']['told'][] = "$user_id $reason", 10, 2 );
		'customer' === $kind ? serve( '/cocart/v2/logout', fn() => $event() ? null : null ) : wp_set_current_user( 2 );
		$event();
		apply_filters( 'wp_redirect', '/' );
	};
}

/** With roles in it once they count. */
function roles_fp( int $user ): string {
	return function_exists( 'get_userdata' ) ? CoCartGateway\fingerprint( get_userdata( $user ) ) : ( defined( 'COCART_GATEWAY_END_ON_ROLE_CHANGE' ) ? keyed( keyed( '$P$Balice', 'password' ) . "\nalice@example.com\n\ncustomer", 'fingerprint' ) : fp( $user ) );
}

/** @param string[] $told To other plugins. */
function has_ended( int $announced, array $told, string $reason = 'changed' ): callable {
	return function ( array $sent ) use ( $announced, $told, $reason ) {
		same( $told, $sent['told'] ?? array(), 'told' );
		same( $announced, count( $sent['headers']['X-CoCart-Gateway-Ended'] ?? array() ), 'announced' );
		$announced && same( array( '2', $GLOBALS['dead'], $reason ), array_values( array_slice( replied( $sent, 'X-CoCart-Gateway-Ended' ), 5 ) ) );
		'changed' === $reason && same( array() === $told, roles_fp( 2 ) === $GLOBALS['dead'], 'the fingerprint is the same' );
	};
}

$nothing = has_ended( 0, array() );
$leave   = fn() => wp_logout();
test( 'logout of a browser', happens( 'site', $leave ), has_ended( 1, array( '2 logged_out' ) ) );
test( 'logout of a browser, past the gateway', happens( '', $leave ), has_ended( 0, array( '2 logged_out' ) ) );
test( 'logout by the REST route, with the cookie of a browser', happens( 'credentials', $leave ), has_ended( 1, array( '2 logged_out' ) ) );
test( 'logout of nobody', happens( 'site', fn() => wp_set_current_user( 0 ) ?? wp_logout() ), $nothing );
foreach ( array( 'nothing' => array(), 'null' => array( null ), 'words' => array( 'alice' ), 'a list' => array( array( 2 ) ), 'a user who is gone' => array( 77 ), 'minus one' => array( -1 ) ) as $name => $arguments ) {
	test( "logout of $name, by another plugin", happens( 'site', fn() => do_action( 'wp_logout', ...$arguments ) ), $nothing );
}
test( 'logout of a customer ends one session only, which is the work of the gateway', happens( 'customer', $leave ), $nothing );
test( 'logout of a browser, where it ends nothing', happens( 'site', $leave, array( 'COCART_GATEWAY_END_ON_LOGOUT' => false ) ), $nothing );
test( 'logout of a browser, without a secret', happens( '', $leave, array( 'COCART_GATEWAY_SECRET' => null ) ), fn( array $sent ) => same( array(), $sent['writes'] ) );
$answers = array( 'false' => array( fn() => false, 0 ), 'true' => array( fn() => true, 1 ), 'nothing' => array( fn() => null, 1 ), 'an error' => array( fn() => intdiv( 1, 0 ), 1 ) );
foreach ( $answers as $name => list( $answer, $ended ) ) {
	test( "logout of a browser, where a filter answers $name", happens( 'site', fn() => add_filter( 'cocart_gateway_end_on_logout', $answer ) ?? wp_logout() ), has_ended( $ended, $ended ? array( '2 logged_out' ) : array() ) );
}
test(
	'a login in the second of a logout',
	function () {
		shop();
		asserted( 'customer' );
		load_plugin();
		CoCartGateway\next_epoch( 2 );
		$GLOBALS['first'] = fp( 2 );
		CoCartGateway\next_epoch( 2 );
	},
	fn() => same( 3, count( array_unique( array( json_decode( base64_decode( explode( '.', $GLOBALS['asked'] )[1] ) )->fp, $GLOBALS['first'], fp( 2 ) ) ) ), 'different fingerprints' )
);

/** WP_User::set_role(): filters, the database, actions. */
function set_role( string $role ): void {
	store_caps( array( $role => true ) );
	do_action( 'set_user_role', 2, $role, array( 'customer' ) );
}

function store_caps( array $caps ): void {
	$GLOBALS['usermeta'][2]['wp_capabilities'] = $GLOBALS['users'][2]['caps'] ?? array( 'customer' => true );
	apply_filters( 'update_user_metadata', null, 2, 'wp_capabilities', $caps, '' );
	do_action( 'update_user_meta', 7, 2, 'wp_capabilities', $caps );
	$GLOBALS['usermeta'][2]['wp_capabilities'] = $caps;
	$GLOBALS['users'][2]['caps']               = $caps;
}

$roles = array( 'COCART_GATEWAY_END_ON_ROLE_CHANGE' => true );
test( 'a new role', happens( 'site', fn() => set_role( 'editor' ) ), $nothing );
test( 'a new role, where it ends sessions', happens( 'site', fn() => set_role( 'editor' ), $roles ), has_ended( 1, array( '2 changed' ) ) );
test( 'a new role, where it ends sessions, by the customer', happens( 'customer', fn() => set_role( 'editor' ), $roles ), has_ended( 1, array( '2 changed' ) ) );
test( 'the same role again, where it ends sessions', happens( 'site', fn() => set_role( 'customer' ), $roles ), $nothing );
test( 'a role more, where it ends sessions', happens( 'site', fn() => store_caps( array( 'customer' => true, 'vip' => true ) ) ?? do_action( 'add_user_role', 2, 'vip' ), $roles ), has_ended( 1, array( '2 changed' ) ) );
test( 'no role any more, where it ends sessions', happens( 'site', fn() => store_caps( array() ), $roles ), has_ended( 1, array( '2 changed' ) ) );
test( 'a capability that was taken away before, where roles end sessions', happens( 'site', fn() => store_caps( array( 'customer' => true, 'vip' => false ) ), $roles ), $nothing );
test( 'other metadata, where roles end sessions', happens( 'site', fn() => apply_filters( 'update_user_metadata', null, 2, 'nickname', 'Al', '' ), $roles ), $nothing );
test( 'metadata hooks fired by another plugin, where roles end sessions', happens( 'site', fn() => apply_filters( 'update_user_metadata', null ) ?? apply_filters( 'update_user_metadata', null, array( 2 ), 'wp_capabilities' ) ?? apply_filters( 'delete_user_metadata', null, 77, 'wp_capabilities' ), $roles ), $nothing );
test(
	'a customer whose role changed in the database, where it ends sessions',
	function () use ( $roles ) {
		shop( array(), $roles );
		asserted( 'customer', array( 'fp' => roles_fp( 2 ) ) );
		$GLOBALS['dead']             = roles_fp( 2 );
		$GLOBALS['users'][2]['caps'] = array( 'editor' => true );
		load_plugin();
		serve( '/cocart/v2/cart' );
	},
	ended( 'changed' )
);
test(
	'roles in another order are the same roles',
	function () use ( $roles ) {
		shop( array(), $roles );
		load_plugin();
	},
	fn() => same( CoCartGateway\fingerprint( with_caps( 'a', 'b' ) ), CoCartGateway\fingerprint( with_caps( 'b', 'a' ) ) )
);
test( 'a customer where roles are to count by a constant that comes too late', fn() => arrive( 'customer' ) ?? define( 'COCART_GATEWAY_END_ON_ROLE_CHANGE', true ) && serve( '/cocart/v2/cart' ), passed( array( 2, 2, 2 ) ) );
test( 'roles do not count unless they are wanted', fn() => arrive( 'site' ), fn() => same( CoCartGateway\fingerprint( with_caps( 'a' ) ), CoCartGateway\fingerprint( with_caps( 'b' ) ) ) );

function with_caps( string ...$caps ): WP_User {
	return new WP_User( array( 'caps' => array_fill_keys( $caps, true ) ) + $GLOBALS['users'][2] );
}

test( 'a user removed from this site', happens( 'site', fn() => do_action( 'remove_user_from_blog', 2, 1, 0 ) ), has_ended( 1, array( '2 deleted' ), 'deleted' ) );
test( 'a user removed from another site', happens( 'site', fn() => do_action( 'remove_user_from_blog', 2, 7, 0 ) ), $nothing );
test( 'a user removed by a plugin that does not say from where', happens( 'site', fn() => do_action( 'remove_user_from_blog', 2 ) ), $nothing );
/** wp_update_user(). */
function change_user( array $fields ): void {
	$before = get_userdata( 2 );
	store( 2, $fields );
	do_action( 'profile_update', 2, $before );
}

/** WP_User::remove_all_caps(), and what gives them back. */
function remove_caps( string $key = 'wp_capabilities' ): void {
	apply_filters( 'delete_user_metadata', null, 2, $key );
	do_action( 'delete_user_meta', array( 7 ), 2, $key, '' );
}

$network = fn( callable $event ) => fn() => ( $GLOBALS['multisite'] = true ) && $event();
$there   = array(
	'an e-mail address'              => array( fn() => change_user( array( 'user_email' => 'al@example.org' ) ) ?? change_user( array( 'user_email' => 'alice@example.com' ) ), array() ),
	'a role, where it ends sessions' => array( fn() => set_role( 'editor' ) ?? set_role( 'customer' ), $roles ),
	'all roles, where it ends them'  => array( fn() => remove_caps(), $roles ),
	'a membership, on a network'     => array( $network( fn() => remove_caps() ), array() ),
	'spam, on a network'             => array( $network( fn() => do_action( 'make_spam_user', 2 ) ?? do_action( 'make_ham_user', 2 ) ), array() ),
);
foreach ( $there as $name => list( $event, $constants ) ) {
	test( "$name, there and back past the gateway", happens( '', $event, $constants ), fn() => same( false, roles_fp( 2 ) === $GLOBALS['dead'], 'the fingerprint is the same' ) );
}
$still = array(
	'another name'                          => array( fn() => change_user( array( 'display_name' => 'Al' ) ), array() ),
	'a role there and back'                 => array( fn() => set_role( 'editor' ) ?? set_role( 'customer' ), array() ),
	'the same role'                         => array( fn() => set_role( 'customer' ), $roles ),
	'a membership of another site'          => array( $network( fn() => remove_caps( 'wp_7_capabilities' ) ), array() ),
	'capabilities of another plugin'        => array( fn() => remove_caps( 'their_capabilities' ), $roles ),
	'a user who is deleted, metadata first' => array( fn() => do_action( 'delete_user', 2 ) ?? remove_caps(), $roles ),
	'a user who is deleted from a network'  => array( $network( fn() => do_action( 'wpmu_delete_user', 2 ) ?? remove_caps( 'wp_capabilities' ) ), array() ),
	'hooks fired with garbage'              => array( fn() => do_action( 'profile_update', 2, 'x' ) ?? do_action( 'make_spam_user', array( 2 ) ) ?? do_action( 'make_spam_user', 77 ) ?? do_action( 'update_user_meta' ) ?? do_action( 'update_user_meta', 1, array( 2 ), 'wp_capabilities', 'x' ) ?? do_action( 'delete_user_meta', 1, 2, array() ), $roles ),
);
foreach ( $still as $name => list( $event, $constants ) ) {
	test( "$name, past the gateway", happens( '', $event, $constants ), fn() => same( true, roles_fp( 2 ) === $GLOBALS['dead'], 'the fingerprint is the same' ) );
}
/** What a plugin of the network does while it looks at another site, where the user's epoch and roles are others. */
function elsewhere( callable $event ) {
	$GLOBALS['multisite']                                   = true;
	$GLOBALS['usermeta'][2]['wp_7_cocart_gateway_epoch'] = 'another';
	switch_to_blog( 7 );
	$answer = $event();
	restore_current_blog();
	return $answer;
}

test(
	'a plugin of the network that asks who a customer is while it looks at another site',
	function () {
		arrive( 'customer' );
		same( array( 2, 1 ), array( elsewhere( 'get_current_user_id' ), get_current_blog_id() ) );
		serve( '/cocart/v2/cart' );
	},
	passed( array( 2, 2, 2 ) )
);
test( 'a new name here, and roles on another site, where they end sessions', happens( 'site', fn() => store( 2, array( 'display_name' => 'Al' ) ) ?? elsewhere( fn() => do_action( 'set_user_role', 2, 'editor', array() ) ), $roles ), $nothing );
test( 'a new name on another site, and a page here', happens( 'site', fn() => elsewhere( fn() => store( 2, array( 'display_name' => 'Al' ) ) ) ), $nothing );
test( 'a plugin of the network that does not come back from another site', happens( 'customer', fn() => elsewhere( fn() => null ) ?? switch_to_blog( 7 ) ), fn( array $sent ) => same( array( 7, array() ), array( get_current_blog_id(), $sent['headers']['X-CoCart-Gateway-Ended'] ?? array() ) ) );
test( 'another e-mail address, on a page', happens( 'site', fn() => change_user( array( 'user_email' => 'al@example.org' ) ) ), has_ended( 1, array( '2 changed' ) ) );
test( 'spam on a network, on a page', happens( 'site', $network( fn() => change_user( array( 'spam' => '1' ) ) ?? do_action( 'make_spam_user', 2 ) ) ), has_ended( 1, array( '2 changed' ) ) );
test( 'who had no role has no session that a new one could end', happens( '', fn() => ( $GLOBALS['users'][2]['caps'] = array() ) || set_role( 'customer' ), $roles ), fn( array $sent ) => same( array(), $sent['writes'] ) );
test( 'the shop ends the sessions of a user', happens( 'site', fn() => CoCartGateway\end_sessions( 2 ) ), has_ended( 1, array( '2 ended' ) ) );
test( 'the shop ends the sessions of a user, with a reason of its own, past the gateway', happens( '', fn() => CoCartGateway\end_sessions( get_userdata( 2 ), 'banned' ) ), has_ended( 0, array( '2 banned' ) ) );
test( 'the shop ends the sessions of nobody', happens( 'site', fn() => CoCartGateway\end_sessions( 0 ) ?? CoCartGateway\end_sessions( false ) ?? CoCartGateway\end_sessions( 77 ) ), $nothing );
test( 'wp_set_password() for another user, on a page', happens( 'site', function () { $GLOBALS['wordpress_version'] = 6.2; wp_set_password( 'other-1', 2 ); } ), has_ended( 1, array( '2 changed' ) ) );
test(
	'wp_set_password() for another user, by a route of CoCart, before WordPress told anybody',
	function () {
		arrive( 'guest', array( 'REQUEST_METHOD' => 'POST' ) );
		$GLOBALS['dead'] = fp( 2 );
		serve( '/cocart/v2/reset', fn() => wp_set_password( 'other-1', 2 ) );
	},
	fn( array $sent ) => same( array( '2', $GLOBALS['dead'], 'changed' ), array_values( array_slice( replied( $sent, 'X-CoCart-Gateway-Ended' ), 5 ) ) )
);
test( 'an epoch hook fired by another plugin', happens( 'site', fn() => do_action( 'cocart_gateway_epoch_changed' ) ?? do_action( 'cocart_gateway_epoch_changed', array( 2 ), null ) ?? do_action( 'cocart_gateway_epoch_changed', 2 ) ), $nothing );
test( 'a plugin that throws when it hears of an end', happens( 'site', fn() => add_action( 'cocart_gateway_sessions_ended', fn() => intdiv( 1, 0 ), 5 ) ?? wp_logout() ), fn( array $sent ) => same( array( 1, 1 ), array( count( $sent['headers']['X-CoCart-Gateway-Ended'] ), count( $sent['log'] ) ) ) );
