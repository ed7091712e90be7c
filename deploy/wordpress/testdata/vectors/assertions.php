<?php
/** The vectors of assertions, good and bad. */

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

return array(
	'about'          => ABOUT,
	'assertions'     => $assertions,
	'bad_assertions' => $bad_assertions,
);
