<?php
/** A password hash that WordPress renews ends nobody's session; any other change of it does. */

/** Alice, whose hash is of this kind, in a WordPress of this version; $event happens on a page. */
function with_hash( float $version, string $kind, callable $event, bool $through_gateway = true ): callable {
	return function () use ( $version, $kind, $event, $through_gateway ) {
		$GLOBALS['wordpress_version'] = $version;
		shop( array( 'REQUEST_URI' => '/wp-login.php', 'REQUEST_METHOD' => 'POST' ) );
		$GLOBALS['users'][2]['user_pass'] = hashed( $kind, 'wonderland-1' );
		$through_gateway && asserted( 'site' );
		load_plugin();
		$GLOBALS['dead']   = now();
		$GLOBALS['stored'] = $GLOBALS['users'][2]['user_pass'];
		$event();
		apply_filters( 'wp_redirect', '/wp-admin/' );
	};
}

/** The fingerprint as the plugin computes it now. */
function now(): string {
	return CoCartGateway\fingerprint( get_userdata( 2 ) );
}

/** @param int $rows Written. */
function goes_on( int $rows = 1 ): callable {
	return function ( array $sent ) use ( $rows ) {
		same( false, $GLOBALS['stored'] === $GLOBALS['users'][2]['user_pass'], 'the hash is the old one' );
		same( array( $GLOBALS['dead'], array() ), array( now(), $sent['headers']['X-CoCart-Gateway-Ended'] ?? array() ), 'fingerprint and announcements' );
		same( array_fill( 0, $rows, '2 _cocart_gateway_renewed' ), $sent['writes'], 'writes' );
		same( false, strpos( json( $GLOBALS['usermeta'] ), $GLOBALS['stored'] ), 'the old hash in the usermeta' );
		same( false, strpos( json( $GLOBALS['usermeta'] ), 'wonderland-1' ), 'the password in the usermeta' );
	};
}

function is_over( int $announced = 1 ): callable {
	return function ( array $sent ) use ( $announced ) {
		same( false, $GLOBALS['dead'] === now(), 'the fingerprint is the same' );
		same( array(), $sent['writes'], 'writes' );
		same( $announced, count( $sent['headers']['X-CoCart-Gateway-Ended'] ?? array() ), 'announced' );
	};
}

$login    = fn() => authenticate( 2, 'wonderland-1' );
$renewals = array(
	'MD5, WordPress 6.1'    => array( 6.1, 'md5', $login ),
	'MD5, WordPress 6.2'    => array( 6.2, 'md5', $login ),
	'MD5, WordPress 6.8'    => array( 6.8, 'md5', $login ),
	'phpass, WordPress 6.8' => array( 6.8, '$P$B', $login ),
	'bcrypt of a lower cost, WordPress 6.8' => array( 6.8, '$wp$2y$08$', $login ),
	'phpass, a plugin that brings bcrypt'   => array( 6.1, '$P$B', fn() => bcrypt_plugin( 2, 'wonderland-1' ) ),
	'Argon2, WordPress 6.8' => array( 6.8, '$argon2id$v=19$m=65536,t=4,p=1$', $login ),
);
foreach ( $renewals as $name => list( $version, $kind, $event ) ) {
	test( "renewed: $name", with_hash( $version, $kind, $event ), goes_on() );
	test( "renewed past the gateway: $name", with_hash( $version, $kind, $event, false ), goes_on() );
}
foreach ( array( 'first' => '$wp$2y$10$', 'second' => '$wp$2y$12$' ) as $last => $kind ) {
	test(
		"renewed by two logins at once, the $last of them stored last",
		with_hash( 6.8, '$P$B', function () use ( $kind ) {
			authenticate( 2, 'wonderland-1' );
			$GLOBALS['newest']                = '$wp$2y$12$'; // In place of another salt.
			$GLOBALS['users'][2]['user_pass'] = $GLOBALS['stored'];
			authenticate( 2, 'wonderland-1' );
			$GLOBALS['users'][2]['user_pass'] = hashed( $kind, 'wonderland-1' );
		} ),
		goes_on( 2 )
	);
}
test(
	'renewed twice over the years',
	with_hash( 6.8, 'md5', function () {
		$GLOBALS['wordpress_version'] = 6.1;
		authenticate( 2, 'wonderland-1' );
		$GLOBALS['wordpress_version'] = 6.8;
		store( 3, array() ); // Another request would know nothing of the first time.
		authenticate( 2, 'wonderland-1' );
	} ),
	goes_on( 2 )
);
test( 'WordPress checked the password already, so nobody checks it again', with_hash( 6.8, '$P$B', $login ), fn( array $sent ) => same( array( '$P$Bwonderland-1' ), $sent['checks'] ) );
test( 'a login without a renewal writes nothing', with_hash( 6.8, '$wp$2y$10$', $login ), fn( array $sent ) => same( array( array(), 1 ), array( $sent['writes'], count( $sent['checks'] ) ) ) );

