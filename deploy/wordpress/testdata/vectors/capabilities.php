<?php
/** The vectors of capabilities, good and bad. */

/** A capability by which a browser lists the sessions of alice, or ends one; $change is merged into its claims. */
function capability( array $what, array $change = array(), array $making = array() ): array {
	$claims = array_merge(
		array(
			'iss' => 'cocart-wordpress',
			'aud' => 'shop.example',
			'iat' => NOW,
			'exp' => NOW + 60,
			'sub' => '2',
			'act' => 'list',
			'sid' => '',
			'by'  => '2',
		),
		$change
	);
	$row = array(
		'secret'   => SECRET,
		'now'      => NOW + 1,
		'audience' => 'shop.example',
		'claims'   => $claims,
		'token'    => jws( 'cocart-capability+jwt', 'capability', $claims, $making ),
	);
	return array_merge( $what, $row );
}

$ends         = array( 'act' => 'end', 'sid' => 'AaGW-xYA7TCj75j5uDyyaA' );
$capabilities = array(
	capability( array( 'name' => 'alice lists her sessions' ) ),
	capability( array( 'name' => 'alice ends a session' ), $ends ),
	capability( array( 'name' => 'the administrator ends a session of alice' ), array( 'by' => '1' ) + $ends ),
);

function bad_capability( string $why, array $change = array(), array $making = array() ): array {
	return capability( array( 'why' => $why ), $change, $making );
}

$bad_capabilities = array(
	bad_capability( 'expired', array( 'iat' => NOW - 3600, 'exp' => NOW - 3540 ) ),
	bad_capability( 'not yet valid', array( 'iat' => NOW + 3600, 'exp' => NOW + 3660 ) ),
	bad_capability( 'valid for longer than a minute', array( 'exp' => NOW + 61 ) ),
	bad_capability( 'expired before it was issued', array( 'iat' => NOW + 5, 'exp' => NOW ) ),
	bad_capability( 'audience of another site', array( 'aud' => 'other.example' ) ),
	bad_capability( 'issuer of an assertion', array( 'iss' => 'cocart-gateway' ) ),
	bad_capability( 'typ of a reply', array(), array( 'header' => array( 'typ' => 'cocart-ended+jwt' ) ) ),
	bad_capability( 'signed with the reply key', array(), array( 'key' => derived( SECRET, 'reply' ) ) ),
	bad_capability( 'signed with the assertion key', array(), array( 'key' => derived( SECRET, 'assertion' ) ) ),
	bad_capability( 'made with another secret', array(), array( 'secret' => $other ) ),
	bad_capability( 'alg none, signed all the same', array(), array( 'header' => array( 'alg' => 'none' ) ) ),
	bad_capability( 'sub as a number', array( 'sub' => 2 ) ),
	bad_capability( 'sub of a guest', array( 'sub' => '0' ) ),
	bad_capability( 'sub with a leading zero', array( 'sub' => '02' ) ),
	bad_capability( 'by missing', array( 'by' => null ) ),
	bad_capability( 'act unknown', array( 'act' => 'begin' ) ),
	bad_capability( 'act missing', array( 'act' => null ) ),
	bad_capability( 'to end no session', array( 'act' => 'end' ) ),
	bad_capability( 'to list one session', array( 'sid' => 'AaGW-xYA7TCj75j5uDyyaA' ) ),
);

return array(
	'about'            => ABOUT,
	'capabilities'     => $capabilities,
	'bad_capabilities' => $bad_capabilities,
);
