<?php
/**
 * Tokens built by hand, for the test vectors and the tests. It shares no line with the plugin, so that they compare
 * two implementations of PROTOCOL.md.
 */

const SECRET = 'correct horse battery staple, twice over';
const NOW    = 1767225600; // 2026-01-01T00:00:00Z.

function b64( string $bytes ): string {
	return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
}

function json( $value ): string {
	return json_encode( $value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR );
}

function derived( string $secret, string $label ): string {
	return hash_hmac( 'sha256', "cocart-gateway $label v1", $secret, true );
}

function kid( string $secret ): string {
	return substr( bin2hex( derived( $secret, 'kid' ) ), 0, 8 );
}

/** A compact JWS; $change may replace parts of the header, the hash, the key, or the payload as a whole. */
function jws( string $typ, string $label, $claims, array $change = array() ): string {
	$secret  = $change['secret'] ?? SECRET;
	$header  = array_merge( array( 'alg' => 'HS256', 'kid' => kid( $secret ), 'typ' => $typ ), $change['header'] ?? array() );
	$signing = b64( $change['raw_header'] ?? json( $header ) ) . '.' . b64( $change['payload'] ?? json( $claims ) );
	return $signing . '.' . b64( hash_hmac( $change['hash'] ?? 'sha256', $signing, $change['key'] ?? derived( $secret, $label ), true ) );
}

function request( string $method = 'GET', string $host = 'shop.example', string $target = '/wp-json/cocart/v2/cart' ): array {
	return array( 'method' => $method, 'host' => $host, 'target' => $target );
}

/** The claims of an assertion, in the order they are written in. */
function claims( string $kind, array $request, array $change = array() ): array {
	$customer = in_array( $kind, array( 'customer', 'hand_back', 'browser' ), true );
	return array_merge(
		array(
			'iss'   => 'cocart-gateway',
			'aud'   => 'shop.example',
			'iat'   => NOW,
			'exp'   => NOW + 30,
			'kind'  => $kind,
			'sub'   => $customer ? '2' : '0',
			'sid'   => $customer ? 'b7Jx0aQ2nT4kVw9e' : '',
			'fp'    => $customer ? '0123456789abcdef0123456789abcdef' : '',
			'ip'    => '203.0.113.7',
			'proto' => 'https',
			'm'     => $request['method'],
			'h'     => $request['host'],
			't'     => b64( hash( 'sha256', $request['target'], true ) ),
		),
		$change
	);
}

function assertion( $claims, array $change = array() ): string {
	return jws( 'cocart-assertion+jwt', 'assertion', $claims, $change );
}
