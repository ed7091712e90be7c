<?php
/**
 * Writes vectors.json, the test vectors of PROTOCOL.md, to standard output:
 *
 *     php generate.php > vectors.json
 *
 * Everything in it is fixed: running it again gives the same bytes.
 */

require __DIR__ . '/tokens.php';

function row( array $what, array $request, string $token, array $change = array() ): array {
	return array_merge(
		$what,
		array( 'secret' => SECRET, 'now' => NOW, 'audience' => 'shop.example', 'request' => $request ),
		$change,
		array( 'token' => $token )
	);
}

function good( string $name, string $kind, array $request, array $claims = array(), array $change = array() ): array {
	$all = claims( $kind, $request, $claims );
	$row = row( array( 'name' => $name ), $request, assertion( $all, $change ), $change + array( 'audience' => $all['aud'] ) );
	return array_merge( $row, array( 'claims' => $all, 'token' => $row['token'] ) );
}

/** A customer's assertion with one thing wrong in its claims (null removes a claim), its making, or its surroundings. */
function bad( string $why, array $claims = array(), array $making = array(), array $around = array() ): array {
	$all = array_filter( claims( $claims['kind'] ?? 'customer', request(), $claims ), fn( $v ) => null !== $v );
	return row( array( 'why' => $why ), request(), assertion( $all, $making ), $around );
}

/** A customer's assertion, good until $spoil has had it. */
function spoilt( string $why, callable $spoil ): array {
	return row( array( 'why' => $why ), request(), $spoil( assertion( claims( 'customer', request() ) ) ) );
}

/** A request whose Authorization is in X-CoCart-Gateway-Authorization. */
function carrying( string $authorization ): array {
	return request() + array( 'authorization' => $authorization );
}

/** The same signature in other letters: the two bits that base64 leaves unused at its end are set. */
function other_trailing_bits( string $token ): string {
	$letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
	return substr( $token, 0, -1 ) . $letters[ strpos( $letters, substr( $token, -1 ) ) | 1 ];
}

function flipped( string $token ): string {
	list( $header, $payload, $signature ) = explode( '.', $token );
	$signature[0] = 'A' === $signature[0] ? 'B' : 'A';
	return "$header.$payload.$signature";
}

/** The first 32 hex digits; $user is array( user_pass, user_email, epoch ). */
function fingerprint( string $salt, array $user ): array {
	$digest = substr( hash_hmac( 'sha256', $user[0], $salt . 'cocart-gateway password v1' ), 0, 32 );
	$fp     = substr( hash_hmac( 'sha256', implode( "\n", array( $digest, $user[1], $user[2] ) ), $salt . 'cocart-gateway fingerprint v1' ), 0, 32 );
	return array( 'salt' => $salt, 'user_pass' => $user[0], 'user_email' => $user[1], 'epoch' => $user[2], 'fp' => $fp );
}

$other    = 'another secret, longer than thirty-two bytes';
$unicode  = 'Schlüssel "mit" / und \\ und 🔑, lang genug';
$login    = request( 'POST', 'shop.example', '/wp-json/cocart/v2/login' );
$status   = request( 'GET', 'shop.example', '/?rest_route=/cocart-gateway/v1/status' );
$sub_site = array( 'aud' => 'shop.example:8443/store' );

