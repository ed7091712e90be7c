<?php
/** The vectors of what the plugin answers, good and bad. */

$asked = assertion( claims( 'login', $login ) );
$alice = assertion( claims( 'customer', request() ) );
$visit = assertion( claims( 'site', request( 'POST', 'shop.example', '/wp-json/shop/v1/code' ) ) );
$desk  = assertion( claims( 'status', $status ) );
$look  = assertion( claims( 'status', $status, array( 'find' => 'alice@example.com' ) ) );

function answer( string $asked, array $claims ): array {
	$common = array( 'iss' => 'cocart-wordpress', 'aud' => 'shop.example', 'iat' => NOW + 1, 'exp' => NOW + 61, 'req' => b64( hash( 'sha256', $asked, true ) ) );
	return array_filter( array_merge( $common, $claims ), fn( $v ) => null !== $v );
}

function login_claims( array $change = array() ): array {
	return array_merge( array( 'sub' => '2', 'login' => 'alice', 'fp' => '0123456789abcdef0123456789abcdef', 'claims' => new stdClass() ), $change );
}

function ended_claims( array $change = array() ): array {
	return array_merge( array( 'sub' => '2', 'fp' => '0123456789abcdef0123456789abcdef', 'reason' => 'changed' ), $change );
}

function session_claims( array $change = array() ): array {
	return login_claims( array( 'origin' => 'plugins/one-time-code/routes.php:31', 'route' => '/shop/v1/code' ) + $change );
}

function checked( string $sub, string $result, int $n = 1 ): array {
	return array( 'sub' => $sub, 'result' => $result, 'n' => $n );
}

function attempt_claims( array $change = array() ): array {
	return array_merge( array( 'sub' => '2', 'result' => 'refused' ), $change );
}

/** What a shop says of itself; $change is array_merged into it. */
function status_claims( array $change = array() ): array {
	$facts = array(
		'plugin'        => '1.0.0',
		'php'           => '8.4.16',
		'sapi'          => 'fpm-fcgi',
		'wordpress'     => '6.9',
		'woocommerce'   => '10.3.5',
		'cocart'        => '4.8.1',
		'routes'        => array( 'cocart/v1', 'cocart/v2' ),
		'home'          => 'https://shop.example',
		'siteurl'       => 'https://shop.example',
		'rest_prefix'   => 'wp-json',
		'permalinks'    => true,
		'tls'           => true,
		'required'      => true,
		'secrets'       => 1,
		'old_plugin'    => false,
		'object_cache'  => false,
		'multisite'     => false,
		'late'          => false,
		'authorization' => true,
	);
	return array( 'status' => array_merge( $facts, $change ) );
}

function refused_claims( array $change = array() ): array {
	$saw = array( 'aud' => 'other.example', 'm' => 'GET', 'h' => 'shop.example', 't' => b64( hash( 'sha256', '/?rest_route=/cocart-gateway/v1/status', true ) ) );
	return array_merge( array( 'refused' => 'it is for shop.example, but this is other.example (COCART_GATEWAY_AUDIENCE can say otherwise)', 'saw' => $saw ), $change );
}

function reply( array $what, string $type, string $asked, array $claims, array $making = array() ): array {
	$all = answer( $asked, $claims );
	$row = array(
		'header'    => 'X-CoCart-Gateway-' . ucfirst( $type ),
		'secret'    => SECRET,
		'now'       => NOW + 1,
		'audience'  => 'shop.example',
		'assertion' => $asked,
		'claims'    => $all,
		'token'     => jws( "cocart-$type+jwt", 'reply', $all, $making ),
	);
	return array_merge( $what, $row );
}

