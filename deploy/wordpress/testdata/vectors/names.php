<?php
/** The vectors of keys, audiences and fingerprints. */

/** The first 32 hex digits; $user is array( user_pass, user_email, epoch ). */
function fingerprint( string $salt, array $user ): array {
	$digest = substr( hash_hmac( 'sha256', $user[0], $salt . 'cocart-gateway password v1' ), 0, 32 );
	$fp     = substr( hash_hmac( 'sha256', implode( "\n", array( $digest, $user[1], $user[2] ) ), $salt . 'cocart-gateway fingerprint v1' ), 0, 32 );
	return array( 'salt' => $salt, 'user_pass' => $user[0], 'user_email' => $user[1], 'epoch' => $user[2], 'fp' => $fp );
}

$audiences = array(
	'https://shop.example'             => 'shop.example',
	'https://shop.example/'            => 'shop.example',
	'http://shop.example'              => 'shop.example',
	'HTTPS://Shop.Example//'           => 'shop.example',
	'https://shop.example:8443/store/' => 'shop.example:8443/store',
	'https://SHOP.example/Store/DE'    => 'shop.example/Store/DE',
	'http://127.0.0.1:8080'            => '127.0.0.1:8080',
	'http://[2001:DB8::1]:8080/'       => '[2001:db8::1]:8080',
	'shop.example'                     => 'shop.example',
);

return array(
	'about'        => ABOUT,
	'keys'         => array_map(
		fn( $secret ) => array(
			'secret'         => $secret,
			'assertion_key'  => bin2hex( derived( $secret, 'assertion' ) ),
			'reply_key'      => bin2hex( derived( $secret, 'reply' ) ),
			'capability_key' => bin2hex( derived( $secret, 'capability' ) ),
			'kid'            => kid( $secret ),
		),
		array( SECRET, $other, $unicode )
	),
	'audiences'    => array_map( fn( $url, $aud ) => array( 'url' => $url, 'audience' => $aud ), array_keys( $audiences ), $audiences ),
	'fingerprints' => array(
		fingerprint( 'auth-key-and-auth-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.com', '' ) ),
		fingerprint( 'auth-key-and-auth-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.com', '5f1c0b7a9d3e2468' ) ),
		fingerprint( 'auth-key-and-auth-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.org', '' ) ),
		fingerprint( 'auth-key-and-auth-salt', array( '$wp$2y$10$abcdefghijklmnopqrstuv', 'alice@example.com', '' ) ),
		fingerprint( 'other-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.com', '' ) ),
	),
);
