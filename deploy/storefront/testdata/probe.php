<?php
/**
 * Reports what PHP received of a request (?probe=report), or answers in the way that ?probe=answer&how= names.
 */

function storefront_text( $value ) {
	if ( is_array( $value ) ) {
		return array_combine( array_map( 'storefront_text', array_keys( $value ) ), array_map( 'storefront_text', $value ) );
	}
	return is_string( $value ) && ! preg_match( '//u', $value ) ? 'hex:' . bin2hex( $value ) : $value;
}

function storefront_files(): array {
	$all = array();
	foreach ( $_FILES as $field => $file ) {
		foreach ( (array) $file['tmp_name'] as $i => $path ) {
			$of    = fn( $name ) => is_array( $file[ $name ] ) ? $file[ $name ][ $i ] : $file[ $name ];
			$all[] = array( $field, $i, $of( 'name' ), $of( 'full_path' ), $of( 'type' ), $of( 'size' ), $of( 'error' ), is_string( $path ) && '' !== $path ? hash_file( 'sha256', $path ) : '' );
		}
	}
	return $all;
}

/** The address over which Jetpack's signature is made (Jetpack_Signature::get_current_request_port). */
function storefront_signed_address(): string {
	$port = (string) ( $_SERVER['HTTP_X_FORWARDED_PORT'] ?? $_SERVER['SERVER_PORT'] ?? '' );
	$port = in_array( $port, array( '80', '443' ), true ) ? '' : ":$port";
	return ( is_ssl() ? 'https' : 'http' ) . '://' . preg_replace( '/:\d+$/D', '', $_SERVER['HTTP_HOST'] ?? '' ) . $port . ( $_SERVER['REQUEST_URI'] ?? '' );
}

function storefront_report(): void {
	$body = file_get_contents( 'php://input' );
	$server = $_SERVER;
	ksort( $server );
	status_header( 200 );
	header( 'Content-Type: application/json' );
	echo json_encode(
		array(
			'server' => storefront_text( $server ),
			'input'  => array(
				'get'    => storefront_text( wp_unslash( $_GET ) ),
				'post'   => storefront_text( wp_unslash( $_POST ) ),
				'cookie' => storefront_text( wp_unslash( $_COOKIE ) ),
				'files'  => storefront_text( storefront_files() ),
				'body'   => array( strlen( $body ), hash( 'sha256', $body ) ),
			),
			'wordpress' => array(
				'is_ssl'         => is_ssl(),
				'user'           => get_current_user_id(),
				'home'           => home_url( '/' ),
				'rest'           => rest_url(),
				'script'         => basename( $_SERVER['SCRIPT_FILENAME'] ?? '' ),
				'signed_address' => storefront_signed_address(),
			),
		),
		JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PARTIAL_OUTPUT_ON_ERROR
	);
}