$replies = array(
	reply( array( 'name' => 'alice logged in' ), 'login', $asked, login_claims() ),
	reply( array( 'name' => 'logged in with claims of the shop' ), 'login', $asked, login_claims( array( 'claims' => array( 'tier' => 'gold', 'branch' => 7, 'flags' => array( 'b2b' ) ) ) ) ),
	reply( array( 'name' => 'a login name with letters that encoders like to escape' ), 'login', $asked, login_claims( array( 'login' => 'zoë/<o\'"brien>&co' ) ) ),
	reply( array( 'name' => 'the password was changed' ), 'ended', $alice, ended_claims() ),
	reply( array( 'name' => 'the user is gone' ), 'ended', $alice, ended_claims( array( 'reason' => 'deleted' ) ) ),
	reply( array( 'name' => 'a session begins for alice' ), 'session', $visit, session_claims() ),
	reply( array( 'name' => 'a session begins with claims of the shop' ), 'session', $visit, session_claims( array( 'claims' => array( 'tier' => 'gold' ) ) ) ),
	reply( array( 'name' => 'the session of alice goes on' ), 'session', $alice, session_claims( array( 'fp' => 'fedcba9876543210fedcba9876543210', 'origin' => '', 'sid' => 'b7Jx0aQ2nT4kVw9e' ) ) ),
	reply( array( 'name' => 'a wrong password of alice' ), 'attempt', $asked, attempt_claims() ),
	reply( array( 'name' => 'a wrong password of nobody' ), 'attempt', $asked, attempt_claims( array( 'sub' => '0' ) ) ),
	reply( array( 'name' => 'a right password of alice' ), 'attempt', $asked, attempt_claims( array( 'result' => 'accepted' ) ) ),
	reply( array( 'name' => 'no password was checked' ), 'attempt', $asked, attempt_claims( array( 'sub' => '0', 'result' => 'accepted', 'checks' => array() ) ) ),
	reply( array( 'name' => 'a wrong password, in a list' ), 'attempt', $asked, attempt_claims( array( 'checks' => array( checked( '2', 'refused' ) ) ) ) ),
	reply( array( 'name' => 'several passwords of several users' ), 'attempt', $asked, attempt_claims( array( 'sub' => '0', 'checks' => array( checked( '2', 'refused', 3 ), checked( '2', 'accepted' ), checked( '7', 'challenge' ), checked( '0', 'refused', 2 ) ) ) ) ),
	reply( array( 'name' => 'a second factor is asked for' ), 'attempt', $asked, attempt_claims( array( 'result' => 'challenge' ) ) ),
	reply( array( 'name' => 'a wrong second factor' ), 'attempt', $asked, attempt_claims( array( 'result' => 'code_refused' ) ) ),
	reply( array( 'name' => 'the status of a shop' ), 'status', $desk, status_claims() ),
	reply( array( 'name' => 'a user that was looked up' ), 'status', $look, array( 'found' => array( array( 'sub' => '2', 'login' => 'alice' ) ) ) ),
	reply( array( 'name' => 'a login name that is the address of another user' ), 'status', $look, array( 'found' => array( array( 'sub' => '2', 'login' => 'bob@example.com' ), array( 'sub' => '3', 'login' => 'bob' ) ) ) ),
	reply( array( 'name' => 'no user has the name' ), 'status', $look, array( 'found' => array() ) ),
	reply( array( 'name' => 'why the status is not told' ), 'status', $desk, refused_claims() ),
	reply( array( 'name' => 'the status of a shop whose clock is off' ), 'status', $desk, array( 'iat' => NOW + 3600, 'exp' => NOW + 3660 ) + refused_claims( array( 'refused' => 'it has expired; do the clocks agree?' ) ) ),
);

function bad_login( string $why, array $claims = array(), array $making = array() ): array {
	global $asked;
	return reply( array( 'why' => $why ), 'login', $asked, login_claims( $claims ), $making );
}

function bad_ended( string $why, array $claims = array(), array $making = array() ): array {
	global $alice;
	return reply( array( 'why' => $why ), 'ended', $alice, ended_claims( $claims ), $making );
}

function bad_session( string $why, array $claims = array(), array $making = array() ): array {
	global $alice;
	return reply( array( 'why' => $why ), 'session', $alice, session_claims( $claims ), $making );
}

function bad_attempt( string $why, array $claims = array(), array $making = array() ): array {
	global $asked;
	return reply( array( 'why' => $why ), 'attempt', $asked, attempt_claims( $claims ), $making );
}

function bad_status( string $why, array $claims = array(), array $making = array() ): array {
	global $desk;
	return reply( array( 'why' => $why ), 'status', $desk, $claims + status_claims(), $making );
}