$assertions = array(
	good( 'site: a page of the shop', 'site', request( 'GET', 'shop.example', '/product/hoodie/?color=blue&size=m' ) ),
	good( 'site: an upload that took long', 'site', request( 'POST', 'shop.example', '/wp-admin/async-upload.php' ), array( 'iat' => NOW - 3599, 'exp' => NOW + 1 ) ),
	good( 'guest: a guest looks at the cart', 'guest', request() ),
	good( 'credentials: Basic on the cart', 'credentials', request() ),
	good( 'credentials: Basic where guests are turned away', 'credentials', request(), array( 'guests' => 'deny' ) ),
	good( 'customer: alice looks at the cart', 'customer', request() ),
	good( 'customer: the first account of WordPress', 'customer', request(), array( 'sub' => '1' ) ),
	good( 'login: alice logs in', 'login', $login ),
	good( 'refresh: a refresh token of the old plugin', 'refresh', request( 'POST', 'shop.example', '/wp-json/cocart/jwt/refresh-token' ) ),
	good( 'hand_back: a session that goes back to the old plugin', 'hand_back', $login ),
	good( 'customer by a token of the old plugin', 'customer', request(), array( 'sid' => '', 'fp' => '', 'pat' => 'pat_0123456789abcdef01234567' ) ),
	good( 'status: the operator asks what the plugin sees', 'status', $status ),
	good( 'status: the operator asks about site.protect', 'status', $status, array( 'entries' => 'wc/store wp/v2/users/me' ) ),
	good( 'status: the operator looks a user up', 'status', $status, array( 'find' => 'alice@example.com' ) ),
	good( 'guest over http, from an IPv6 address', 'guest', request(), array( 'ip' => '2001:db8::7', 'proto' => 'http' ) ),
	good( 'site: the port that a webhook was signed with', 'site', request( 'POST', 'shop.example', '/?wc-api=payment' ), array( 'port' => '443' ) ),
	good( 'site: a scheme that nothing told the gateway', 'site', request(), array( 'proto' => 'http', 'port' => '80', 'assumed' => true ) ),
	good( 'credentials: Basic beside the password of the web server', 'credentials', carrying( 'Basic YWxpY2U6d29uZGVybGFuZC0x' ), array( 'auth' => b64( hash( 'sha256', 'Basic YWxpY2U6d29uZGVybGFuZC0x', true ) ) ) ),
	good( 'customer beside the password of the web server', 'customer', request(), array( 'auth' => b64( hash( 'sha256', '', true ) ) ) ),
	good( 'customer, with the id of the assertion', 'customer', request(), array( 'jti' => 'q83vEjRWeJCrze8S' ) ),
	good( 'customer on a route of site.protect', 'customer', request( 'GET', 'shop.example', '/wp-json/wc/store/v1/cart' ), array( 'protect' => 'wc/store' ) ),
	good( 'customer on a path of site.protect', 'customer', request( 'POST', 'shop.example', '/graphql' ), array( 'protect' => '/graphql' ) ),
	good( 'browser: a link that leads to the checkout', 'browser', request( 'GET', 'shop.example', '/?rest_route=/cocart-gateway/v1/browser' ) ),
	good( 'browser: a link that leads elsewhere', 'browser', request( 'GET', 'shop.example', '/?rest_route=/cocart-gateway/v1/browser' ), array( 'to' => '/my-account/?tab=orders' ) ),
	good( 'customer on the highest port', 'customer', request( 'GET', 'shop.example:65535', '/wp-json/cocart/v2/cart' ), array( 'port' => '65535' ) ),
	good( 'customer of a shop in a folder on its own port', 'customer', request( 'POST', 'shop.example:8443', '/store/wp-json/cocart/v2/cart/add-item?cart_key=t_0a1b' ), $sub_site ),
	good( 'host compared without case', 'customer', request( 'GET', 'Shop.Example', '/?rest_route=/cocart/v2/cart' ) ),
	good( 'host whose port the web server keeps to itself', 'customer', request(), array( 'h' => 'shop.example:8080' ) ),
	good( 'target as raw bytes', 'customer', request( 'GET', 'shop.example', '/index.php/wp-json/cocart/v2/cart?x=%C3%A9&y=<b>&z=a/b' ) ),
	good( 'characters that JSON encoders like to escape', 'customer', request(), array( 'sid' => 'a/b<c>&d"e\\f' ) ),
	good( 'the longest lifetime', 'customer', request(), array( 'exp' => NOW + 60 ) ),
	good( 'expired, but within the leeway', 'customer', request(), array( 'iat' => NOW - 39, 'exp' => NOW - 9 ) ),
	good( 'from the future, but within the leeway', 'customer', request(), array( 'iat' => NOW + 10, 'exp' => NOW + 40 ) ),
	good( 'a secret that is not ASCII', 'customer', request(), array(), array( 'secret' => $unicode ) ),
);