$storefront_answers = array(
	'redirect'       => fn() => wp_redirect( home_url( '/elsewhere/?a=1&b=%20#top' ), 307 ),
	'relative'       => fn() => header( 'Location: ../there?x=1', true, 301 ),
	'not_found'      => function () { status_header( 404 ); echo 'nothing here'; },
	'failed'         => function () { status_header( 500 ); echo '<p>fatal</p>'; },
	'maintenance'    => function () { status_header( 503 ); header( 'Retry-After: 600' ); echo 'back soon'; },
	'unknown_status' => function () { header( 'HTTP/1.1 418 I am a teapot' ); echo 'tea'; },
	'payment'        => function () { status_header( 402 ); header( 'Content-Type: application/problem+json' ); echo '{"title":"Pay first"}'; },
	'unauthorized'   => function () { status_header( 401 ); header( 'WWW-Authenticate: Basic realm="Staging, please"' ); echo 'who?'; },
	'cookies'        => function () {
		header( 'Set-Cookie: plain=1; path=/' );
		header( 'Set-Cookie: odd="a b,c"; Path=/; SameSite=None; Secure; Partitioned', false );
		header( 'Set-Cookie: empty=; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/; domain=.shop.example', false );
		header( "Set-Cookie: bytes=\xc3\xa4\xe9; HttpOnly", false );
		echo 'ok';
	},
	'gzip'           => function () { header( 'Content-Encoding: gzip' ); header( 'Vary: Accept-Encoding' ); echo gzencode( str_repeat( 'compressed ', 5000 ) ); },
	'unknown_coding' => function () { header( 'Content-Encoding: x-shop' ); echo "\x01\x02\x03"; },
	'pieces'         => function () { foreach ( array( 'one ', 'two ', 'three' ) as $piece ) { echo $piece; flush(); } },
	'events'         => function () {
		header( 'Content-Type: text/event-stream' );
		header( 'X-Accel-Buffering: no' );
		header( 'Cache-Control: no-cache' );
		foreach ( range( 1, 4 ) as $n ) { echo "id: $n\nevent: stock\ndata: {\"left\":$n}\n\n"; flush(); }
	},
	'large'          => function () { header( 'Content-Type: application/octet-stream' ); echo str_repeat( "0123456789abcdef\0\xff", 1 << 16 ); },
	'download'       => function () {
		header( 'Content-Type: application/pdf' );
		header( "Content-Disposition: attachment; filename=\"invoice.pdf\"; filename*=UTF-8''Rechnung%20%C3%A4.pdf" );
		header( 'Content-Length: 9' );
		header( 'Accept-Ranges: bytes' );
		echo '%PDF-1.7 ';
	},
	'no_content'     => fn() => status_header( 204 ),
	'reset_content'  => fn() => status_header( 205 ),
	'not_modified'   => function () { status_header( 304 ); header( 'ETag: W/"7-ä"' ); header( 'Last-Modified: Sat, 01 Nov 2025 10:00:00 GMT' ); },
	'validators'     => function () { header( 'ETag: "abc"' ); header( 'Last-Modified: Sat, 01 Nov 2025 10:00:00 GMT' ); echo 'fresh'; },
	'caching'        => function () {
		foreach ( array( 'Age: 17', 'Expires: Thu, 01 Jan 2099 00:00:00 GMT', 'Cache-Control: public, max-age=600, s-maxage=1', 'CDN-Cache-Control: max-age=7', 'Surrogate-Control: max-age=9', 'Surrogate-Key: a b', 'X-LiteSpeed-Cache-Control: public', 'X-Cache: HIT', 'Pragma: public', 'Vary: Cookie, X-Currency' ) as $line ) { header( $line ); }
		echo 'cached';
	},
	'cors'           => function () {
		foreach ( array( 'Access-Control-Allow-Origin: https://app.example.com', 'Access-Control-Allow-Credentials: true', 'Access-Control-Expose-Headers: X-A', 'Vary: Origin', 'Vary: Origin' ) as $line ) { header( $line, false ); }
		echo 'shared';
	},
	'security'       => function () {
		foreach ( array( "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'", 'Strict-Transport-Security: max-age=63072000', 'Permissions-Policy: geolocation=()', 'Referrer-Policy: no-referrer', 'X-Frame-Options: SAMEORIGIN', 'X-Content-Type-Options: nosniff', 'Server-Timing: db;dur=53, app;dur=47.2', 'NEL: {}', 'Alt-Svc: h3=":443"' ) as $line ) { header( $line, false ); }
		echo 'safe';
	},
	'links'          => function () { header( 'Link: </a.css>; rel=preload; as=style' ); header( 'Link: <https://shop.example/?p=1>; rel=shortlink', false ); echo 'linked'; },
	'repeated'       => function () { foreach ( array( 'X-Many: 1', 'X-Many: 2', 'X-Many: ', 'x-many: 3' ) as $line ) { header( $line, false ); } echo 'many'; },
	'long_header'    => function () { header( 'X-Long: ' . str_repeat( 'abcdefgh', 1500 ) ); echo 'long'; },
	'header_bytes'   => function () { header( "X-Bytes: gr\xfc\xdfe \xe2\x82\xac" ); header( "X-Tab: a\tb" ); echo 'bytes'; },
	'no_type'        => function () { ini_set( 'default_mimetype', '' ); header_remove( 'Content-Type' ); echo '<html>typeless'; },
	'latin1'         => function () { header( 'Content-Type: text/html; charset=ISO-8859-1' ); echo "gr\xfc\xdfe"; },
	'request_id'     => function () { header( 'X-Request-Id: from-the-shop' ); echo 'named'; },
	'refresh'        => function () { header( 'Refresh: 0; url=/next' ); header( 'X-Redirect-By: shop' ); echo 'soon'; },
	'died'           => fn() => wp_die( 'Sorry, you are <em>not</em> allowed.', 'No', array( 'response' => 403 ) ),
	'json'           => fn() => wp_send_json( array( 'a' => 1, 'umlaut' => 'ä', 'slash' => '/' ), 201 ),
	'javascript'     => function () { header( 'Content-Type: application/javascript' ); echo '/**/callback({})'; },
	'nothing'        => fn() => null,
	'blank_lines'    => function () { echo "\r\n\r\n  body after blanks"; },
	'short'          => function () { header( 'Content-Length: 100' ); echo 'short'; },
	'early_hint'     => function () { header( 'X-Early: 1' ); flush(); echo 'late'; },
);

add_action(
	'init',
	function () use ( $storefront_answers ) {
		$how = $_GET['how'] ?? '';
		if ( 'report' === ( $_GET['probe'] ?? '' ) ) {
			storefront_report();
			exit;
		}
		if ( 'answer' === ( $_GET['probe'] ?? '' ) && isset( $storefront_answers[ $how ] ) ) {
			$storefront_answers[ $how ]();
			exit;
		}
	},
	0
);