$bad_replies = array(
	bad_login( 'expired', array( 'iat' => NOW - 3600, 'exp' => NOW - 3540 ) ),
	bad_login( 'not yet valid', array( 'iat' => NOW + 3600, 'exp' => NOW + 3660 ) ),
	bad_login( 'answer to another request', array( 'req' => b64( hash( 'sha256', $alice, true ) ) ) ),
	bad_login( 'answer to no request', array( 'req' => null ) ),
	bad_login( 'audience of another site', array( 'aud' => 'other.example' ) ),
	bad_login( 'issuer of an assertion', array( 'iss' => 'cocart-gateway' ) ),
	bad_login( 'typ of an ended session', array(), array( 'header' => array( 'typ' => 'cocart-ended+jwt' ) ) ),
	bad_login( 'typ of an assertion', array(), array( 'header' => array( 'typ' => 'cocart-assertion+jwt' ) ) ),
	bad_login( 'alg none, signed all the same', array(), array( 'header' => array( 'alg' => 'none' ) ) ),
	bad_login( 'alg HS512', array(), array( 'header' => array( 'alg' => 'HS512' ), 'hash' => 'sha512' ) ),
	bad_login( 'kid unknown', array(), array( 'header' => array( 'kid' => '00000000' ) ) ),
	bad_login( 'signed with the assertion key', array(), array( 'key' => derived( SECRET, 'assertion' ) ) ),
	bad_login( 'made with another secret', array(), array( 'secret' => $other ) ),
	bad_login( 'sub as a number', array( 'sub' => 2 ) ),
	bad_login( 'sub of a guest', array( 'sub' => '0' ) ),
	bad_login( 'sub as a login name', array( 'sub' => 'alice' ) ),
	bad_login( 'fingerprint empty', array( 'fp' => '' ) ),
	bad_login( 'claims that are a list', array( 'claims' => array( 'gold' ) ) ),
	bad_ended( 'reason unknown', array( 'reason' => 'bored' ) ),
	bad_ended( 'reason missing', array( 'reason' => null ) ),
	bad_ended( 'fingerprint empty', array( 'fp' => '' ) ),
	bad_ended( 'sub of a guest', array( 'sub' => '0' ) ),
	bad_ended( 'typ of a login', array(), array( 'header' => array( 'typ' => 'cocart-login+jwt' ) ) ),
	bad_ended( 'answer to another request', array( 'req' => b64( hash( 'sha256', $asked, true ) ) ) ),
	bad_session( 'session in answer to another request', array( 'req' => b64( hash( 'sha256', $visit, true ) ) ) ),
	bad_session( 'session in answer to no request', array( 'req' => null ) ),
	bad_session( 'session of another site', array( 'aud' => 'other.example' ) ),
	bad_session( 'session that expired', array( 'iat' => NOW - 3600, 'exp' => NOW - 3540 ) ),
	bad_session( 'session of the typ of a login', array(), array( 'header' => array( 'typ' => 'cocart-login+jwt' ) ) ),
	bad_session( 'session made with another secret', array(), array( 'secret' => $other ) ),
	bad_session( 'session signed with the assertion key', array(), array( 'key' => derived( SECRET, 'assertion' ) ) ),
	bad_session( 'session of no user', array( 'sub' => '0' ) ),
	bad_session( 'session without a fingerprint', array( 'fp' => '' ) ),
	bad_session( 'session without a login name', array( 'login' => '' ) ),
	bad_session( 'another session goes on', array( 'sid' => 'another0session00' ) ),
	bad_session( 'the session goes on for another user', array( 'sub' => '3', 'sid' => 'b7Jx0aQ2nT4kVw9e' ) ),
	reply( array( 'why' => 'a session begins at a login' ), 'session', $asked, session_claims() ),
	reply( array( 'why' => 'a session of a guest goes on' ), 'session', $visit, session_claims( array( 'sid' => 'b7Jx0aQ2nT4kVw9e' ) ) ),
	bad_attempt( 'result unknown', array( 'result' => 'maybe' ) ),
	bad_attempt( 'result missing', array( 'result' => null ) ),
	bad_attempt( 'user missing', array( 'sub' => null ) ),
	bad_attempt( 'user below zero', array( 'sub' => '-2' ) ),
	bad_attempt( 'user with a leading zero', array( 'sub' => '02' ) ),
	bad_attempt( 'checks that are no list', array( 'checks' => 'none' ) ),
	bad_attempt( 'a check of an unknown result', array( 'checks' => array( checked( '2', 'maybe' ) ) ) ),
	bad_attempt( 'a check of no user', array( 'checks' => array( checked( 'alice', 'refused' ) ) ) ),
	bad_attempt( 'a check of a user below zero', array( 'checks' => array( checked( '-2', 'refused' ) ) ) ),
	bad_attempt( 'a check that was made no time', array( 'checks' => array( checked( '2', 'refused', 0 ) ) ) ),
	bad_attempt( 'more checks than a request may bring', array( 'checks' => array( checked( '2', 'refused', 1000 ) ) ) ),
	bad_attempt( 'attempt of the typ of a login', array(), array( 'header' => array( 'typ' => 'cocart-login+jwt' ) ) ),
	bad_attempt( 'attempt at another request', array( 'req' => b64( hash( 'sha256', $alice, true ) ) ) ),
	bad_attempt( 'attempt made with another secret', array(), array( 'secret' => $other ) ),
	bad_status( 'a user that was found without an id', array( 'status' => null, 'found' => array( array( 'login' => 'alice' ) ) ) ),
	bad_status( 'a user that was found below zero', array( 'status' => null, 'found' => array( array( 'sub' => '-2', 'login' => 'alice' ) ) ) ),
	bad_status( 'status that says nothing', array( 'status' => null ) ),
	bad_status( 'status that is a word', array( 'status' => 'fine' ) ),
	bad_status( 'status in answer to another request', array( 'req' => b64( hash( 'sha256', $alice, true ) ) ) ),
	bad_status( 'status of the typ of a login', array(), array( 'header' => array( 'typ' => 'cocart-login+jwt' ) ) ),
	bad_status( 'status made with another secret', array(), array( 'secret' => $other ) ),
	bad_status( 'status by the issuer of an assertion', array( 'iss' => 'cocart-gateway' ) ),
);

return array(
	'about'       => ABOUT,
	'replies'     => $replies,
	'bad_replies' => $bad_replies,
);