$bad_assertions = array(
	bad( 'expired', array( 'iat' => NOW - 40, 'exp' => NOW - 10 ) ),
	bad( 'not yet valid', array( 'iat' => NOW + 11, 'exp' => NOW + 41 ) ),
	bad( 'lifetime longer than 60 seconds', array( 'exp' => NOW + 61 ) ),
	bad( 'a lifetime longer than an hour', array( 'kind' => 'site', 'sub' => '0', 'sid' => '', 'fp' => '', 'iat' => NOW - 3600, 'exp' => NOW + 1 ) ),
	bad( 'exp before iat', array( 'exp' => NOW - 1 ) ),
	bad( 'exp as a string', array( 'exp' => (string) ( NOW + 30 ) ) ),
	bad( 'iat as a fraction', array( 'iat' => NOW + 0.5 ) ),
	bad( 'iat missing', array( 'iat' => null ) ),
	bad( 'exp missing', array( 'exp' => null ) ),
	bad( 'method of another request', array( 'm' => 'POST' ) ),
	bad( 'method in lower case', array( 'm' => 'get' ) ),
	bad( 'host of another site', array( 'h' => 'other.example' ) ),
	bad( 'host with another port', array( 'h' => 'shop.example:444' ), array(), array( 'request' => request( 'GET', 'shop.example:443', '/wp-json/cocart/v2/cart' ) ) ),
	bad( 'host without the port that was sent', array( 'h' => 'shop.example' ), array(), array( 'request' => request( 'GET', 'shop.example:443', '/wp-json/cocart/v2/cart' ) ) ),
	bad( 'target of another route', array( 't' => b64( hash( 'sha256', '/wp-json/cocart/v2/cart/clear', true ) ) ) ),
	bad( 'target without its query', array(), array(), array( 'request' => request( 'GET', 'shop.example', '/wp-json/cocart/v2/cart?rest_route=/wp/v2/users/me' ) ) ),
	bad( 'target as a hex digest', array( 't' => hash( 'sha256', '/wp-json/cocart/v2/cart' ) ) ),
	bad( 'Authorization of another request', array( 'auth' => b64( hash( 'sha256', 'Basic YWxpY2U6d29uZGVybGFuZC0x', true ) ) ), array(), array( 'request' => carrying( 'Basic Ym9iOmJ1aWxkZXItMi1TdHJvbmc=' ) ) ),
	bad( 'Authorization beside an assertion that has none', array( 'auth' => b64( hash( 'sha256', '', true ) ) ), array(), array( 'request' => carrying( 'Basic YWxpY2U6d29uZGVybGFuZC0x' ) ) ),
	bad( 'Authorization that got lost', array( 'auth' => b64( hash( 'sha256', 'Basic YWxpY2U6d29uZGVybGFuZC0x', true ) ) ) ),
	bad( 'digest of Authorization as true', array( 'auth' => true ) ),
	bad( 'digest of Authorization that is empty', array( 'auth' => '' ) ),
	bad( 'an empty entry of site.protect', array( 'protect' => '' ) ),
	bad( 'an entry of site.protect that is a slash', array( 'protect' => '/' ) ),
	bad( 'an entry of site.protect that is a list', array( 'protect' => array( 'wc/store' ) ) ),
	bad( 'an entry of site.protect for a guest', array( 'kind' => 'guest', 'sub' => '0', 'sid' => '', 'fp' => '', 'protect' => 'wc/store' ) ),
	bad( 'a path for a customer', array( 'to' => '/checkout/' ) ),
	bad( 'a browser that goes to another site', array( 'kind' => 'browser', 'to' => '//evil.example/' ) ),
	bad( 'a browser that goes to another site by a backslash', array( 'kind' => 'browser', 'to' => '/\\evil.example/' ) ),
	bad( 'a browser that goes to another site by a tab', array( 'kind' => 'browser', 'to' => "/\t/evil.example/" ) ),
	bad( 'a browser that goes to an address', array( 'kind' => 'browser', 'to' => 'https://shop.example/' ) ),
	bad( 'a browser that goes to a list', array( 'kind' => 'browser', 'to' => array( '/' ) ) ),
	bad( 'a browser that goes to a path of 1025 bytes', array( 'kind' => 'browser', 'to' => '/' . str_repeat( 'a', 1024 ) ) ),
	bad( 'a browser that goes nowhere', array( 'kind' => 'browser', 'to' => '' ) ),
	bad( 'a browser without a session', array( 'kind' => 'browser', 'sid' => '' ) ),
	bad( 'a browser by a token of the old plugin', array( 'kind' => 'browser', 'sid' => '', 'fp' => '', 'pat' => 'pat_0123456789abcdef01234567' ) ),
	bad( 'audience of another site', array( 'aud' => 'other.example' ) ),
	bad( 'audience of a folder of this host', array( 'aud' => 'shop.example/store' ) ),
	bad( 'audience with a scheme', array( 'aud' => 'https://shop.example' ) ),
	bad( 'audience as a list', array( 'aud' => array( 'shop.example' ) ) ),
	bad( 'issuer of a reply', array( 'iss' => 'cocart-wordpress' ) ),
	bad( 'issuer missing', array( 'iss' => null ) ),
	bad( 'typ JWT', array(), array( 'header' => array( 'typ' => 'JWT' ) ) ),
	bad( 'typ of a login reply', array(), array( 'header' => array( 'typ' => 'cocart-login+jwt' ) ) ),
	bad( 'typ missing', array(), array( 'raw_header' => json( array( 'alg' => 'HS256', 'kid' => kid( SECRET ) ) ) ) ),
	bad( 'alg none, signed all the same', array(), array( 'header' => array( 'alg' => 'none' ) ) ),
	bad( 'alg HS512', array(), array( 'header' => array( 'alg' => 'HS512' ), 'hash' => 'sha512' ) ),
	bad( 'alg in lower case', array(), array( 'header' => array( 'alg' => 'hs256' ) ) ),
	bad( 'alg as a list', array(), array( 'header' => array( 'alg' => array( 'HS256' ) ) ) ),
	bad( 'kid unknown', array(), array( 'header' => array( 'kid' => '00000000' ) ) ),
	bad( 'kid missing', array(), array( 'raw_header' => json( array( 'alg' => 'HS256', 'typ' => 'cocart-assertion+jwt' ) ) ) ),
	bad( 'kid as a number', array(), array( 'header' => array( 'kid' => 0 ) ) ),
	bad( 'kid that is null', array(), array( 'header' => array( 'kid' => null ) ) ),
	bad( 'a fourth field in the header', array(), array( 'header' => array( 'crit' => array( 'exp' ) ) ) ),
	bad( 'header that is no object', array(), array( 'raw_header' => '"HS256"' ) ),
	bad( 'header that is no JSON', array(), array( 'raw_header' => '{alg:HS256}' ) ),
	bad( 'made with another secret', array(), array( 'secret' => $other ) ),
	bad( 'made with another secret under our kid', array(), array( 'secret' => $other, 'header' => array( 'kid' => kid( SECRET ) ) ) ),
	bad( 'signed with the secret itself', array(), array( 'key' => SECRET ) ),
	bad( 'signed with the reply key', array(), array( 'key' => derived( SECRET, 'reply' ) ) ),
	bad( 'claims that are a list', array(), array( 'payload' => '[]' ) ),
	bad( 'claims that are a string', array(), array( 'payload' => '"customer"' ) ),
	bad( 'claims that are null', array(), array( 'payload' => 'null' ) ),
	bad( 'claims that are no JSON', array(), array( 'payload' => '{"iss":' ) ),
	bad( 'claims that are empty', array(), array( 'payload' => '{}' ) ),
	bad( 'kind unknown', array( 'kind' => 'admin' ) ),
	bad( 'kind missing', array( 'kind' => null ) ),
	bad( 'kind in upper case', array( 'kind' => 'Customer' ) ),
	bad( 'sub as a number', array( 'sub' => 2 ) ),
	bad( 'sub with a sign', array( 'sub' => '+2' ) ),
	bad( 'sub below zero', array( 'sub' => '-2' ) ),
	bad( 'sub with a leading zero', array( 'sub' => '02' ) ),
	bad( 'sub with a blank', array( 'sub' => '2 ' ) ),
	bad( 'sub with a line feed', array( 'sub' => "2\n" ) ),
	bad( 'sub in hex', array( 'sub' => '0x2' ) ),
	bad( 'sub as a login name', array( 'sub' => 'alice' ) ),
	bad( 'sub beyond 64 bits', array( 'sub' => '18446744073709551618' ) ),
	bad( 'sub missing', array( 'sub' => null ) ),
	bad( 'customer 0', array( 'sub' => '0' ) ),
	bad( 'customer with a session and a PAT', array( 'pat' => 'pat_0123456789abcdef01234567' ) ),
	bad( 'customer with a PAT and a fingerprint', array( 'sid' => '', 'pat' => 'pat_0123456789abcdef01234567' ) ),
	bad( 'customer with a session and a PAT and no fingerprint', array( 'fp' => '', 'pat' => 'pat_0123456789abcdef01234567' ) ),
	bad( 'customer with a session and an empty PAT', array( 'pat' => '' ) ),
	bad( 'customer with a session and a PAT that is a list', array( 'pat' => array( 'pat_0123456789abcdef01234567' ) ) ),
	bad( 'customer with an empty PAT', array( 'sid' => '', 'fp' => '', 'pat' => '' ) ),
	bad( 'customer with a PAT that is a list', array( 'sid' => '', 'fp' => '', 'pat' => array( 'pat_0123456789abcdef01234567' ) ) ),
	bad( 'customer 0 with a PAT', array( 'sub' => '0', 'sid' => '', 'fp' => '', 'pat' => 'pat_0123456789abcdef01234567' ) ),
	bad( 'guest with a PAT', array( 'kind' => 'guest', 'pat' => 'pat_0123456789abcdef01234567' ) ),
	bad( 'customer with a word on guests', array( 'guests' => 'deny' ) ),
	bad( 'guest where guests are turned away', array( 'kind' => 'guest', 'sub' => '0', 'sid' => '', 'fp' => '', 'guests' => 'deny' ) ),
	bad( 'credentials with another word on guests', array( 'kind' => 'credentials', 'sub' => '0', 'sid' => '', 'fp' => '', 'guests' => 'allow' ) ),
	bad( 'credentials with a word on guests that is no text', array( 'kind' => 'credentials', 'sub' => '0', 'sid' => '', 'fp' => '', 'guests' => true ) ),
	bad( 'refresh with a customer', array( 'kind' => 'refresh', 'sub' => '2' ) ),
	bad( 'hand_back of nobody', array( 'kind' => 'hand_back', 'sub' => '0', 'sid' => '', 'fp' => '' ) ),
	bad( 'hand_back without a session', array( 'kind' => 'hand_back', 'sid' => '' ) ),
	bad( 'hand_back by a token of the old plugin', array( 'kind' => 'hand_back', 'sid' => '', 'fp' => '', 'pat' => 'pat_0123456789abcdef01234567' ) ),
	bad( 'what is only observed', array( 'kind' => 'observed' ) ),
	bad( 'customer without a fingerprint', array( 'fp' => '' ) ),
	bad( 'customer whose fingerprint is missing', array( 'fp' => null ) ),
	bad( 'customer without a session', array( 'sid' => '' ) ),
	bad( 'guest with a user id', array( 'kind' => 'guest', 'sub' => '2' ) ),
	bad( 'guest with a session', array( 'kind' => 'guest', 'sid' => 'b7Jx0aQ2nT4kVw9e' ) ),
	bad( 'guest with a fingerprint', array( 'kind' => 'guest', 'fp' => '0123456789abcdef0123456789abcdef' ) ),
	bad( 'login with a user id', array( 'kind' => 'login', 'sub' => '2' ) ),
	bad( 'entries of a customer', array( 'entries' => 'wc/store' ) ),
	bad( 'find of a customer', array( 'find' => 'alice' ) ),
	bad( 'find of a page of the site', array( 'kind' => 'site', 'sub' => '0', 'sid' => '', 'fp' => '', 'find' => 'alice' ) ),
	bad( 'ip that is a host name', array( 'ip' => 'localhost' ) ),
	bad( 'ip with a port', array( 'ip' => '203.0.113.7:4711' ) ),
	bad( 'ip missing', array( 'ip' => null ) ),
	bad( 'proto unknown', array( 'proto' => 'wss' ) ),
	bad( 'proto missing', array( 'proto' => null ) ),
	bad( 'assumed, and https', array( 'assumed' => true ) ),
	bad( 'assumed that is false', array( 'proto' => 'http', 'assumed' => false ) ),
	bad( 'assumed as a text', array( 'proto' => 'http', 'assumed' => 'true' ) ),
	bad( 'port as a number', array( 'port' => 443 ) ),
	bad( 'port that is too high', array( 'port' => '65536' ) ),
	bad( 'port zero', array( 'port' => '0' ) ),
	bad( 'port with a leading zero', array( 'port' => '080' ) ),
	bad( 'port empty', array( 'port' => '' ) ),
	bad( 'port as a list', array( 'port' => array( '443' ) ) ),
	spoilt( 'flipped signature', 'flipped' ),
	spoilt( 'the same signature in other letters', 'other_trailing_bits' ),
	spoilt( 'padded base64', fn( $t ) => $t . '=' ),
	spoilt( 'standard base64', fn( $t ) => substr( $t, 0, -43 ) . '+' . substr( $t, -42 ) ),
	spoilt( 'signature missing', fn( $t ) => substr( $t, 0, strrpos( $t, '.' ) ) ),
	spoilt( 'signature empty', fn( $t ) => substr( $t, 0, strrpos( $t, '.' ) + 1 ) ),
	spoilt( 'alg none without a signature', fn( $t ) => b64( '{"alg":"none","typ":"cocart-assertion+jwt"}' ) . '.' . explode( '.', $t )[1] . '.' ),
	spoilt( 'four parts', fn( $t ) => $t . '.e30' ),
	spoilt( 'junk at the end', fn( $t ) => $t . ', junk' ),
	spoilt( 'two assertions in one header', fn( $t ) => "$t, $t" ),
	spoilt( 'a line feed at the end', fn( $t ) => $t . "\n" ),
	spoilt( 'a blank in front', fn( $t ) => " $t" ),
	spoilt( 'a scheme in front', fn( $t ) => "Bearer $t" ),
	spoilt( 'empty', fn( $t ) => '' ),
	spoilt( 'dots', fn( $t ) => '..' ),
	spoilt( 'no JWS at all', fn( $t ) => 'user=2' ),
	bad( 'longer than 4096 bytes', array( 'sid' => str_repeat( 'a', 4096 ) ) ),
);

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