test(
	'renewed while a plugin cleans the cache once more',
	with_hash( 6.1, 'md5', function () {
		add_action( 'clean_user_cache', fn() => did_action( 'clean_user_cache' ) > 1 ? null : store( 2, array() ), 20 );
		authenticate( 2, 'wonderland-1' );
	} ),
	goes_on()
);

foreach ( array( 6.1, 6.2, 6.8 ) as $version ) {
	foreach ( array( 'md5', '$P$B', '$wp$2y$10$' ) as $kind ) {
		test( "WordPress $version: a new password for a hash of kind $kind", with_hash( $version, $kind, fn() => wp_set_password( 'other-1', 2 ) ), is_over() );
		test( "WordPress $version: a new password for a hash of kind $kind, once the old one was checked", with_hash( $version, $kind, fn() => wp_check_password( 'wonderland-1', $GLOBALS['stored'] ) && wp_set_password( 'other-1', 2 ) ), is_over() );
		test( "WordPress $version: a new password for a hash of kind $kind that is checked at once", with_hash( $version, $kind, fn() => wp_set_password( 'other-1', 2 ) ?? authenticate( 2, 'other-1' ) ), is_over() );
		test( "WordPress $version: a new password for a hash of kind $kind, and the old one is checked late", with_hash( $version, $kind, fn() => wp_set_password( 'other-1', 2 ) ?? wp_check_password( 'wonderland-1', $GLOBALS['stored'], 'md5' === $kind ? '' : 2 ) ), is_over() );
	}
}
foreach ( array( 6.8, 7.1 ) as $version ) {
	foreach ( array( 'md5', '$P$B', '$wp$2y$10$' ) as $kind ) {
		test( "WordPress $version: a new password in the profile, for a hash of kind $kind", with_hash( $version, $kind, fn() => set_password_in_profile( 2, 'other-1' ) ), is_over() );
		test( "WordPress $version: a new password in the profile, for a hash of kind $kind that was checked", with_hash( $version, $kind, fn() => wp_check_password( 'wonderland-1', $GLOBALS['stored'] ) && set_password_in_profile( 2, 'other-1' ) ), is_over() );
	}
	test( "WordPress $version: the same password again, in the profile", with_hash( $version, '$P$B', fn() => set_password_in_profile( 2, 'wonderland-1' ) ), is_over() );
}
test( 'an old hash and a new password, in the database', with_hash( 6.8, '$P$B', fn() => $GLOBALS['users'][2]['user_pass'] = '$wp$2y$10$other-1' ), is_over( 0 ) );
test( 'the same password again is a new one, if the hash was up to date', with_hash( 6.8, '$wp$2y$10$', fn() => store( 2, array( 'user_pass' => '$wp$2y$10$another salt, wonderland-1' ) ) ), is_over() );
test( 'a hash nobody knows', with_hash( 6.8, 'homemade ', $login ), is_over() );
test(
	'a password plugin that says yes to everything does not keep sessions alive',
	with_hash( 6.8, '$P$B', function () {
		wp_set_password( 'other-1', 2 );
		do_action( 'wp_set_password', array( 'no' ), '2', 'garbage' );
		do_action( 'clean_user_cache' );
		apply_filters( 'check_password', true );
		apply_filters( 'check_password', true, null, null, array( 2 ) );
	} ),
	is_over()
);
test(
	'a customer goes on after a renewal',
	function () {
		$GLOBALS['wordpress_version'] = 6.8;
		shop();
		$GLOBALS['users'][2]['user_pass'] = hashed( '$P$B', 'wonderland-1' );
		asserted( 'customer' );
		$GLOBALS['users'][2]['user_pass']                = '$wp$2y$10$wonderland-1';
		$GLOBALS['usermeta'][2]['_cocart_gateway_renewed'] = array( 'garbage', array(), password_digest( '$wp$2y$10$wonderland-1' ) . ' ' . password_digest( '$P$Bwonderland-1' ) );
		load_plugin();
		serve( '/cocart/v2/cart' );
	},
	passed( array( 2, 2, 2 ) )
);
test(
	'a login that renews the hash is told the fingerprint of before',
	function () {
		$GLOBALS['wordpress_version'] = 6.8;
		add_filter( 'cocart_authenticate', fn( $user_id ) => authenticate( 2, 'wonderland-1' ) ? $user_id : 0 );
		add_filter( 'muplugins_loaded', fn() => $GLOBALS['users'][2]['user_pass'] = '$P$Bwonderland-1' );
		login();
	},
	fn( array $sent ) => same(
		array( CoCartGateway\fingerprint( new WP_User( array( 'user_pass' => '$P$Bwonderland-1' ) + $GLOBALS['users'][2] ) ), array( '2 _cocart_gateway_renewed' ) ),
		array( replied( $sent, 'X-CoCart-Gateway-Login' )['fp'], $sent['writes'] )
	)
);