$vectors = array(
	'about'          => 'Test vectors of PROTOCOL.md, written by generate.php. Claims are in the order they are signed in.',
	'keys'           => array_map(
		fn( $secret ) => array(
			'secret'        => $secret,
			'assertion_key' => bin2hex( derived( $secret, 'assertion' ) ),
			'reply_key'     => bin2hex( derived( $secret, 'reply' ) ),
			'capability_key' => bin2hex( derived( $secret, 'capability' ) ),
			'kid'           => kid( $secret ),
		),
		array( SECRET, $other, $unicode )
	),
	'audiences'      => array_map( fn( $url, $aud ) => array( 'url' => $url, 'audience' => $aud ), array_keys( $audiences ), $audiences ),
	'assertions'     => $assertions,
	'bad_assertions' => $bad_assertions,
	'replies'        => $replies,
	'bad_replies'    => $bad_replies,
	'capabilities'   => $capabilities,
	'bad_capabilities' => $bad_capabilities,
	'fingerprints'   => array(
		fingerprint( 'auth-key-and-auth-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.com', '' ) ),
		fingerprint( 'auth-key-and-auth-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.com', '5f1c0b7a9d3e2468' ) ),
		fingerprint( 'auth-key-and-auth-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.org', '' ) ),
		fingerprint( 'auth-key-and-auth-salt', array( '$wp$2y$10$abcdefghijklmnopqrstuv', 'alice@example.com', '' ) ),
		fingerprint( 'other-salt', array( '$P$BVbptZxEcZV2yeLyYeN.O4ZeG8225d.', 'alice@example.com', '' ) ),
	),
);

echo json_encode( $vectors, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR ), "\n";
