<?php
/**
 * Plugin Name:       cocart-gateway
 * Description:       Verifies the identity that cocart-gateway signs into each request, and accepts no other. Install it in wp-content/mu-plugins.
 * Version:           1.3.0
 * Requires at least: 6.0
 * Requires PHP:      7.4
 *
 * Settings for wp-config.php. They take effect only above the line "That's all":
 *
 *     define( 'COCART_GATEWAY_SECRET', '…' );          // upstream.secret of the gateway, 32 bytes or more. While a secret
 *                                                      // is being changed: array( 'the new one', 'the old one' ).
 *     define( 'COCART_GATEWAY_REQUIRED', true );       // refuse CoCart requests that did not come through the gateway.
 *     define( 'COCART_GATEWAY_NAMESPACES', array( 'cocart' ) );  // only if CoCart is white-labelled.
 *     define( 'COCART_GATEWAY_AUDIENCE', 'shop.example' );       // only if the gateway's site.url is not this site's address.
 *     define( 'COCART_GATEWAY_END_ON_LOGOUT', false );           // logging out of a browser leaves the apps logged in.
 *     define( 'COCART_GATEWAY_END_ON_ROLE_CHANGE', true );       // a change of roles ends the user's sessions.
 *
 * Actions and filters for other plugins are listed in HOOKS.md.
 *
 * The plugin verifies the signed header X-CoCart-Gateway when the file is included, sets the client's address and scheme in
 * $_SERVER, and answers determine_current_user. At parse_request it refuses a request that WordPress understands differently
 * than the gateway did. It signs the replies that the gateway acts on. PROTOCOL.md describes the format.
 *
 * It writes to the database only when a user logs out or ends app sessions, when a change of an account ends its sessions, or
 * when WordPress renews the hash of a password.
 *
 * Sections: secrets and tokens; the assertion; $_SERVER; routes; users; accounts that change; renewed hashes; passwords; cart
 * keys; cart tokens; answers; the dispatched route; requests with an assertion; sessions that begin; ends of sessions; logging
 * a browser in; moving from CoCart JWT Authentication; requests without an assertion; app sessions; status; for administrators;
 * start.
 */

namespace CoCartGateway;

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

// WordPress loads every .php file in mu-plugins, also a backup of this file. PHP declares functions and classes outside a
// block when it compiles the file, and a second declaration is a fatal error. So everything stands in one block, and the first
// copy that is loaded is in force.
if ( function_exists( __NAMESPACE__ . '\start' ) ) :
	function_exists( __NAMESPACE__ . '\another_copy' ) && another_copy( __FILE__ );
else :

define( __NAMESPACE__ . '\VERSION', '1.3.0' );

/** The most seconds by which the clocks of gateway and WordPress may differ. */
define( __NAMESPACE__ . '\LEEWAY', 10 );

/** Usermeta key of the epoch. It changes when a user is logged out everywhere, and never returns to an earlier value. */
define( __NAMESPACE__ . '\EPOCH', '_cocart_gateway_epoch' );

/** The epoch of one site of a network, after the prefix of its tables. It changes with the user's roles and membership there. */
define( __NAMESPACE__ . '\SITE_EPOCH', 'cocart_gateway_epoch' );

/** Usermeta key of renewed password hashes, one row each: digest of the new hash, a blank, the digest to use in its place. */
define( __NAMESPACE__ . '\RENEWED', '_cocart_gateway_renewed' );

/** The constants that wp-config.php may define. */
define( __NAMESPACE__ . '\SETTINGS', array(
	'COCART_GATEWAY_SECRET',
	'COCART_GATEWAY_REQUIRED',
	'COCART_GATEWAY_NAMESPACES',
	'COCART_GATEWAY_AUDIENCE',
	'COCART_GATEWAY_END_ON_LOGOUT',
	'COCART_GATEWAY_END_ON_ROLE_CHANGE',
) );

/** Headers in which proxies report the client, and which any client can send. X-Forwarded-* is matched by its beginning. */
define( __NAMESPACE__ . '\PROXY_HEADERS', array(
	'HTTP_FORWARDED',
	'HTTP_FORWARDED_FOR',
	'HTTP_X_REAL_IP',
	'HTTP_CLIENT_IP',
	'HTTP_X_CLIENT_IP',
	'HTTP_CLUSTER_CLIENT_IP',
	'HTTP_X_CLUSTER_CLIENT_IP',
	'HTTP_TRUE_CLIENT_IP',
	'HTTP_CF_CONNECTING_IP',
	'HTTP_CF_CONNECTING_IPV6',
	'HTTP_CF_VISITOR',
	'HTTP_FASTLY_CLIENT_IP',
	'HTTP_INCAP_CLIENT_IP',
	'HTTP_X_SUCURI_CLIENTIP',
	'HTTP_X_PROXYUSER_IP',
	'HTTP_X_ORIGINAL_FORWARDED_FOR',
	'HTTP_FRONT_END_HTTPS',
) );

/** The reason why an assertion is refused. It goes into the server's log, never to the client. */
final class Refusal extends \Exception {
}

// --- Secrets and tokens --------------------------------------------------------------------------------------------

/**
 * The usable ones of the configured secrets by key id.
 *
 * @return array<string,string>
 */
function secrets( ?array $configured = null ): array {
	$usable = array();
	foreach ( array_filter( $configured ?? configured_secrets(), __NAMESPACE__ . '\is_usable' ) as $secret ) {
		$usable[ substr( bin2hex( derived_key( $secret, 'kid' ) ), 0, 8 ) ] = $secret;
	}
	return $usable;
}

/** @param mixed $secret */
function is_usable( $secret ): bool {
	return is_string( $secret ) && strlen( $secret ) >= 32;
}

function configured_secrets(): array {
	return (array) setting( 'COCART_GATEWAY_SECRET', array() );
}

/** Derives one key for each purpose from a secret, so that a reply can never be used as an assertion. */
function derived_key( string $secret, string $purpose ): string {
	return hash_hmac( 'sha256', "cocart-gateway $purpose v1", $secret, true );
}

function encode( string $bytes ): string {
	return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
}

/** Decodes strictly: no padding, no other alphabet, no stray bits (RFC 4648 section 3.5). One byte string has one spelling. */
function decode( string $text ): string {
	$bytes = base64_decode( strtr( $text, '-_', '+/' ), true );
	if ( false === $bytes || encode( $bytes ) !== $text ) {
		throw new Refusal( 'it is not unpadded base64url' );
	}
	return $bytes;
}

function decode_object( string $part ): array {
	$object = json_decode( decode( $part ), false, 4 );
	if ( ! $object instanceof \stdClass ) {
		throw new Refusal( 'header or claims are not a JSON object' );
	}
	return (array) $object;
}

function sign( string $typ, string $kid, array $claims, string $key ): string {
	$flags  = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;
	$header = array( 'alg' => 'HS256', 'kid' => $kid, 'typ' => $typ );
	$input  = encode( json_encode( $header ) ) . '.' . encode( json_encode( $claims, $flags ) );
	return $input . '.' . encode( hash_hmac( 'sha256', $input, $key, true ) );
}

/** Returns a site as the gateway names it: no scheme, host in lower case, no slash at the end. */
function site_name( string $url ): string {
	$bare = preg_replace( '#^[a-z][a-z0-9+.-]*://#i', '', trim( $url ) );
	$host = strcspn( $bare, '/' );
	return strtolower( substr( $bare, 0, $host ) ) . rtrim( substr( $bare, $host ), '/' );
}

function audience(): string {
	return site_name( (string) ( setting( 'COCART_GATEWAY_AUDIENCE', null ) ?? home_setting() ) );
}

/** Returns the Site Address after the filters of earlier must-use plugins; a shop may have moved by such a filter alone. */
function filtered_audience(): string {
	return null === setting( 'COCART_GATEWAY_AUDIENCE', null ) ? site_name( (string) get_option( 'home' ) ) : audience();
}

/**
 * Returns the configured Site Address: WP_HOME, else the option as stored. Language and domain plugins filter option_home,
 * pre_option_home and home_url, which therefore change with the request.
 */
function home_setting(): string {
	if ( defined( 'WP_HOME' ) && ! is_multisite() ) { // _config_wp_home() counts on a single site only.
		return (string) constant( 'WP_HOME' );
	}
	$stored = wp_load_alloptions()['home'] ?? null;
	return is_string( $stored ) ? $stored : (string) get_option( 'home' );
}

// --- The assertion -------------------------------------------------------------------------------------------------

/** The gateway's signed statement about one request. It exists only if every check passed. */
final class Assertion {

	/** The kinds of assertions. "observed" arrives in a header of its own and only sets the client's address and scheme. */
	const KINDS = array( 'site', 'guest', 'credentials', 'customer', 'login', 'refresh', 'hand_back', 'status', 'browser' );

	/** @var string One of these. */
	public $kind;

	/** @var int The customer's user id; 0 for every other kind. */
	public $user;

	/** @var string The customer's session; '' for a token of CoCart JWT Authentication and for every other kind. */
	public $session;

	/** @var string The fingerprint the customer's session was opened with. */
	public $fingerprint;

	/** @var string The login, by its own name, that CoCart JWT Authentication issued the customer's token at; '' for ours. */
	public $pat;

	/** @var bool Whether the request is refused if its credentials identify no user. */
	public $guests_denied;

	/** @var string The entry of the gateway's site.protect that covers the request, for a customer on a route of others; else ''. */
	public $protect;

	/** @var string Where a browser goes that is logged in: a path below the site; '' for the checkout, and for every other kind. */
	public $to;

	/** @var string A login name or an e-mail address that the gateway's operator looks up; '' for every other question. */
	public $find;

	/** @var string The REST routes of the gateway's site.protect, with blanks between them, that the operator asks about; else ''. */
	public $entries;

	/** @var string The client's address. */
	public $ip;

	/** @var string The scheme the client used. */
	public $proto;

	/** @var string The port that the client asked for; '' from a gateway that does not report it. */
	public $port;

	/** @var bool Whether proto is a default because the gateway does not know the client's scheme. */
	public $assumed;

	/** @var bool Whether Authorization is for the web server, and the client's own is in X-CoCart-Gateway-Authorization. */
	public $carried;

	/** @var int When it was issued, by the gateway's clock; Unix seconds. */
	public $issued_at;

	/** @var array Of the token. */
	private $claims;

	/** @var string */
	private $token;

	/** @var string */
	private $kid;

	/** @var string */
	private $secret;

	/** @var string */
	private $audience;

	/**
	 * Reads a header value.
	 *
	 * @param array<string,string> $secrets By key id.
	 * @param array                $server  $_SERVER: the request it must have been made for.
	 * @param string[]             $kinds   What it may be.
	 * @throws Refusal On anything but a genuine assertion for exactly this request.
	 */
	public static function read( string $token, array $secrets, string $audience, array $server, int $now, array $kinds = self::KINDS ): self {
		$read = self::read_signed( $token, $secrets );
		self::check( $read->claims, $audience, $server, $now );
		if ( ! in_array( $read->kind, $kinds, true ) ) {
			throw new Refusal( 'its kind is unknown' );
		}
		return $read;
	}

	/**
	 * Reads an assertion that was signed with one of the secrets, whatever request, site and time it is for.
	 *
	 * @param array<string,string> $secrets By key id.
	 * @throws Refusal On anything else.
	 */
	public static function read_signed( string $token, array $secrets ): self {
		if ( strlen( $token ) > 4096 ) {
			throw new Refusal( 'it is longer than 4096 bytes' );
		}
		$parts = explode( '.', $token );
		if ( 3 !== count( $parts ) ) {
			throw new Refusal( 'it does not have three parts' );
		}
		$kid = self::key_id( decode_object( $parts[0] ) );
		if ( ! isset( $secrets[ $kid ] ) ) {
			throw new Refusal( 'it was signed with a secret that is not in COCART_GATEWAY_SECRET' );
		}
		$mac = hash_hmac( 'sha256', "$parts[0].$parts[1]", derived_key( $secrets[ $kid ], 'assertion' ), true );
		if ( ! hash_equals( $mac, decode( $parts[2] ) ) ) {
			throw new Refusal( 'its signature is wrong' );
		}
		$claims = decode_object( $parts[1] );
		self::check_types( $claims );
		return new self( $claims, $token, $kid, $secrets[ $kid ] );
	}

	private function __construct( array $claims, string $token, string $kid, string $secret ) {
		$this->claims        = $claims;
		$this->kind          = $claims['kind'];
		$this->user          = (int) $claims['sub'];
		$this->session       = $claims['sid'];
		$this->fingerprint   = $claims['fp'];
		$this->pat           = $claims['pat'] ?? '';
		$this->guests_denied = array_key_exists( 'guests', $claims );
		$this->protect       = is_string( $claims['protect'] ?? null ) ? $claims['protect'] : '';
		$this->to            = $claims['to'] ?? '';
		$this->find          = is_string( $claims['find'] ?? null ) ? $claims['find'] : '';
		$this->entries       = is_string( $claims['entries'] ?? null ) ? $claims['entries'] : '';
		$this->ip            = $claims['ip'];
		$this->proto         = $claims['proto'];
		$this->port          = $claims['port'] ?? '';
		$this->assumed       = $claims['assumed'] ?? false;
		$this->issued_at     = $claims['iat'];
		$this->carried       = array_key_exists( 'auth', $claims );
		$this->audience      = $claims['aud'];
		$this->token         = $token;
		$this->kid           = $kid;
		$this->secret        = $secret;
	}

	/** The algorithm is ours, not the token's (RFC 8725 section 3.1), and so is the type (section 3.11). */
	private static function key_id( array $header ): string {
		ksort( $header );
		$kid = $header['kid'] ?? null;
		if ( ! is_string( $kid ) || array( 'alg' => 'HS256', 'kid' => $kid, 'typ' => 'cocart-assertion+jwt' ) !== $header ) {
			throw new Refusal( 'its JOSE header is not that of an assertion' );
		}
		return $kid;
	}

	private static function check( array $claims, string $audience, array $server, int $now ): void {
		self::check_user( $claims );
		foreach ( self::rules( $claims, $audience, $server, $now ) as $reason => $kept ) {
			if ( ! $kept ) {
				throw new Refusal( $reason );
			}
		}
	}

	private static function check_types( array $claims ): void {
		foreach ( array( 'iss', 'aud', 'kind', 'sub', 'sid', 'fp', 'ip', 'proto', 'm', 'h', 't' ) as $name ) {
			if ( ! is_string( $claims[ $name ] ?? null ) ) {
				throw new Refusal( "its claim $name is missing or not a string" );
			}
		}
		if ( ! is_int( $claims['iat'] ?? null ) || ! is_int( $claims['exp'] ?? null ) ) {
			throw new Refusal( 'its claim iat or exp is missing or not an integer' );
		}
		if ( array_key_exists( 'assumed', $claims ) && ( true !== $claims['assumed'] || 'http' !== $claims['proto'] ) ) {
			throw new Refusal( 'its claim assumed is not true, or its scheme is not http' );
		}
	}

	/**
	 * Refuses a user that does not fit the kind. A customer has an id, and either a session and a fingerprint or the PAT of
	 * CoCart JWT Authentication. A session that goes back has no PAT. The other kinds have none of these.
	 */
	private static function check_user( array $claims ): void {
		$id       = (string) (int) $claims['sub'] === $claims['sub'] && (int) $claims['sub'] > 0;
		$pat      = array_key_exists( 'pat', $claims );
		$named    = $pat && is_string( $claims['pat'] ) && '' !== $claims['pat'];
		$session  = $named ? '' === $claims['sid'] && '' === $claims['fp'] : ! $pat && '' !== $claims['sid'] && '' !== $claims['fp'];
		$customer = $id && $session;
		$anonymous =  '0' === $claims['sub'] && '' === $claims['sid'] && '' === $claims['fp'] && ! $pat;
		$fits     = array( 'customer' => $customer, 'hand_back' => $customer && ! $pat, 'browser' => $customer && ! $pat );
		if ( ! ( $fits[ $claims['kind'] ] ?? $anonymous ) ) {
			throw new Refusal( 'its user does not fit its kind' );
		}
	}

	/** @return array<string,bool> The rules: whether each is kept, by the reason to log if it is not. */
	private static function rules( array $c, string $audience, array $server, int $now ): array {
		return array(
			'it was not issued by the gateway'           => 'cocart-gateway' === $c['iss'],
			'its claim guests is invalid'                => ! array_key_exists( 'guests', $c ) || array( 'credentials', 'deny' ) === array( $c['kind'], $c['guests'] ),
			"it is for {$c['aud']}, but this is $audience (COCART_GATEWAY_AUDIENCE can say otherwise)" => $c['aud'] === $audience || $c['aud'] === filtered_audience(),
			'it lives too long'                          => $c['exp'] >= $c['iat'] && $c['exp'] - $c['iat'] <= self::max_lifetime( $c['kind'] ),
			'it has expired; do the clocks agree?'       => $now < $c['exp'] + LEEWAY,
			'it is from the future; do the clocks agree?' => $c['iat'] <= $now + LEEWAY,
			'its client address is invalid'              => false !== filter_var( $c['ip'], FILTER_VALIDATE_IP ),
			'its claim protect is invalid'               => ! array_key_exists( 'protect', $c ) || 'customer' === $c['kind'] && is_string( $c['protect'] ) && '' !== trim( $c['protect'], '/' ),
			'its claim to is invalid'                    => ! array_key_exists( 'to', $c ) || 'browser' === $c['kind'] && is_path( $c['to'] ),
			'its claim find is invalid'                  => ! array_key_exists( 'find', $c ) || 'status' === $c['kind'] && is_string( $c['find'] ) && '' !== $c['find'] && strlen( $c['find'] ) <= 320,
			'its claim entries is invalid'               => ! array_key_exists( 'entries', $c ) || 'status' === $c['kind'] && is_string( $c['entries'] ) && '' !== $c['entries'],
			'its port is unknown'                        => ! array_key_exists( 'port', $c ) || self::is_port( $c['port'] ),
			'its scheme is unknown'                      => in_array( $c['proto'], array( 'https', 'http' ), true ),
			'it is for another method'                   => ( $server['REQUEST_METHOD'] ?? '' ) === $c['m'],
			'it is for another host'                     => self::is_same_host( strtolower( $server['HTTP_HOST'] ?? '' ), strtolower( $c['h'] ) ),
			'it is for another URL'                      => encode( hash( 'sha256', $server['REQUEST_URI'] ?? '', true ) ) === $c['t'],
			'it is for another Authorization header'     => ! array_key_exists( 'auth', $c ) || self::carried_digest( $server ) === $c['auth'],
		);
	}

	/** Returns seconds. A kind without an identity may wait for an upload, which web servers hold back until it is complete. */
	private static function max_lifetime( string $kind ): int {
		return in_array( $kind, array( 'site', 'observed' ), true ) ? 3600 : 60;
	}

	/** @param mixed $port A decimal string without a leading zero. */
	private static function is_port( $port ): bool {
		return is_string( $port ) && 1 === preg_match( '/^[1-9]\d{0,4}$/D', $port ) && (int) $port <= 65535;
	}

	/** Binds the header to the assertion, so that an attacker who replays one cannot add another customer's credentials. */
	private static function carried_digest( array $server ): string {
		return encode( hash( 'sha256', (string) ( $server['HTTP_X_COCART_GATEWAY_AUTHORIZATION'] ?? '' ), true ) );
	}

	/** Compares hosts. Some web servers do not pass the port to PHP, such as nginx with Debian's fastcgi_params. */
	private static function is_same_host( string $seen, string $asserted ): bool {
		return $seen === $asserted || preg_replace( '/:\d+$/D', '', $asserted ) === $seen;
	}

	/** Returns a signed reply to this assertion. It is valid for one minute and for no other request. */
	public function reply( string $type, array $claims ): string {
		$now    = time();
		$common = array(
			'iss' => 'cocart-wordpress',
			'aud' => $this->audience,
			'iat' => $now,
			'exp' => $now + 60,
			'req' => encode( hash( 'sha256', $this->token, true ) ),
		);
		return sign( "cocart-$type+jwt", $this->kid, $common + $claims, derived_key( $this->secret, 'reply' ) );
	}

	/**
	 * Returns a capability: for one minute a browser may do one thing at the gateway with the sessions of one user. It has a
	 * key of its own, so that a reply, which no browser sees, can never be used as one.
	 *
	 * @param string $act     "list", or "end" for one session.
	 * @param string $session Of "end".
	 * @param int    $by      The user who asks. The caller has checked that he may.
	 */
	public function capability( int $user_id, string $act, string $session, int $by ): string {
		$now    = time();
		$claims = array(
			'iss' => 'cocart-wordpress',
			'aud' => $this->audience,
			'iat' => $now,
			'exp' => $now + 60,
			'sub' => (string) $user_id,
			'act' => $act,
			'sid' => $session,
			'by'  => (string) $by,
		);
		return sign( 'cocart-capability+jwt', $this->kid, $claims, derived_key( $this->secret, 'capability' ) );
	}
}

// --- $_SERVER ------------------------------------------------------------------------------------------------------

/**
 * Sets the client's address and scheme in $_SERVER and removes the headers of proxies. CoCart and WooCommerce trust
 * X-Forwarded-For and similar headers from any sender (WC_Geolocation::get_ip_address), so a client could forge its address.
 */
function set_client( Assertion $assertion ): void {
	foreach ( array_keys( $_SERVER ) as $name ) {
		if ( is_proxy_header( (string) $name ) ) {
			unset( $_SERVER[ $name ] );
		}
	}
	unset( $_SERVER['HTTP_X_COCART_GATEWAY'] );
	$_SERVER['REMOTE_ADDR'] = $assertion->ip;
	set_scheme( $assertion );
}

/**
 * Sets the client's scheme and port. Jetpack, WooPayments and PayPal sign the port (Jetpack_Signature::get_current_request_port
 * takes X-Forwarded-Port, else SERVER_PORT), and is_ssl() takes SERVER_PORT 443 alone for TLS.
 *
 * HTTPS=on stays where the shop itself says it: in wp-config.php, or in the configuration of a web server that is reached
 * without TLS and for a client of whom the gateway knows no scheme. Without that a shop behind a load balancer that ends
 * TLS and passes TCP on redirects to itself for ever.
 */
function set_scheme( Assertion $assertion ): void {
	$shop  = is_https( $_SERVER ) && ( $assertion->assumed || ! is_https( web_server_values() ) );
	$https = 'https' === $assertion->proto || $shop;
	$port  = '' !== $assertion->port ? $assertion->port : (string) ( $_SERVER['SERVER_PORT'] ?? '' );
	unset( $_SERVER['HTTPS'] );
	if ( $https ) {
		$_SERVER['HTTPS'] = 'on';
	}
	if ( ! $https && '443' === $port ) {
		$port = '80'; // Port 443 alone is TLS to is_ssl(), and a client may name it in its Host.
	} elseif ( $https && '80' === $assertion->port ) {
		$port = '443';
	}
	if ( '' !== $port ) {
		$_SERVER['SERVER_PORT'] = $port;
	}
	if ( '' !== $assertion->port ) {
		$_SERVER['HTTP_X_FORWARDED_PORT'] = $port;
	}
}

/** Reports whether the values mean TLS to is_ssl(). */
function is_https( array $server ): bool {
	$https = (string) ( $server['HTTPS'] ?? '' );
	return '' === $https ? '443' === (string) ( $server['SERVER_PORT'] ?? '' ) : in_array( strtolower( $https ), array( 'on', '1' ), true );
}

/** Returns the values of the web server itself, without the changes of wp-config.php. */
function web_server_values(): array {
	return array( 'HTTPS' => (string) getenv( 'HTTPS' ), 'SERVER_PORT' => (string) getenv( 'SERVER_PORT' ) );
}

function is_proxy_header( string $name ): bool {
	return 0 === strpos( $name, 'HTTP_X_FORWARDED' ) || in_array( $name, PROXY_HEADERS, true );
}

function remove_authorization(): void {
	foreach ( array_keys( $_SERVER ) as $name ) {
		if ( preg_match( '/^((REDIRECT_)*HTTP_AUTHORIZATION|PHP_AUTH_(USER|PW|DIGEST))$/', (string) $name ) ) {
			unset( $_SERVER[ $name ] );
		}
	}
}

/**
 * Restores the client's Authorization in $_SERVER. Where the web server requires a password of its own the gateway sends it,
 * and PHP sees that password in HTTP_AUTHORIZATION and PHP_AUTH_USER. CoCart and WordPress (application passwords) would check
 * it as a customer's, refuse each request and count a wrong password. The client's own header is in
 * X-CoCart-Gateway-Authorization, which is used only with an assertion that has its digest.
 */
function restore_authorization( Assertion $assertion ): void {
	$sent = (string) ( $_SERVER['HTTP_X_COCART_GATEWAY_AUTHORIZATION'] ?? '' );
	unset( $_SERVER['HTTP_X_COCART_GATEWAY_AUTHORIZATION'] );
	if ( ! $assertion->carried ) {
		return;
	}
	remove_authorization();
	if ( '' !== $sent ) {
		$_SERVER = array( 'HTTP_AUTHORIZATION' => $sent ) + php_auth( $sent ) + $_SERVER;
	}
	// CoCart prefers what getallheaders() says, which is the web server's password (CoCart_Authentication::get_auth_header).
	add_filter( 'cocart_auth_header', fn() => $sent, PHP_INT_MAX );
}

/** Returns the values that PHP derives from an Authorization header (php_handle_auth_data). */
function php_auth( string $header ): array {
	if ( 0 === stripos( $header, 'digest ' ) ) {
		return array( 'PHP_AUTH_DIGEST' => substr( $header, 7 ) );
	}
	$basic = 0 === stripos( $header, 'basic ' ) ? (string) base64_decode( substr( $header, 6 ) ) : '';
	list( $user, $password ) = explode( ':', $basic, 2 ) + array( '', null );
	return null === $password ? array() : array( 'PHP_AUTH_USER' => $user, 'PHP_AUTH_PW' => $password );
}

/** Removes the cookies by which WordPress recognises a user. */
function remove_login_cookies(): void {
	$renamed = array();
	foreach ( array( 'AUTH_COOKIE', 'SECURE_AUTH_COOKIE', 'LOGGED_IN_COOKIE' ) as $constant ) {
		$renamed[] = defined( $constant ) ? constant( $constant ) : '';
	}
	foreach ( array_keys( $_COOKIE ) as $name ) {
		if ( 0 === strpos( (string) $name, 'wordpress_' ) || in_array( (string) $name, $renamed, true ) ) {
			unset( $_COOKIE[ $name ] );
		}
	}
	if ( did_action( 'auth_cookie_valid' ) ) {
		$GLOBALS['current_user'] = null; // An earlier must-use plugin has asked for the user already: make WordPress look it up again (_wp_get_current_user).
	}
}

/**
 * Reports which page made the browser send this request: 'own' is a script of the shop's pages, 'other' another site, ''
 * unknown. The gateway reads the same headers, which no page can forge, and compares the scheme, too.
 */
function requesting_page(): string {
	list( $site, $mode, $dest, $origin, $referer ) = array_map(
		fn( $name ) => (string) ( $_SERVER[ "HTTP_$name" ] ?? '' ),
		array( 'SEC_FETCH_SITE', 'SEC_FETCH_MODE', 'SEC_FETCH_DEST', 'ORIGIN', 'REFERER' )
	);
	if ( ! in_array( $site, array( '', 'same-origin', 'none' ), true ) || ( '' !== $origin && ! is_own_address( $origin ) ) ) {
		return 'other';
	}
	if ( '' !== $site ) {
		$script = in_array( $mode, array( '', 'cors', 'same-origin' ), true ) && in_array( $dest, array( '', 'empty' ), true );
		return 'same-origin' === $site && $script ? 'own' : '';
	}
	if ( '' !== $origin || '' === $referer ) {
		return '' !== $origin ? 'own' : '';
	}
	if ( ! is_own_address( $referer ) ) {
		return 'other';
	}
	$reads = array( 'GET', 'HEAD' );
	return in_array( $_SERVER['REQUEST_METHOD'] ?? '', $reads, true ) && ! in_array( method(), $reads, true ) ? '' : 'own'; // A link with ?_method=POST.
}

/** Reports whether an address is this site's. The request's host differs from the client's where upstream.host is set. */
function is_own_address( string $address ): bool {
	$host = fn( string $url ) => preg_replace( '/:(?:80|443)$/D', '', explode( '/', site_name( $url ) )[0] );
	return in_array( $host( $address ), array( $host( (string) ( $_SERVER['HTTP_HOST'] ?? '' ) ), $host( home_setting() ) ), true );
}

/** Returns the nonce that WordPress reads (rest_cookie_check_errors); null if it is absent. */
function rest_nonce(): ?string {
	$nonce = $_POST['_wpnonce'] ?? $_GET['_wpnonce'] ?? null;
	if ( null === $nonce && '' !== ( $_SERVER['HTTP_X_WP_NONCE'] ?? '' ) ) {
		$nonce = $_SERVER['HTTP_X_WP_NONCE'];
	}
	return null === $nonce || is_string( $nonce ) ? $nonce : '';
}

/** Removes ?username=&password=, which CoCart reads from $_REQUEST on any route; routes read their fields elsewhere. */
function remove_request_credentials(): void {
	unset( $_REQUEST['username'], $_REQUEST['password'] );
}

/** Returns the Authorization header. PHP_AUTH_USER may be present without it, and comes from Basic only. */
function authorization(): string {
	return $_SERVER['HTTP_AUTHORIZATION'] ?? $_SERVER['REDIRECT_HTTP_AUTHORIZATION'] ?? 'Basic ';
}

function is_basic( string $header ): bool {
	return 1 === preg_match( '/^\s*basic\s/i', $header );
}

/**
 * Reports whether this script is the site's front controller. Another script that loads WordPress never reaches
 * parse_request, so an identity given to it would be bound to no route.
 */
function is_front_controller(): bool {
	foreach ( array( 'WP_ADMIN', 'DOING_AJAX', 'DOING_CRON', 'XMLRPC_REQUEST' ) as $other ) {
		if ( defined( $other ) && constant( $other ) ) {
			return false;
		}
	}
	$script = (string) ( $_SERVER['SCRIPT_FILENAME'] ?? '' );
	return defined( 'WP_USE_THEMES' ) && 'index.php' === basename( $script ) && ! is_content( $script );
}

/** Reports whether a script is in wp-content: themes and plugins have files named index.php, too. */
function is_content( string $script ): bool {
	$content = realpath( \WP_CONTENT_DIR );
	return false !== $content && 0 === strpos( (string) realpath( $script ), $content . DIRECTORY_SEPARATOR );
}

// --- Routes --------------------------------------------------------------------------------------------------------

/** Matches as WordPress does: any case, and "$" before a final line feed (WP_REST_Server::match_request_to_handler). */
function route_is( string $pattern, string $route ): bool {
	return 1 === preg_match( '#^' . str_replace( 'NS', '(?:' . implode( '|', namespaces() ) . ')', $pattern ) . '$#i', $route );
}

/** @return string[] CoCart's namespaces, quoted for route_is(). */
function namespaces(): array {
	$names = array();
	foreach ( (array) setting( 'COCART_GATEWAY_NAMESPACES', array() ) as $name ) {
		$names[] = preg_quote( trim( (string) $name, '/' ), '#' );
	}
	$names = array_filter( $names, 'strlen' );
	return $names ? $names : array( 'cocart' );
}

function is_cocart( string $route ): bool {
	return route_is( '/NS(?:/[\s\S]*)?', $route ) || is_refresh( $route );
}

/**
 * Reports whether an entry of the gateway's site.protect covers the route or page that WordPress dispatches: a REST route that
 * is the entry or below it, or for an entry with a slash in front exactly that path ('' is a page).
 */
function is_covered( string $entry, string $route ): bool {
	if ( '/' === $entry[0] ) {
		$path = $GLOBALS['wp']->request ?? null;
		return '' === $route && is_string( $path ) && 0 === strcasecmp( trim( $entry, '/' ), trim( $path, '/' ) );
	}
	if ( is_cocart( $route ) || is_batch( $route ) || false !== stripos( $route, 'application-passwords' ) ) { // A credential that outlives the session.
		return false;
	}
	return 1 === preg_match( '#^/' . preg_quote( $entry, '#' ) . '(?:/[\s\S]*)?$#i', $route );
}

function is_login( string $route ): bool {
	return route_is( '/NS/v2/login/*', $route );
}

/** CoCart JWT Authentication does not follow a white label: its namespace is always the same. */
function is_refresh( string $route ): bool {
	return route_is( '/(?:NS|cocart)/jwt/refresh-token/*', $route );
}

/** Reports whether a route shows products: every guest gets the same answer, which may be cached. */
function is_products( string $route ): bool {
	return route_is( '/NS/(?:v\d+/)?products(?:/[\s\S]*)?', $route );
}

/** Reports whether a route neither shows nor changes a cart. */
function loads_no_cart( string $route ): bool {
	return is_products( $route ) || route_is( '/NS/(?:v\d+/)?(?:store|login|logout|sessions?)(?:/[\s\S]*)?', $route ) || is_refresh( $route );
}

function is_batch( string $route ): bool {
	return route_is( '(?:/batch/v1|/NS(?:/v\d+)?/batch)/*', $route );
}

/** Reports whether a route is a batch, also one of others, such as /wc/store/v1/batch. */
function holds_batch( string $route ): bool {
	return is_batch( $route ) || route_is( '/[\s\S]*/batch/*', $route );
}

/** Reports whether a route opens sessions. The gateway answers these and counts the attempts, so a batch must not have them. */
function opens_session( string $route ): bool {
	return route_is( '/NS/(?:v\d+/login|jwt(?:/[\s\S]*)?)', $route ) || is_refresh( $route );
}

/** The method WordPress will serve (WP_REST_Server::serve_request). */
function method(): string {
	$method = $_GET['_method'] ?? $_SERVER['HTTP_X_HTTP_METHOD_OVERRIDE'] ?? $_SERVER['REQUEST_METHOD'] ?? '';
	return is_string( $method ) ? strtoupper( $method ) : '';
}

/**
 * Returns the routes inside a batch, as WP_REST_Server::serve_batch_request_v1 reads them. An unreadable one is '':
 * WordPress answers it with an error and dispatches the others.
 *
 * @return string[]
 */
function batched( \WP_REST_Request $request ): array {
	$routes = array();
	$inside = $request->get_param( 'requests' );
	foreach ( is_array( $inside ) || null === $inside ? (array) $inside : array( null ) as $one ) {
		$path     = is_array( $one ) ? $one['path'] ?? null : null;
		$url      = is_string( $path ) ? wp_parse_url( $path ) : false;
		$routes[] = is_array( $url ) ? $url['path'] ?? '' : '';
	}
	return $routes;
}

// --- Users ---------------------------------------------------------------------------------------------------------

/**
 * Returns the fingerprint that a session is bound to. It changes with the password, however that was changed, with the e-mail
 * address, with a logout, with the salts in wp-config.php, and with the roles if COCART_GATEWAY_END_ON_ROLE_CHANGE is set.
 */
function fingerprint( object $user ): string {
	$epoch = meta_text( $user->ID, EPOCH ) . meta_text( $user->ID, $GLOBALS['wpdb']->get_blog_prefix() . SITE_EPOCH );
	$words = array( password_digest( $user ), (string) $user->user_email, $epoch );
	if ( is_enabled( 'COCART_GATEWAY_END_ON_ROLE_CHANGE', false ) ) {
		$words[] = roles( $user );
	}
	return substr( hash_hmac( 'sha256', implode( "\n", $words ), wp_salt( 'auth' ) . 'cocart-gateway fingerprint v1' ), 0, 32 );
}

/** Returns a digest that stays the same when WordPress stores the same password under a newer kind of hash. */
function password_digest( object $user ): string {
	$digest  = digest( (string) $user->user_pass );
	$renewed = get_user_meta( $user->ID, RENEWED, false );
	foreach ( is_array( $renewed ) ? $renewed : array() as $line ) {
		$pair = is_string( $line ) ? explode( ' ', $line ) : array();
		if ( 2 === count( $pair ) && $pair[0] === $digest ) {
			return $pair[1];
		}
	}
	return $digest;
}

/** Returns a keyed digest. It is stored: without the key in wp-config.php it does not help to guess an old password. */
function digest( string $hash ): string {
	return substr( hash_hmac( 'sha256', $hash, wp_salt( 'auth' ) . 'cocart-gateway password v1' ), 0, 32 );
}

/**
 * Returns the user's roles and capabilities on this site, as stored. WP_User::$roles lacks those that a plugin registers after
 * the user was first looked up.
 */
function roles( object $user ): string {
	return granted_capabilities( $user->caps ?? array() );
}

/** @param mixed $caps As stored. */
function granted_capabilities( $caps ): string {
	$given = array_keys( array_filter( is_array( $caps ) ? $caps : array() ) );
	sort( $given, SORT_STRING );
	return implode( ',', $given );
}

function meta_text( int $id, string $key ): string {
	$value = get_user_meta( $id, $key, true );
	return is_scalar( $value ) ? (string) $value : '';
}

/**
 * Returns a constant of wp-config.php. A constant that was defined after this file was loaded does not count: it would apply to
 * only a part of the request.
 *
 * @param mixed $otherwise
 * @return mixed
 */
function setting( string $constant, $otherwise ) {
	return in_array( $constant, Diagnostics::$settings, true ) ? constant( $constant ) : $otherwise;
}

/** Returns a setting that is true or false. */
function is_enabled( string $constant, bool $otherwise ): bool {
	return (bool) setting( $constant, $otherwise );
}

/** Reads a user id from an argument of a hook. Other plugins fire WordPress's hooks with arguments of any type. */
function user_id_in( $value ): int {
	if ( $value instanceof \WP_User ) {
		return (int) $value->ID;
	}
	return is_numeric( $value ) && $value > 0 ? (int) $value : 0;
}

/**
 * Returns how many queries of the database failed in this request, as while it restarts (wpdb::print_error). To WordPress such a
 * query found nothing: a user who is gone, or one without metadata, whose fingerprint is another one. WordPress keeps the
 * latter in its cache.
 */
function failed_queries(): int {
	return count( (array) ( $GLOBALS['EZSQL_ERROR'] ?? array() ) );
}

/**
 * Returns what $look finds of a user in the database, past the caches of WordPress; null if the database does not answer.
 *
 * @return mixed
 */
function look_again( int $user_id, callable $look ) {
	wp_cache_delete( $user_id, 'users' );
	wp_cache_delete( $user_id, 'user_meta' );
	$failed = failed_queries();
	$found  = $look();
	return failed_queries() === $failed ? $found : null;
}

/**
 * Returns the user; false if there is none. If queries failed in this request it looks again: what it finds of a user decides
 * how long a session lives that begins with it.
 *
 * @return \WP_User|false|null Null if the database does not answer.
 */
function known_user( int $id ) {
	$look = function () use ( $id ) {
		$user = get_userdata( $id );
		$user && fingerprint( $user ); // Reads all that it is made of into the cache.
		return $user;
	};
	return failed_queries() ? look_again( $id, $look ) : get_userdata( $id );
}

/** Reports whether a network excludes this user from this site. Always false on a single site. */
function is_excluded( object $user ): bool {
	return is_multisite() && ( ! empty( $user->spam ) || ! empty( $user->deleted ) || ! is_user_member_of_blog( $user->ID, get_current_blog_id() ) );
}

/**
 * Ends every session of the user at the gateway, at the latest with the next request of each. Browsers stay logged in to
 * WordPress. The shop's own code may call it. The reason is passed to the action cocart_gateway_sessions_ended.
 *
 * @param int|\WP_User $user
 */
function end_sessions( $user, string $reason = 'ended' ): void {
	next_epoch( user_id_in( $user ), $reason );
}

function next_epoch( int $id, string $reason = 'logged_out_everywhere' ): void {
	$user = get_userdata( $id );
	if ( $user ) {
		$fingerprint = fingerprint( $user );
		renew_epoch( $id, EPOCH );
		fire_sessions_ended( $id, $fingerprint, $reason );
		do_action( 'cocart_gateway_epoch_changed', $id, $fingerprint );
	}
}

/** @param string $key Of an epoch. */
function renew_epoch( int $id, string $key ): void {
	update_user_meta( $id, $key, bin2hex( random_bytes( 8 ) ) );
}

/** Handles wp_logout: a logout in a browser ends the sessions, except in a customer's request, see Request_Guard::register(). */
function on_logout( $user_id = 0 ): void {
	$id  = user_id_in( $user_id );
	$end = is_enabled( 'COCART_GATEWAY_END_ON_LOGOUT', true );
	if ( $id && ( ask_filter( 'cocart_gateway_end_on_logout', $end, $id ) ?? $end ) ) {
		next_epoch( $id, 'logged_out' );
	}
}

/** Fires the action for other plugins, once per end and request. */
function fire_sessions_ended( int $id, string $fingerprint, string $reason ): void {
	static $fired = array();
	if ( ! isset( $fired[ "$id $fingerprint" ] ) ) {
		$fired[ "$id $fingerprint" ] = true;
		fire_action( 'cocart_gateway_sessions_ended', $id, $reason );
	}
}

if ( class_exists( '\WP_User_Meta_Session_Tokens' ) ) {
	/**
	 * Observes "Log out everywhere", for which WordPress has no hook. Its buttons, wp_destroy_all_sessions(),
	 * wp_destroy_other_sessions() and WP-CLI call these two methods; a logout in one browser does not.
	 */
	final class Session_Tokens extends \WP_User_Meta_Session_Tokens {

		protected function destroy_other_sessions( $verifier ) {
			parent::destroy_other_sessions( $verifier );
			next_epoch( (int) $this->user_id );
		}

		protected function destroy_all_sessions() {
			parent::destroy_all_sessions();
			next_epoch( (int) $this->user_id );
		}
	}

	function session_token_manager( $manager ) {
		return 'WP_User_Meta_Session_Tokens' === $manager ? Session_Tokens::class : $manager;
	}
}

// --- Accounts that change -------------------------------------------------------------------------------------------

/**
 * Renews the epoch when an account changes. An e-mail address, roles or a membership may change and change back while a session
 * is not used, and its fingerprint would match again; an epoch never returns. Changes by SQL are not seen here.
 * Session_End_Announcements announces changes in the response.
 */
final class Account_Changes {

	/** @var array<int,bool> Users that are about to be deleted with their metadata: no row may be added for them. */
	private $being_deleted = array();

	/** Runs after Session_End_Announcements::profile_update(), which announces the earlier fingerprint. */
	public function register_hooks(): void {
		add_action( 'profile_update', array( $this, 'profile_update' ), PHP_INT_MAX, 2 );
		add_action( 'make_spam_user', array( $this, 'make_spam_user' ) );
		add_action( 'delete_user', array( $this, 'delete_user' ) );
		add_action( 'wpmu_delete_user', array( $this, 'wpmu_delete_user' ) );
		add_action( 'update_user_meta', array( $this, 'update_user_meta' ), 10, 4 );
		add_action( 'delete_user_meta', array( $this, 'delete_user_meta' ), 10, 3 );
	}

	/** @param mixed $before The user as it was. */
	public function profile_update( $user_id = 0, $before = null ): void {
		$user = $before instanceof \WP_User ? get_userdata( (int) $before->ID ) : false;
		if ( $user && (string) $user->user_email !== (string) $before->user_email ) {
			renew_epoch( (int) $user->ID, EPOCH );
		}
	}

	/** Handles the spam mark of a network. */
	public function make_spam_user( $user_id = 0 ): void {
		$user = get_userdata( user_id_in( $user_id ) );
		if ( $user ) {
			renew_epoch( (int) $user->ID, EPOCH );
		}
	}

	/** Handles the deletion of a user. On a network it only removes the user from one site. */
	public function delete_user( $user_id = 0 ): void {
		if ( ! is_multisite() ) {
			$this->being_deleted[ user_id_in( $user_id ) ] = true;
		}
	}

	/** WordPress lists the rows to delete before it deletes the first: a row that is added meanwhile would stay. */
	public function wpmu_delete_user( $user_id = 0 ): void {
		$this->being_deleted[ user_id_in( $user_id ) ] = true;
	}

	/** Fires before any function stores roles. A user without earlier roles has no session that could become valid again. */
	public function update_user_meta( $meta_id = 0, $user_id = 0, $key = '', $value = null ): void {
		$site = is_enabled( 'COCART_GATEWAY_END_ON_ROLE_CHANGE', false ) ? $this->site( $key ) : null;
		$id   = user_id_in( $user_id );
		if ( null === $site || ! $id ) {
			return;
		}
		$had = granted_capabilities( get_user_meta( $id, $key, true ) );
		if ( '' !== $had && granted_capabilities( $value ) !== $had ) {
			renew_epoch( $id, $site . SITE_EPOCH );
		}
	}

	/** Fires before the row is deleted. On a network this ends a membership (remove_user_from_blog). */
	public function delete_user_meta( $meta_ids = array(), $user_id = 0, $key = '' ): void {
		$counts = is_multisite() || is_enabled( 'COCART_GATEWAY_END_ON_ROLE_CHANGE', false );
		$site   = $counts ? $this->site( $key ) : null;
		$id     = user_id_in( $user_id );
		if ( null !== $site && $id && ! isset( $this->being_deleted[ $id ] ) ) {
			renew_epoch( $id, $site . SITE_EPOCH );
		}
	}

	/**
	 * Returns the prefix of the site whose capabilities this key holds, or null. Keys of other plugins may have the same ending.
	 *
	 * @param mixed $key
	 */
	private function site( $key ): ?string {
		$pattern = '/^(' . preg_quote( $GLOBALS['wpdb']->base_prefix, '/' ) . '(?:\d+_)?)capabilities$/D';
		return is_string( $key ) && preg_match( $pattern, $key, $found ) ? $found[1] : null;
	}
}

// --- Password hashes that WordPress renews -------------------------------------------------------------------------

/**
 * Records renewed hashes. Since 6.8 WordPress replaces an old hash at a login by password, and before that MD5; other plugins do
 * the same. The password is unchanged, so sessions must continue: a row records that the new hash stands for the old one. A hash
 * that changed in any other way has no such row, and ends the sessions. The password is never stored.
 */
final class Hash_Renewals {

	/** @var int The last user whose stored data changed in this request. */
	private $user = 0;

	/** @var string That user's hash before. */
	private $before = '';

	/** @var string Digest of the last password and the hash that it matched, under a key of this request. */
	private $last_match = '';

	/** @var string */
	private $key = '';

	/** @var bool Whether this class is checking a password. */
	private $checking = false;

	public function register_hooks(): void {
		add_action( 'clean_user_cache', array( $this, 'clean_user_cache' ), 10, 2 );
		add_filter( 'check_password', array( $this, 'check_password' ), PHP_INT_MAX, 4 );
		add_action( 'wp_set_password', array( $this, 'wp_set_password' ), PHP_INT_MIN, 3 );
	}

	/** Fires with the user as it was, once the new hash is stored (wp_set_password, wp_update_user). */
	public function clean_user_cache( $user_id = 0, $before = null ): void {
		if ( $before instanceof \WP_User && (int) $before->ID !== $this->user ) {
			$this->user   = (int) $before->ID;
			$this->before = (string) $before->user_pass;
		}
	}

	/** Before 6.8 WordPress renews a hash within this check; before 6.2 it fires no hook for that. */
	public function check_password( $fits = false, $password = '', $hash = '', $user_id = 0 ) {
		if ( true !== $fits || $this->checking || ! is_string( $password ) || ! is_string( $hash ) ) {
			return $fits;
		}
		$this->last_match = $this->match_digest( $password, $hash );
		if ( $this->user && user_id_in( $user_id ) === $this->user ) {
			$user = get_userdata( $this->user );
			if ( $user && $this->is_renewal( $this->before, $user ) && $this->matches( $password, $user->user_pass ) && $this->matches( $password, $this->before ) ) {
				$this->record( $user, $this->before );
			}
		}
		return $fits;
	}

	/**
	 * Fires since 6.2, and since 6.7 with the earlier user, after the password was stored. wp_update_user() of newer versions
	 * (7.1) fires it before: nothing has changed yet.
	 */
	public function wp_set_password( $password = '', $user_id = 0, $before = null ): void {
		$id   = user_id_in( $user_id );
		$user = $id ? get_userdata( $id ) : false;
		$hash = $id === $this->user ? $this->before : '';
		$hash = $before instanceof \WP_User && (int) $before->ID === $id ? (string) $before->user_pass : $hash;
		if ( is_string( $password ) && $user && $this->is_renewal( $hash, $user ) && $this->matches( $password, $hash ) ) {
			$this->record( $user, $hash );
		}
	}

	/** Reports a renewal. Two hashes of the same kind mean that a password was set, even if it is the same password. */
	private function is_renewal( string $before, object $user ): bool {
		$kind = hash_kind( $before );
		return '' !== $kind && hash_kind( (string) $user->user_pass ) !== $kind && password_digest( $user ) === digest( (string) $user->user_pass );
	}

	private function matches( string $password, string $hash ): bool {
		if ( hash_equals( $this->match_digest( $password, $hash ), $this->last_match ) ) {
			return true; // WordPress has just checked it, and a check is slow.
		}
		$this->checking = true;
		$fits           = wp_check_password( $password, $hash );
		$this->checking = false;
		return true === $fits;
	}

	private function match_digest( string $password, string $hash ): string {
		$this->key = '' === $this->key ? random_bytes( 32 ) : $this->key;
		return hash_hmac( 'sha256', "$hash\n$password", $this->key );
	}

	/** Adds a row for each renewal, so that two logins at the same time cannot overwrite each other's. */
	private function record( object $user, string $before ): void {
		$was = (object) array( 'ID' => $user->ID, 'user_pass' => $before );
		add_user_meta( $user->ID, RENEWED, digest( (string) $user->user_pass ) . ' ' . password_digest( $was ) );
	}
}

/** Returns the algorithm and cost of a stored hash; '' if unknown. */
function hash_kind( string $hash ): string {
	if ( preg_match( '/^[0-9a-f]{32}$/D', $hash ) ) {
		return 'md5';
	}
	$found = preg_match( '/^(?:\$[PH]\$.|(?:\$wp)?\$2[abxy]\$\d\d\$|(?:\$wp)?\$argon2[a-z]+\$v=\d+\$[^$]+\$)/', $hash, $kind );
	return $found ? $kind[0] : '';
}

// --- Passwords -----------------------------------------------------------------------------------------------------

/**
 * Reports the passwords that are checked in this request, with their users and results. CoCart checks passwords on every route and
 * bypasses the hooks of a login, so the check itself is observed (wp_check_password). An attacker could otherwise choose a form of
 * request or answer whose guesses are not counted: ?_jsonp=, ?_envelope, a redirect, an exit. So the report is a header that is
 * sent from the first check on and replaced at the next.
 */
final class Password_Checks {

	/** The most wrong passwords in one request (system.multicall can carry many). Any further password is refused unchecked. */
	const WRONG = 10;

	/** @var Assertion */
	private $asserted;

	/** @var bool Whether the gateway expects a report even if no password is checked. */
	private $always;

	/** @var array<int,array<string,string>> Results, by user id (0: an unknown name) and by a digest of the password. */
	private $results = array();

	/** @var string The key of these digests, for this request only. */
	private $key;

	/** @var bool Whether CoCart may be reading credentials now. */
	private $in_lookup = false;

	/** @var bool Whether CoCart has read a name and a password but checked none yet: there may be no user of that name. */
	private $name_pending = false;

	public function __construct( Assertion $asserted, bool $always ) {
		$this->asserted = $asserted;
		$this->always   = $always;
		$this->key      = random_bytes( 32 );
	}

	public function register_hooks(): void {
		add_filter( 'check_password', array( $this, 'check_password' ), PHP_INT_MAX, 4 );
		add_filter( 'authenticate', array( $this, 'authenticate' ), PHP_INT_MAX, 3 );
		add_action( 'wp_login_failed', array( $this, 'wp_login_failed' ), 10, 2 );
		if ( ! $this->always ) {
			return;
		}
		foreach ( array( 'sanitize_user', 'is_email' ) as $hook ) {
			add_filter( $hook, array( $this, 'name_read' ), PHP_INT_MAX );
		}
		foreach ( array( 'determine_current_user', 'rest_authentication_errors' ) as $hook ) {
			add_filter( $hook, array( $this, 'start_lookup' ), PHP_INT_MIN );
			add_filter( $hook, array( $this, 'end_lookup' ), PHP_INT_MAX );
		}
		$this->report();
	}

	/** Whether a password of this user was right. */
	public function accepted( int $user_id ): bool {
		return in_array( 'accepted', $this->results[ $user_id ] ?? array(), true );
	}

	/**
	 * Fires within wp_check_password(). A check without a user concerns something else: an application password, a key by mail.
	 *
	 * @param mixed $fits
	 * @param mixed $password
	 * @param mixed $hash
	 * @param mixed $user_id
	 */
	public function check_password( $fits = false, $password = '', $hash = '', $user_id = 0 ) {
		$id = user_id_in( $user_id );
		if ( ! $id || ! is_string( $password ) ) {
			return $fits;
		}
		$new = ! isset( $this->results[ $id ][ $this->digest( $password ) ] );
		if ( $new && $this->count_refused() >= self::WRONG ) {
			return false;
		}
		$this->record( $id, $password, $fits ? 'accepted' : 'refused' );
		return $fits;
	}

	/**
	 * Fires at the end of wp_authenticate(): another plugin may have checked the password (LDAP), or it was an application password,
	 * which WordPress tries after the user's own.
	 *
	 * @param mixed $user
	 * @param mixed $name
	 * @param mixed $password
	 */
	public function authenticate( $user = null, $name = '', $password = '' ) {
		if ( $user instanceof \WP_User && is_string( $password ) && '' !== $password && is_string( $name ) && '' !== $name ) {
			$this->record( (int) $user->ID, $password, 'accepted' );
		}
		return $user;
	}

	/**
	 * Records unknown names, and passwords that another plugin checked. Refusals for other reasons (a captcha, a lockout plugin)
	 * are not about a password.
	 *
	 * @param mixed $name
	 * @param mixed $error
	 */
	public function wp_login_failed( $name = '', $error = null ): void {
		$code = is_wp_error( $error ) ? $error->get_error_code() : '';
		if ( ! is_string( $name ) || ! in_array( $code, array( 'invalid_username', 'invalid_email', 'incorrect_password' ), true ) ) {
			return;
		}
		$user = get_user_by( 'login', $name );
		$user = $user ? $user : get_user_by( 'email', $name );
		$id   = $user ? (int) $user->ID : 0;
		if ( ! $id || 'incorrect_password' === $code && ! isset( $this->results[ $id ] ) ) {
			$this->record( $id, $name, 'refused' );
		}
	}

	/** @param mixed $value Passed on: it is a filter. */
	public function start_lookup( $value = null ) {
		$this->in_lookup = true;
		return $value;
	}

	/**
	 * CoCart cleans each name that it reads (sanitize_user), or checks whether it is an e-mail address (is_email). The name is
	 * reported at once as unknown: CoCart 4.2 ends with a fatal error for a name that it does not find, and an answer that
	 * distinguishes unknown names from known ones must not reach the client.
	 */
	public function name_read( $value = null ) {
		if ( $this->in_lookup && ! $this->name_pending && ! $this->results && '' !== attempted_name() ) {
			$this->name_pending = true;
			$this->report();
		}
		return $value;
	}

	/**
	 * Records an unknown name: CoCart has read a name and a password and found no user. It fires no hook of WordPress for that.
	 *
	 * @param mixed $value
	 */
	public function end_lookup( $value = null ) {
		$this->in_lookup = false;
		if ( $this->name_pending && $this->has_user( $value ) ) {
			$this->name_pending = false;
			$this->report();
		} elseif ( $this->name_pending ) {
			$this->record( 0, '', 'refused' );
		}
		return $value;
	}

	/** @param mixed $value Of determine_current_user: a user id; of rest_authentication_errors: an error, or not. */
	private function has_user( $value ): bool {
		return is_numeric( $value ) ? (int) $value > 0 : isset( $GLOBALS['current_user'] ) && get_current_user_id() > 0;
	}

	/**
	 * Reads the answer of a CoCart route: whether a second factor is required, or wrong. Where another plugin checks passwords
	 * without wp_check_password(), the answer is the only evidence.
	 *
	 * @param object|false $user The user who is logged in, or was until a logout.
	 */
	public function read_answer( int $status, string $code, $user ): void {
		$name = $this->results ? '' : attempted_name();
		if ( '' !== $name && $user && has_name( $user, $name ) ) {
			$this->record( (int) $user->ID, '', 'accepted' );
		} elseif ( '' !== $name && ! $user && 'cocart_authentication_error' === $code && in_array( $status, array( 401, 403 ), true ) ) {
			$this->record( 0, '', 'refused' );
		} elseif ( '' !== $name && ! $user && second_factor( $code ) ) {
			$this->record( 0, '', 'accepted' );
		}
		if ( second_factor( $code ) ) {
			$this->replace_accepted( second_factor( $code ) );
		}
	}

	private function replace_accepted( string $result ): void {
		foreach ( $this->results as $id => $results ) {
			$this->results[ $id ] = array_map( fn( $was ) => 'accepted' === $was ? $result : $was, $results );
		}
		$this->report();
	}

	/** Records a result. CoCart checks a wrong password twice: the same password of the same user counts once. */
	private function record( int $id, string $password, string $result ): void {
		$digest          = $this->digest( $password );
		$this->name_pending = false;
		if ( 'accepted' !== ( $this->results[ $id ][ $digest ] ?? '' ) ) {
			$this->results[ $id ][ $digest ] = $result;
			$this->report();
		}
	}

	private function digest( string $password ): string {
		return hash_hmac( 'sha256', $password, $this->key );
	}

	private function count_refused(): int {
		return array_sum( array_map( fn( $row ) => 'refused' === $row['result'] ? $row['n'] : 0, $this->rows() ) );
	}

	/** @return array[] One row for each user and result. */
	private function rows(): array {
		$rows = $this->name_pending ? array( array( 'sub' => '0', 'result' => 'refused', 'n' => 1 ) ) : array();
		foreach ( $this->results as $id => $results ) {
			foreach ( array_count_values( $results ) as $result => $n ) {
				$rows[] = array( 'sub' => (string) $id, 'result' => $result, 'n' => $n );
			}
		}
		return $rows;
	}

	/**
	 * Sends the report. Older gateways read only "sub" and "result": the last wrong check, else the last check, else "0" and
	 * "accepted".
	 */
	private function report(): void {
		$rows  = $this->rows();
		$wrong = array_filter( $rows, fn( $row ) => 'refused' === $row['result'] );
		$all   = array_merge( array( array( 'sub' => '0', 'result' => 'accepted' ) ), $rows, $wrong );
		$last  = end( $all );
		if ( headers_sent() && $rows ) {
			$this->too_late();
			return;
		}
		$rows && keep_out_of_caches();
		send_header( 'X-CoCart-Gateway-Attempt: ' . $this->asserted->reply( 'attempt', array( 'sub' => $last['sub'], 'result' => $last['result'], 'checks' => $rows ) ) );
	}

	/** Ends an answer that has already begun: it cannot carry the report, and must not reveal whether the password was right. */
	private function too_late(): void {
		log_line( 'cocart-gateway: a password was checked after the answer had begun, and cannot be counted' );
		if ( $this->always ) {
			exit;
		}
	}
}

/** Returns the result that the code of CoCart's answer means for a second factor; '' if it is about something else. */
function second_factor( string $code ): string {
	if ( preg_match( '/^cocart_2fa_invalid(_code)?$/', $code ) ) {
		return 'code_refused';
	}
	return 0 === strpos( $code, 'cocart_2fa_' ) ? 'challenge' : '';
}

/** Returns the name that came with a password, from the places and in the order of CoCart; '' if absent. */
function attempted_name(): string {
	$basic = (string) base64_decode( (string) preg_replace( '/^\s*basic\s+/i', '', authorization() ) );
	if ( is_basic( authorization() ) && false !== strpos( $basic, ':' ) ) {
		list( $name, $password ) = explode( ':', $basic, 2 );
		return '' === $password ? '' : $name;
	}
	$php = array( 'username' => $_SERVER['PHP_AUTH_USER'] ?? null, 'password' => $_SERVER['PHP_AUTH_PW'] ?? null );
	foreach ( array( array_map( __NAMESPACE__ . '\unslash', $php ), array_map( __NAMESPACE__ . '\unslash', $_REQUEST ), json_credentials() ) as $source ) {
		if ( ! empty( $source['username'] ) && ! empty( $source['password'] ) ) {
			return is_string( $source['username'] ) ? $source['username'] : '';
		}
	}
	return '';
}

/** Returns the fields of a JSON body, which CoCart reads since 4.7 if the Content-Type contains application/json anywhere. */
function json_credentials(): array {
	$old  = '' !== cocart_version() && version_compare( cocart_version(), '4.7', '<' );
	$type = (string) ( $_SERVER['CONTENT_TYPE'] ?? '' );
	if ( $old || 'POST' !== ( $_SERVER['REQUEST_METHOD'] ?? '' ) || false === stripos( $type, 'application/json' ) ) {
		return array();
	}
	$sent = json_decode( (string) file_get_contents( 'php://input' ), true );
	return is_array( $sent ) ? $sent : array();
}

/** Removes the slashes that WordPress adds to parameters of the request. */
function unslash( $value ) {
	return is_string( $value ) ? stripslashes( $value ) : $value;
}

/** Reports whether this is the user's login name, e-mail address or phone number. */
function has_name( object $user, string $name ): bool {
	$names = array( $user->user_login, $user->user_email, (string) get_user_meta( $user->ID, 'billing_phone', true ) );
	return in_array( strtolower( trim( $name ) ), array_map( 'strtolower', array_filter( $names, 'strlen' ) ), true );
}

// --- Cart keys -----------------------------------------------------------------------------------------------------

/**
 * Removes cart keys that are a customer's number. CoCart's session handler reads $_REQUEST and two headers, and before 4.9.5
 * gives the cart of any customer to a client that sends the number. A body that PHP reads and the gateway does not would
 * otherwise bypass the gateway's own check. One's own number is removed, too: CoCart's SDKs send it when they move a guest's
 * cart, a customer's own cart needs no key, and CoCart refuses it (cocart_already_authenticating_user).
 */
final class Cart_Keys {

	/** Where CoCart looks (class-cocart-session-handler.php, get_requested_cart()), in the versions since 3.0. */
	const HEADERS = array( 'HTTP_CART_KEY', 'HTTP_COCART_API_CART_KEY', 'HTTP_X_COCART_API_CART_KEY' );

	/** @var int[] Other customers whose numbers were taken away. */
	private $customers = array();

	/** Runs after WordPress has identified the user and before a cart is loaded. */
	public function remove_customers(): void {
		foreach ( array( '_REQUEST', '_GET', '_POST' ) as $source ) {
			foreach ( array_keys( $GLOBALS[ $source ] ) as $name ) {
				$ours = 'cart_key' === strtolower( str_replace( '-', '_', (string) $name ) );
				if ( $ours && $this->is_customers( $GLOBALS[ $source ][ $name ] ) ) {
					unset( $GLOBALS[ $source ][ $name ] );
				}
			}
		}
		foreach ( self::HEADERS as $name ) {
			if ( isset( $_SERVER[ $name ] ) && $this->is_customers( $_SERVER[ $name ] ) ) {
				unset( $_SERVER[ $name ] );
			}
		}
	}

	/** Reports whether a removed cart key belonged to another customer than this user. */
	public function belong_to_other( int $user_id ): bool {
		return (bool) array_diff( $this->customers, array( $user_id ) );
	}

	/** @param mixed $value */
	private function is_customers( $value ): bool {
		$customer = $this->customer( $value );
		if ( $customer && get_current_user_id() !== $customer ) {
			$this->customers[] = $customer;
		}
		return $customer > 0;
	}

	/**
	 * The customer whose number this is; 0 if it is a guest's key. CoCart cleans keys with sanitize_key(), which takes "4."
	 * for "4"; other versions trim only. A number that no user has, such as a time, is a key that an app chose.
	 *
	 * @param mixed $value
	 */
	private function customer( $value ): int {
		$text = is_scalar( $value ) ? stripslashes( (string) $value ) : '';
		foreach ( array( preg_replace( '/[^a-z0-9_-]/', '', strtolower( $text ) ), sanitize_text_field( $text ) ) as $key ) {
			if ( preg_match( '/^\d{1,18}$/D', $key ) && (int) $key > 0 && get_userdata( (int) $key ) ) {
				return (int) $key;
			}
		}
		return 0;
	}
}

// --- Cart tokens of the Store API -----------------------------------------------------------------------------------

/**
 * Removes the Cart-Token of a customer from a customer's request to WooCommerce's Store API. For such a token WooCommerce opens
 * the cart of the user in the token, in its own table (Automattic\WooCommerce\StoreApi\SessionHandler): beside CoCart, which
 * keeps carts in another table, a customer would have two carts, and a customer with another one's token would have that cart.
 * The user of the assertion has a cart without a token. The token of that user counts in place of the nonce, as it does without
 * the gateway. A guest's token names the cart of a guest, and stays.
 */
final class Cart_Tokens {

	/** @var int The asserted customer. */
	private $customer;

	/** @var string[] Removed tokens of the asserted customer. */
	private $own = array();

	public function __construct( int $customer ) {
		$this->customer = $customer;
	}

	/** Before WooCommerce chooses a session handler, which it does at init or later. */
	public function register_hooks(): void {
		if ( $this->is_removed( $_SERVER['HTTP_CART_TOKEN'] ?? null ) ) {
			unset( $_SERVER['HTTP_CART_TOKEN'] );
		}
		add_filter( 'rest_request_before_callbacks', array( $this, 'before_callbacks' ), 0, 3 );
		add_filter( 'woocommerce_store_api_disable_nonce_check', array( $this, 'replace_nonce' ) );
	}

	/**
	 * The requests in a batch have headers of their own, which WooCommerce before 11 reads. To rest_pre_dispatch WordPress hands
	 * copies of them.
	 *
	 * @param mixed $response
	 * @param mixed $handler
	 * @param mixed $request
	 */
	public function before_callbacks( $response = null, $handler = null, $request = null ) {
		if ( $request instanceof \WP_REST_Request && $this->is_removed( $request->get_header( 'Cart-Token' ) ) ) {
			$request->remove_header( 'Cart-Token' );
		}
		return $response;
	}

	/**
	 * The nonce protects a login cookie from other sites' pages (CSRF). A bearer needs no such protection, and the cookie of a
	 * browser app has that of the gateway.
	 *
	 * @param mixed $disabled
	 */
	public function replace_nonce( $disabled = false ) {
		return $disabled || (bool) array_filter( $this->own, array( $this, 'is_valid' ) );
	}

	/** @param mixed $token */
	private function is_removed( $token ): bool {
		$claims = is_string( $token ) ? json_decode( (string) base64_decode( strtr( explode( '.', $token )[1] ?? '', '-_', '+/' ) ), true ) : null;
		$user   = is_array( $claims ) && is_scalar( $claims['user_id'] ?? null ) ? (string) $claims['user_id'] : '';
		if ( (string) $this->customer === $user ) {
			$this->own[] = $token;
		}
		return 1 === preg_match( '/^\d{1,18}$/D', $user ); // A guest's id has a prefix or is an MD5 sum.
	}

	/** As WooCommerce judges it. Before 10.0 it has no function for that, and the nonce is required. */
	private function is_valid( string $token ): bool {
		$class = '\Automattic\WooCommerce\StoreApi\Utilities\CartTokenUtils';
		return is_callable( array( $class, 'validate_cart_token' ) ) && true === $class::validate_cart_token( $token );
	}
}

// --- Cookies of carts -----------------------------------------------------------------------------------------------

/** Reports whether WooCommerce, or CoCart before 4.2, keeps in a cookie of this name whose cart a browser has. */
function is_cart_cookie( string $name ): bool {
	return 1 === preg_match( '/^wp_(woocommerce|cocart)_session_/', $name );
}

/**
 * Keeps the cookies of carts out of a customer's request. Such a cookie belongs to a guest, or to the pages of the shop, where this
 * customer is not logged in. The cart of a guest's cookie is written over the customer's (WooCommerce's
 * WC_Session_Handler::migrate_guest_session_to_user_session, CoCart_Session_Handler::init_session_cookie before CoCart 4.2). The
 * cookie of an answer would name the customer: WooCommerce deletes that customer's cart at the next page that the browser opens
 * without a login (destroy_session), and CoCart before 4.2 opens it on pages and in the Store API to each request with the cookie,
 * also when the session of the token has ended. A logged-in user has a cart without a cookie.
 */
final class Cart_Cookies {

	/** @var string[] The names that the cookies have in this shop, once they are known. */
	private $used = array();

	/** Before WooCommerce chooses a session handler. */
	public function register_hooks(): void {
		foreach ( array_keys( $_COOKIE ) as $name ) {
			if ( is_cart_cookie( (string) $name ) ) {
				unset( $_COOKIE[ $name ] );
			}
		}
		add_filter( 'woocommerce_cookie', array( $this, 'session_cookie' ), PHP_INT_MAX );
		add_filter( 'cocart_cookie', array( $this, 'session_cookie' ), PHP_INT_MAX );
		add_filter( 'woocommerce_set_cookie_enabled', array( $this, 'may_set' ), PHP_INT_MAX, 2 ); // Since WooCommerce 6.3; CoCart 4.2 needs 7.0.
		add_filter( 'cocart_cookie_supported', '__return_false', PHP_INT_MAX );
	}

	/**
	 * Code of the shop may have renamed the cookie, as CoCart itself does on Pantheon.
	 *
	 * @param mixed $name
	 * @return mixed
	 */
	public function session_cookie( $name = '' ) {
		if ( is_string( $name ) ) {
			unset( $_COOKIE[ $name ] );
			$this->used[] = $name;
		}
		return $name;
	}

	/**
	 * The cookies woocommerce_items_in_cart and woocommerce_cart_hash describe the cart of the pages, too.
	 *
	 * @param mixed $enabled
	 * @param mixed $name
	 * @return mixed
	 */
	public function may_set( $enabled = true, $name = '' ) {
		$name = is_string( $name ) ? $name : '';
		$cart = is_cart_cookie( $name ) || in_array( $name, array_merge( $this->used, array( 'woocommerce_items_in_cart', 'woocommerce_cart_hash' ) ), true );
		return $cart ? false : $enabled;
	}
}

/**
 * Keeps WordPress's login cookie out of the answer to a customer who sets the own password by token. wp_update_user() sends it, since
 * to WordPress this browser is logged in. The app would be logged in to the pages of the shop for two days, past the end of its
 * session; staff would be in wp-admin, where no link leads them; and another user of the browser would be logged out of the pages.
 */
final class Password_Cookies {

	/** @var int The asserted user. */
	private $user;

	/** @var bool Whether wp_update_user() stored another password, and sends the cookies next. */
	private $stored = false;

	public function __construct( int $user ) {
		$this->user = $user;
	}

	public function register_hooks(): void {
		add_action( 'profile_update', array( $this, 'note_stored' ), PHP_INT_MIN, 2 );
		add_filter( 'send_auth_cookies', array( $this, 'may_send' ), PHP_INT_MAX );
		add_action( 'wp_update_user', array( $this, 'note_sent' ), PHP_INT_MIN ); // Since WordPress 6.3.
	}

	/**
	 * @param mixed $user_id
	 * @param mixed $before
	 */
	public function note_stored( $user_id = 0, $before = null ): void {
		$user = user_id_in( $user_id ) === $this->user ? get_userdata( $this->user ) : false;
		$this->stored = $user && is_object( $before ) && ( $before->user_pass ?? '' ) !== $user->user_pass;
	}

	public function note_sent(): void {
		$this->stored = false;
	}

	/**
	 * @param mixed $send
	 * @return mixed
	 */
	public function may_send( $send = true ) {
		return $this->stored ? false : $send;
	}
}

/**
 * Keeps the cart of a customer's apps where a browser has its cookie without its login: WooCommerce would delete that cart
 * (WC_Session_Handler::init_session_cookie, destroy_session). The login of a link ends with the browser, with the logout of an app in
 * it, or after two days; the cookie lasts for a week. At a login WooCommerce restores the cart that its pages saved, but neither a link
 * nor CoCart saves one there. The browser is a new guest's, and the cookie counts again once that customer logs in.
 *
 * @param mixed $name
 * @return mixed
 */
function keep_cart_of_customer( $name = '' ) {
	$value = is_string( $name ) ? $_COOKIE[ $name ] ?? '' : '';
	if ( ! is_string( $value ) || ! did_action( 'init' ) || 1 !== preg_match( '/^([1-9][0-9]{0,18})\|/', $value, $found ) ) {
		return $name; // Before init it is not yet decided who is logged in.
	}
	if ( get_current_user_id() !== (int) $found[1] ) {
		unset( $_COOKIE[ $name ] );
	}
	return $name;
}

// --- Answers -------------------------------------------------------------------------------------------------------

/** Writes to PHP's log. Some hosts disable error_log(), and then a call is a fatal error. */
function log_line( string $line ): void {
	if ( function_exists( 'error_log' ) ) {
		error_log( $line );
	}
}

/** Sends a header unless the body has begun: PHP would print a warning into the page. */
function send_header( string $line, bool $replace = true ): void {
	if ( ! headers_sent() ) {
		header( $line, $replace );
	}
}

/** Keeps the answer out of page caches in PHP and of LiteSpeed's, which stores REST answers as well. */
function keep_out_of_caches(): void {
	if ( ! defined( 'DONOTCACHEPAGE' ) ) {
		define( 'DONOTCACHEPAGE', true );
	}
	fire_action( 'litespeed_control_set_nocache', 'cocart-gateway' );
}

/** Fires an action. An exception of a callback is logged and does not fail the request. */
function fire_action( string $hook, ...$arguments ): void {
	try {
		do_action( $hook, ...$arguments );
	} catch ( \Throwable $thrown ) {
		log_line( "cocart-gateway: a callback of $hook threw " . describe_throwable( $thrown ) );
	}
}

/**
 * Applies a filter of true or false. Other values are ignored: a callback that forgets to return changes nothing.
 *
 * @return bool|null Null when a callback threw.
 */
function ask_filter( string $hook, bool $answer, ...$arguments ) {
	try {
		$given = apply_filters( $hook, $answer, ...$arguments );
	} catch ( \Throwable $thrown ) {
		log_line( "cocart-gateway: a callback of $hook threw " . describe_throwable( $thrown ) );
		return null;
	}
	return is_bool( $given ) ? $given : $answer;
}

/** Describes an exception without its message, which may contain secrets. */
function describe_throwable( \Throwable $thrown ): string {
	return get_class( $thrown ) . ' in ' . $thrown->getFile() . ' line ' . $thrown->getLine();
}

/** Ends the request with an error. It resets the current user, so that code at shutdown does not act as that user. */
function refuse( int $status, string $code, string $message, string $reason ): void {
	if ( '' !== $reason ) {
		log_line( "cocart-gateway: $code: $reason" );
	}
	if ( function_exists( 'wp_set_current_user' ) ) {
		wp_set_current_user( 0 );
	}
	keep_out_of_caches();
	if ( ! headers_sent() ) {
		http_response_code( $status );
		header_remove( 'Set-Cookie' );
		header( 'Content-Type: application/json; charset=UTF-8' );
		header( 'Cache-Control: no-store' );
	}
	echo json_encode( array( 'code' => $code, 'message' => $message, 'data' => array( 'status' => $status ) ) );
	exit;
}

/** Ends the request with a 503. A client repeats it, and keeps its tokens. */
function refuse_for_now( int $user_id ): void {
	send_header( 'Retry-After: 5' );
	refuse( 503, 'cocart_gateway_database_unavailable', 'The shop cannot answer at the moment. Please try again shortly.', "the database did not answer what it has of user $user_id" );
}

function refuse_assertion( string $reason ): void {
	refuse( 403, 'cocart_gateway_bad_assertion', 'This request could not be verified.', $reason );
}

// --- What WordPress really dispatches --------------------------------------------------------------------------------

/** Observes which route WordPress dispatches, whatever the URL looked like. */
abstract class Dispatch_Watcher {

	/** @var bool Whether the REST server's next dispatch is the client's own request. */
	private $serving = false;

	/** Refuses the request unless it may use this route; '' is a page. */
	abstract protected function check_route( string $route ): void;

	/** @param string[] $routes Of the requests in a batch; '' is one that cannot be read. */
	abstract protected function check_batch( array $routes ): void;

	/** Notes the client's own request once its routes are checked. */
	protected function note_dispatched( \WP_REST_Request $request ): void {
	}

	/** Refuses the request for its user, who is known only after all filters have run. */
	protected function check_visitor(): void {
	}

	protected function register_hooks(): void {
		add_action( 'parse_request', array( $this, 'parse_request' ), 0 );
		add_filter( 'rest_authentication_errors', array( $this, 'serving' ), PHP_INT_MAX );
		add_filter( 'rest_pre_dispatch', array( $this, 'rest_pre_dispatch' ), 0, 3 );
	}

	/** @param object $wp The WP instance. */
	public function parse_request( $wp = null ): void {
		if ( ! is_object( $wp ) || ! is_array( $wp->query_vars ?? null ) ) {
			return; // Another plugin fired the action.
		}
		$route = $wp->query_vars['rest_route'] ?? '';
		$this->check_route( is_string( $route ) ? $route : '' );
	}

	/**
	 * WordPress runs this filter only for a request from outside. Internal requests (rest_do_request) are not checked.
	 *
	 * @param mixed $result
	 */
	public function serving( $result = null ) {
		$this->serving = ! is_wp_error( $result ) && defined( 'REST_REQUEST' ) && \REST_REQUEST;
		return $result;
	}

	/**
	 * Checks the route again: plugins can bring a request to the REST server without parse_request, and the routes of a batch
	 * are known only here.
	 *
	 * @param mixed            $result
	 * @param object           $server
	 * @param \WP_REST_Request $request
	 */
	public function rest_pre_dispatch( $result = null, $server = null, $request = null ) {
		if ( $this->serving && $request instanceof \WP_REST_Request ) {
			$this->serving = false;
			$this->check_visitor();
			$this->check_route( $request->get_route() );
			$this->check_batch( holds_batch( $request->get_route() ) ? batched( $request ) : array() );
			$this->note_dispatched( $request );
		}
		return $result;
	}
}

// --- Requests with an assertion ------------------------------------------------------------------------------------

/** Enforces the assertion of a request: its user and its route. */
final class Request_Guard extends Dispatch_Watcher {

	/** @var Assertion */
	private $asserted;

	/** @var string Its kind; customer also for a session that goes back. */
	private $kind;

	/** @var int The site of a network that the request is for. */
	private $blog;

	/** @var int|false|null The customer once resolve_customer; null before. */
	private $customer = null;

	/** @var string The customer's fingerprint when the request began. */
	private $initial_fingerprint = '';

	/** @var Session_Grants */
	private $grants;

	/** @var bool Whether the user is being looked up, which may ask who the user is. */
	private $resolving = false;

	/** @var mixed The customer whose session CoCart 5 is asked to load; null if none. */
	private $named_customer = null;

	/** @var int The user whom wp_authenticate() accepted. */
	private $authenticated = 0;

	/** @var int The user who logged out in this request. */
	private $logged_out_user = 0;

	/** @var Password_Checks */
	private $checks;

	/** @var Cart_Keys */
	private $cart_keys;

	/** @var Session_End_Announcements */
	private $announcements;

	/** @var bool Whether other plugins know who the customer is. */
	private $customer_announced = false;

	public function __construct( Assertion $asserted ) {
		$this->asserted      = $asserted;
		$this->kind          = 'hand_back' === $asserted->kind ? 'customer' : $asserted->kind;
		$this->blog          = get_current_blog_id();
		$this->checks        = new Password_Checks( $asserted, $this->is( 'login', 'credentials' ) );
		$this->cart_keys     = new Cart_Keys();
		$this->announcements = new Session_End_Announcements( $asserted, $this->blog );
		$this->grants        = new Session_Grants( $asserted, $this->blog );
	}

	/** Runs when the file is included: before any plugin, any hook, and the first question who this is. */
	public function register(): void {
		set_client( $this->asserted );
		send_header( 'X-CoCart-Gateway-Plugin: ' . VERSION );
		if ( ! $this->is( 'site' ) && ! is_front_controller() ) {
			refuse_assertion( 'it is for a CoCart route, but this is another script' );
		}
		if ( $this->is( 'customer', 'credentials', 'login', 'refresh' ) ) {
			keep_out_of_caches();
		}
		$this->remove_foreign_credentials();
		$this->checks->register_hooks();
		$this->register_request_hooks();
		if ( 'hand_back' === $this->asserted->kind ) {
			Plugin_Hand_Back::prepare(); // After register_request_hooks(): its filters run last.
		}
		$this->announcements->register_hooks();
		$this->grants->register_hooks();
		if ( '' !== $this->asserted->protect ) {
			( new Cart_Tokens( $this->asserted->user ) )->register_hooks();
		}
		if ( $this->is( 'customer' ) ) {
			( new Cart_Cookies() )->register_hooks();
			( new Password_Cookies( $this->asserted->user ) )->register_hooks();
			// CoCart's logout calls wp_logout(); of the sessions of a token only its own ends, and the gateway sees to that.
			remove_action( 'wp_logout', __NAMESPACE__ . '\on_logout' );
		}
		if ( $this->is( 'customer', 'guest', 'refresh' ) ) {
			$this->identify_user();
		}
	}

	private function is( string ...$kinds ): bool {
		return in_array( $this->kind, $kinds, true );
	}

	/** Removes credentials by which another plugin would log in a user. */
	private function remove_foreign_credentials(): void {
		if ( $this->is( 'site' ) ) {
			return;
		}
		$this->named_customer = $_SERVER['HTTP_COCART_API_CUSTOMER'] ?? null;
		unset( $_SERVER['HTTP_COCART_API_CUSTOMER'] );
		if ( $this->takes_cookies() ) {
			return;
		}
		remove_login_cookies();
		if ( $this->is( 'credentials' ) ) {
			return;
		}
		if ( ! $this->is( 'login' ) || ! is_basic( authorization() ) ) {
			remove_authorization();
		}
		if ( $this->is( 'guest', 'refresh' ) ) {
			remove_request_credentials();
			add_action( 'sanitize_comment_cookies', __NAMESPACE__ . '\remove_request_credentials', 0 ); // After wp_magic_quotes() built $_REQUEST anew.
		}
		// A read-only key of WooCommerce is no password, and must not buy a token at the login.
		add_filter( 'woocommerce_rest_is_request_to_rest_api', '__return_false', PHP_INT_MAX );
		// CoCart reads the header a second time from getallheaders().
		add_filter( 'cocart_auth_header', array( $this, 'cocart_auth_header' ), PHP_INT_MAX );
	}

	/**
	 * CSRF: any page can have a browser send its cookies, beside whatever parameters it likes. It cannot add X-WP-Nonce,
	 * does not know what to write into _wpnonce, and cannot pretend to be a script of the shop. A cookie of wp-admin beside
	 * an asserted customer would turn the request anonymous (rest_cookie_check_errors).
	 */
	private function takes_cookies(): bool {
		if ( ! $this->is( 'credentials' ) || $this->asserted->guests_denied ) {
			return false;
		}
		$page = requesting_page();
		return '' !== ( $_SERVER['HTTP_X_WP_NONCE'] ?? '' ) || 'own' === $page || ( 'other' !== $page && null !== rest_nonce() );
	}

	/**
	 * WordPress looks at the nonce when the cart is loaded already, and CoCart before 4.9.7, like 5.0, keeps it from looking
	 * at all (rest_cookie_check_errors). What a cookie is worth without a nonce, from a script of the shop, they decide.
	 */
	private function check_nonce(): void {
		$nonce = rest_nonce();
		if ( null !== $nonce && $this->takes_cookies() && did_action( 'auth_cookie_valid' ) && ! wp_verify_nonce( $nonce, 'wp_rest' ) ) {
			refuse( 403, 'rest_cookie_invalid_nonce', __( 'Cookie check failed', 'default' ), '' ); // As WordPress does.
		}
	}

	/** Routes without a cart ignore the key, as CoCart does; a client that logs in may still hold the number of its cart. */
	private function check_cart_keys( string $route ): void {
		$code = $this->is( 'guest' ) ? 'cocart_must_authenticate_user' : 'cocart_gateway_not_your_cart';
		if ( ! loads_no_cart( $route ) && $this->cart_keys->belong_to_other( get_current_user_id() ) ) {
			refuse( 403, $code, 'The cart key belongs to a customer. Leave it out: your own cart comes with your login.', 'PHP received the cart key of another customer' );
		}
	}

	/** Restores the named customer for users who manage the shop: CoCart 5 loads that session for any client. */
	private function name_customer(): void {
		if ( null !== $this->named_customer && $this->is( 'credentials' ) && current_user_can( 'manage_woocommerce' ) ) {
			$_SERVER['HTTP_COCART_API_CUSTOMER'] = $this->named_customer;
		}
	}

	private function register_request_hooks(): void {
		$this->register_hooks();
		if ( ! $this->is( 'site' ) ) {
			add_action( 'init', array( $this->cart_keys, 'remove_customers' ), PHP_INT_MIN );
		}
		if ( $this->asserted->guests_denied ) { // After watch(): should the error be taken away, the dispatch is still looked at.
			add_filter( 'rest_authentication_errors', array( $this, 'deny_guests' ), PHP_INT_MAX );
		}
		add_action( 'wp', array( $this, 'page' ), PHP_INT_MIN );
		add_filter( 'rest_post_dispatch', array( $this, 'rest_post_dispatch' ), PHP_INT_MAX, 3 );
		if ( $this->is( 'site' ) ) {
			// CoCart finds itself in any URL with wp-json/cocart/ in its query, and would try passwords there, uncounted.
			add_filter( 'cocart_is_rest_api_request', '__return_false', PHP_INT_MAX );
		} else {
			add_filter( 'cocart_login_secure_auth_methods', array( $this, 'cocart_login_secure_auth_methods' ), PHP_INT_MAX );
		}
		if ( $this->is( 'login' ) ) {
			add_filter( 'authenticate', array( $this, 'authenticate' ), PHP_INT_MAX );
			// Before 4.9.6 CoCart does not find itself in ?rest_route=, and would not look at the password.
			add_filter( 'cocart_is_rest_api_request', '__return_true', PHP_INT_MAX );
		}
		if ( $this->is( 'login', 'credentials' ) ) {
			add_action( 'wp_logout', array( $this, 'wp_logout' ) );
		}
	}

	/**
	 * Priority 10 exactly: a must-use plugin's hook runs after WordPress's own wp_validate_auth_cookie at 10, which would
	 * undo an earlier answer, and before CoCart's since 4.8 at 10. The last word keeps other plugins from having it.
	 */
	private function identify_user(): void {
		add_filter( 'determine_current_user', array( $this, 'user' ), 10 );
		add_filter( 'determine_current_user', array( $this, 'user' ), PHP_INT_MAX );
		add_filter( 'cocart_authenticate', array( $this, 'cocart_authenticate' ), 0, 1 );
		// 99: CoCart 3 to 4.1 load the cart at 10 and stop at an answer; rest_cookie_check_errors is at 100.
		add_filter( 'rest_authentication_errors', array( $this, 'rest_authentication_errors' ), 99 );
	}

	/**
	 * Returns the asserted customer, or false for a guest.
	 *
	 * @return int|false
	 */
	public function user() {
		if ( ! $this->is( 'customer' ) || $this->resolving || ! function_exists( 'get_userdata' ) ) {
			return false;
		}
		if ( null === $this->customer ) {
			$this->resolving  = true;
			$elsewhere      = ! $this->announcements->is_own_site() && switch_to_blog( $this->blog );
			$this->customer = $this->resolve_customer();
			$elsewhere && restore_current_blog();
			$this->resolving  = false;
		}
		return $this->customer;
	}

	/** @return int|false */
	private function resolve_customer() {
		$user                      = $this->announcements->asserted_user();
		$this->initial_fingerprint = fingerprint( $user );
		$this->grants->note_customer( $user );
		if ( '' !== $this->asserted->pat ) {
			check_plugin_login( $user, $this->asserted->pat );
		}
		return (int) $user->ID;
	}

	/** Ends the session: the client must log in again, and the gateway informs its replicas. */
	private function end_session( string $reason ): void {
		$this->announcements->refuse_session( $reason );
	}

	/**
	 * Not sooner: where a plugin asked too early who this is, CoCart looks at the password only now. An error of its own
	 * stands.
	 *
	 * @param mixed $result
	 */
	public function deny_guests( $result = null ) {
		if ( is_wp_error( $result ) || get_current_user_id() ) {
			return $result;
		}
		send_header( 'WWW-Authenticate: Bearer realm="CoCart"' );
		return new \WP_Error( 'cocart_rest_not_authorized', 'Sorry, you are not authorized.', array( 'status' => 401 ) );
	}

	/** Should another plugin have taken that error away. */
	protected function check_visitor(): void {
		if ( $this->asserted->guests_denied && ! get_current_user_id() ) {
			refuse( 401, 'cocart_rest_not_authorized', 'Sorry, you are not authorized.', '' );
		}
	}

	/** @param mixed $user_id */
	public function cocart_authenticate( $user_id = false ) {
		return $this->is( 'customer' ) ? $this->user() : $user_id;
	}

	/**
	 * The second factor is skipped for no header and no parameter.
	 *
	 * @param mixed $methods
	 */
	public function cocart_login_secure_auth_methods( $methods = array() ): array {
		return array();
	}

	/** @param mixed $header */
	public function cocart_auth_header( $header = '' ) {
		return $this->is( 'login' ) && is_string( $header ) && is_basic( $header ) ? $header : '';
	}

	/** @param mixed $result */
	public function rest_authentication_errors( $result = null ) {
		$this->enforce_user();
		if ( ! empty( $result ) ) {
			return $result;
		}
		return $this->user() ? true : $result; // Never true for a guest: it would switch off WordPress's own check.
	}

	/** Sets the asserted user: another plugin may have set another one, or WordPress may not have looked it up yet. */
	private function enforce_user(): void {
		if ( $this->is( 'customer', 'guest', 'refresh' ) && get_current_user_id() !== (int) $this->user() ) {
			wp_set_current_user( (int) $this->user() );
		}
	}

	/** WordPress gets here with pages only: a REST request ended in parse_request, or a plugin kept it from running. */
	public function page(): void {
		$this->check_route( '' );
	}

	protected function check_route( string $route ): void {
		if ( $this->is( 'site' ) ) {
			if ( is_cocart( $route ) ) {
				refuse_assertion( 'WordPress dispatches a CoCart route for what the gateway took for another page; if its path has a prefix such as /en, add that to site.paths of the gateway' );
			}
			return;
		}
		if ( '' !== $this->asserted->protect ) {
			if ( ! is_covered( $this->asserted->protect, $route ) ) {
				refuse_assertion( 'WordPress dispatches something else than the entry of site.protect that the gateway names' );
			}
		} elseif ( ! is_cocart( $route ) && ! is_batch( $route ) ) {
			refuse_assertion( 'WordPress dispatches something else for what the gateway took for a CoCart route' );
		}
		if ( $this->is( 'login' ) && ( ! is_login( $route ) || 'POST' !== method() ) ) {
			refuse_assertion( 'WordPress dispatches something else for what the gateway took for a login' );
		}
		if ( 'hand_back' === $this->asserted->kind ) {
			Plugin_Hand_Back::check_route( $route );
		}
		if ( $this->is( 'refresh' ) && ( ! is_refresh( $route ) || 'POST' !== method() ) ) {
			refuse_assertion( 'WordPress dispatches something else for what the gateway took for a refresh' );
		}
		$this->check_nonce();
		$this->enforce_user();
		$this->check_cart_keys( $route );
		$this->name_customer();
		if ( ! $this->is( 'guest' ) || ! is_products( $route ) ) {
			keep_out_of_caches();
		}
		if ( $this->is( 'customer', 'credentials' ) ) {
			$this->announce_customer( $route, get_userdata( get_current_user_id() ) );
		}
	}

	/**
	 * Once per request, when every plugin is loaded and WordPress knows the route and the user.
	 *
	 * @param \WP_User|false $user
	 */
	private function announce_customer( string $route, $user ): void {
		if ( $this->customer_announced || ! $user ) {
			return;
		}
		$this->customer_announced = true;
		$context        = array( 'kind' => $this->asserted->kind, 'route' => $route, 'ip' => $this->asserted->ip );
		$allowed        = ask_filter( 'cocart_gateway_allow_customer', true, $user, $context );
		if ( null === $allowed ) {
			refuse( 500, 'cocart_gateway_error', 'Something went wrong.', 'cocart_gateway_allow_customer gave no answer' );
		}
		if ( ! $allowed ) {
			$this->refuse_customer( (int) $user->ID );
		}
		fire_action( 'cocart_gateway_customer_authenticated', $user, $context );
	}

	private function refuse_customer( int $user_id ): void {
		if ( $this->is( 'customer' ) ) {
			$this->end_session( 'refused' );
		}
		refuse( 403, 'cocart_gateway_not_allowed', 'This account cannot be used here.', "cocart_gateway_allow_customer refused user $user_id" );
	}

	protected function note_dispatched( \WP_REST_Request $request ): void {
		$this->grants->note_dispatched( $request );
	}

	protected function check_batch( array $routes ): void {
		foreach ( $routes as $route ) {
			if ( $this->is( 'site' ) && is_cocart( $route ) ) {
				refuse_assertion( 'the batch of a request that is not for CoCart contains a CoCart route' );
			}
			if ( '' !== $this->asserted->protect ) {
				if ( ! is_covered( $this->asserted->protect, $route ) ) {
					refuse_assertion( 'the batch contains a route that the entry of site.protect does not cover' );
				}
				continue;
			}
			if ( $this->is( 'customer', 'guest' ) && ( ! is_cocart( $route ) || is_batch( $route ) || opens_session( $route ) ) ) {
				refuse_assertion( 'the batch contains a route for which an asserted identity is not valid' );
			}
		}
	}

	/**
	 * Sent with header(), not in the response object: ?_envelope would copy its headers into the body.
	 *
	 * @param \WP_HTTP_Response $response
	 * @param object            $server
	 * @param \WP_REST_Request  $request
	 */
	public function rest_post_dispatch( $response = null, $server = null, $request = null ) {
		$this->announcements->announce_changes();
		$this->grants->finish();
		if ( ! $response instanceof \WP_HTTP_Response || ! $request instanceof \WP_REST_Request ) {
			return $response;
		}
		if ( $this->is( 'login', 'credentials' ) ) {
			$this->report_attempt( $response );
		}
		if ( $this->is( 'login' ) && is_login( $request->get_route() ) && 200 === $response->get_status() ) {
			$this->sign_login_answer( $response->get_data(), $request );
		}
		if ( $this->is( 'refresh' ) && is_refresh( $request->get_route() ) && 200 === $response->get_status() ) {
			$this->sign_login( user_of_plugin_refresh( $response->get_data() ), $request );
		}
		if ( $this->is( 'customer' ) && $this->customer ) {
			$this->announcements->is_own_site() && $this->announcements->announce_if_changed( $this->customer, $this->initial_fingerprint );
			if ( '' !== $this->asserted->pat && is_login( $request->get_route() ) && 200 === $response->get_status() ) {
				$this->sign_login_answer( $response->get_data(), $request );
			}
		}
		return $response;
	}

	/**
	 * What the answer says of the password in this request.
	 *
	 * @param \WP_HTTP_Response $response
	 */
	private function report_attempt( $response ): void {
		$data = $response->get_data();
		$code = is_array( $data ) && is_string( $data['code'] ?? null ) ? $data['code'] : '';
		$this->checks->read_answer( (int) $response->get_status(), $code, get_userdata( get_current_user_id() ? get_current_user_id() : $this->logged_out_user ) );
	}

	/** @param mixed $user_id */
	public function wp_logout( $user_id = 0 ): void {
		$this->logged_out_user = user_id_in( $user_id );
	}

	/** @param mixed $user */
	public function authenticate( $user ) {
		$this->authenticated = $user instanceof \WP_User ? (int) $user->ID : 0;
		return $user;
	}

	/** Whether the password logged this user in, and not some plugin that answers for every visitor. */
	private function logged_in_by_password( object $user ): bool {
		return '' !== attempted_name() && ( $this->checks->accepted( (int) $user->ID ) || (int) $user->ID === $this->authenticated );
	}

	/** Signs which user CoCart has just logged in. Without this header the gateway issues no tokens. */
	private function sign_login_answer( $data, \WP_REST_Request $request ): void {
		$user  = get_userdata( get_current_user_id() );
		$named = is_array( $data ) && isset( $data['user_id'] ) ? (string) $data['user_id'] : null;
		$other = $user && ( null !== $named && (string) $user->ID !== $named || $this->is( 'customer' ) && (int) $user->ID !== $this->customer );
		$user  = $other ? false : $user;
		if ( $user && $this->is( 'login' ) && ! $this->logged_in_by_password( $user ) ) {
			log_line( 'cocart-gateway: a login was answered for a user who was not logged in by the password' );
			return;
		}
		$this->sign_login( $user, $request );
	}

	/** @param object|false $user */
	private function sign_login( $user, \WP_REST_Request $request ): void {
		$id   = $user ? (int) $user->ID : 0;
		$user = $user ? known_user( $id ) : false;
		if ( null === $user ) {
			refuse_for_now( $id );
		}
		if ( ! $user || is_excluded( $user ) ) {
			log_line( 'cocart-gateway: a login was answered, but not for a user of this site' );
			return;
		}
		$this->announce_customer( $request->get_route(), $user );
		$claims = array(
			'sub'    => (string) $user->ID,
			'login'  => (string) $user->user_login,
			'fp'     => fingerprint( $user ),
			'claims' => token_claims( $user, $request ),
		);
		send_header( 'X-CoCart-Gateway-Login: ' . $this->asserted->reply( 'login', $claims ) );
	}
}

/** Returns the claims that the shop adds to the access tokens of a session that begins. */
function token_claims( object $user, \WP_REST_Request $request ): object {
	try {
		$claims = apply_filters( 'cocart_gateway_token_claims', array(), $user, $request );
		$usable = is_array( $claims ) && strlen( (string) json_encode( $claims ) ) <= 1024 && JSON_ERROR_NONE === json_last_error();
	} catch ( \Throwable $thrown ) {
		log_line( 'cocart-gateway: a callback of cocart_gateway_token_claims threw ' . describe_throwable( $thrown ) . '; its claims are left out' );
		return new \stdClass();
	}
	if ( ! $usable ) {
		log_line( 'cocart-gateway: cocart_gateway_token_claims gave no array of at most 1024 bytes of JSON; its claims are left out' );
		return new \stdClass();
	}
	return (object) without_reserved( $claims );
}

/** The gateway leaves out what would pass for its own in data.user; here the developer of the callback hears of it. */
function without_reserved( array $claims ): array {
	$own = array_filter( array_keys( $claims ), fn( $name ) => in_array( strtolower( (string) $name ), array( 'id', 'username', 'ip', 'device', 'pat' ), true ) );
	if ( $own ) {
		log_line( 'cocart-gateway: cocart_gateway_token_claims gave ' . implode( ', ', $own ) . ', which the gateway answers for; left out' );
	}
	return array_diff_key( $claims, array_flip( $own ) );
}

// --- Sessions that begin, or go on, with the answer ------------------------------------------------------------------

/**
 * Begins a session at the gateway for a customer whom the calling code has identified: by an ID token, a mailed code, a
 * registration. The gateway adds jwt_token and jwt_refresh to extras of the answer, which must be a JSON object with a
 * status of 2xx. Call it in the callback of a REST route.
 *
 * @param int|\WP_User $user
 * @return true|\WP_Error An error says why no session begins; the route should return it.
 */
function begin_session( $user ) {
	return Session_Grants::$current ? Session_Grants::$current->begin( $user, origin() ) : no_session( 'the request did not come through cocart-gateway' );
}

/** @return \WP_Error */
function no_session( string $reason, string $code = 'cocart_gateway_no_session', int $status = 500 ) {
	log_line( "cocart-gateway: no session begins: $reason" );
	return new \WP_Error( $code, "No session begins: $reason.", array( 'status' => $status ) );
}

/** Returns the file and line of the shop's own code that called this file, for the gateway's log. */
function origin(): string {
	$found = '';
	foreach ( debug_backtrace( DEBUG_BACKTRACE_IGNORE_ARGS, 100 ) as $frame ) {
		$file = (string) ( $frame['file'] ?? '' );
		if ( '' === $file || __FILE__ === $file ) {
			continue;
		}
		if ( is_content( $file ) ) {
			return wp_normalize_path( substr( (string) realpath( $file ), strlen( (string) realpath( \WP_CONTENT_DIR ) ) + 1 ) ) . ':' . $frame['line'];
		}
		$found = '' === $found ? basename( $file ) . ':' . $frame['line'] : $found;
	}
	return $found;
}

/** Tells the gateway of sessions that begin, or go on, with the answer to an asserted request. */
final class Session_Grants {

	/** Kinds of requests in which a session may begin. The others are logins themselves, or serve the gateway. */
	const KINDS = array( 'site', 'guest', 'credentials', 'customer' );

	/** @var self|null Of this request, if it has an assertion. */
	public static $current = null;

	/** @var Assertion */
	private $asserted;

	/** @var int The site of a network that the request is for. */
	private $blog;

	/** @var \WP_REST_Request|null The client's own request, once it is dispatched. */
	private $request = null;

	/** @var array The claims of the signed reply; empty while no session has begun. */
	private $claims = array();

	/** @var array The asserted customer's account when the request began; empty if there is no session to keep. */
	private $before = array();

	/** @var bool Whether the sessions of the asserted customer were ended on purpose, the own one included. */
	private $ended = false;

	public function __construct( Assertion $asserted, int $blog ) {
		$this->asserted = $asserted;
		$this->blog     = $blog;
	}

	public function register_hooks(): void {
		self::$current = $this;
		add_action( 'cocart_gateway_epoch_changed', array( $this, 'note_end' ) );
	}

	public function note_dispatched( \WP_REST_Request $request ): void {
		$this->request = $request;
	}

	public function note_customer( \WP_User $user ): void {
		if ( 'customer' === $this->asserted->kind && '' !== $this->asserted->session ) {
			$this->before = $this->account( $user );
		}
	}

	/** end_sessions(), "Log Out Everywhere" and wp_logout end this session, too. */
	public function note_end( $user_id = 0 ): void {
		$this->ended = $this->ended || user_id_in( $user_id ) === $this->asserted->user;
	}

	/**
	 * Asks the shop's own code whether this customer may have a session, as at a login, and signs that one begins. The header
	 * is sent at once: a callback may answer by wp_send_json().
	 *
	 * @param int|\WP_User $user
	 * @return true|\WP_Error
	 */
	public function begin( $user, string $origin ) {
		$id     = user_id_in( $user );
		$reason = $this->obstacle( $id );
		if ( '' !== $reason ) {
			return no_session( $reason );
		}
		return $this->on_own_site( fn() => $this->begin_for( $id, $origin ) );
	}

	/** Returns why no session can begin in this request; '' if one can. */
	private function obstacle( int $id ): string {
		$reasons = array(
			'this route logs customers in by itself'                     => ! in_array( $this->asserted->kind, self::KINDS, true ),
			'this is not the callback of a REST route'                   => ! $this->request,
			'a batch cannot carry the tokens'                            => $this->request && is_batch( $this->request->get_route() ),
			'an answer to a login carries the tokens of the login'       => $this->request && opens_session( $this->request->get_route() ),
			'an answer in _envelope or _jsonp cannot carry the tokens'   => isset( $_GET['_envelope'] ) || isset( $_GET['_jsonp'] ),
			'the answer has begun already'                               => headers_sent(),
			'a session of another user begins with this answer'          => $this->claims && (string) $id !== $this->claims['sub'],
		);
		return (string) array_search( true, $reasons, true );
	}

	/** @return true|\WP_Error */
	private function begin_for( int $id, string $origin ) {
		$user = known_user( $id );
		if ( null === $user ) {
			return no_session( 'the database does not answer', 'cocart_gateway_database_unavailable', 503 );
		}
		if ( ! $user || is_excluded( $user ) ) {
			return no_session( 'there is no such user on this site' );
		}
		$context = array( 'kind' => 'session', 'route' => $this->request->get_route(), 'ip' => $this->asserted->ip, 'origin' => $origin );
		$allowed = ask_filter( 'cocart_gateway_allow_customer', true, $user, $context );
		if ( null === $allowed ) {
			return no_session( 'cocart_gateway_allow_customer gave no answer', 'cocart_gateway_error' );
		}
		if ( ! $allowed ) {
			return no_session( 'this account cannot be used here', 'cocart_gateway_not_allowed', 403 );
		}
		keep_out_of_caches();
		$this->send( $user, $origin );
		fire_action( 'cocart_gateway_customer_authenticated', $user, $context );
		return true;
	}

	/** Runs when the answer is complete: what happened to the account since then counts. */
	public function finish(): void {
		if ( headers_sent() || get_current_blog_id() !== $this->blog ) {
			return;
		}
		if ( $this->claims ) {
			$this->renew();
		} elseif ( $this->before && ! $this->ended ) {
			$this->keep();
		}
	}

	/** Signs the fingerprint as it is now: a route may set the password of the user whose session it has begun. */
	private function renew(): void {
		$user = get_userdata( (int) $this->claims['sub'] );
		if ( ! $user || is_excluded( $user ) ) {
			header_remove( 'X-CoCart-Gateway-Session' );
			$this->claims = array();
		} elseif ( fingerprint( $user ) !== $this->claims['fp'] ) {
			$this->send( $user, $this->claims['origin'], $this->claims['sid'] ?? '' );
		}
	}

	/**
	 * Keeps the session in which its customer has just changed the password or the e-mail address. All other sessions have the
	 * earlier fingerprint, and end. An access token of this session that is out has it, too: a thief who copied it is out.
	 */
	private function keep(): void {
		$user = get_userdata( $this->asserted->user );
		if ( ! $user || is_excluded( $user ) ) {
			return;
		}
		$now     = $this->account( $user );
		$changed = array_keys( array_diff_assoc( $now, $this->before ) );
		if ( array_intersect( $changed, array( 'password', 'email' ) ) && ! in_array( 'site', $changed, true ) ) {
			$this->send( $user, '', $this->asserted->session );
		}
	}

	/** Returns what of an account its customer may change in a session that goes on, and what ends it: roles and membership. */
	private function account( \WP_User $user ): array {
		return array(
			'password' => password_digest( $user ),
			'email'    => (string) $user->user_email,
			'site'     => meta_text( $user->ID, $GLOBALS['wpdb']->get_blog_prefix() . SITE_EPOCH ),
		);
	}

	/** Signs that a session begins, or goes on if it is named. */
	private function send( \WP_User $user, string $origin, string $session = '' ): void {
		$this->claims = array(
			'sub'    => (string) $user->ID,
			'login'  => (string) $user->user_login,
			'fp'     => fingerprint( $user ),
			'claims' => $this->claims['claims'] ?? token_claims( $user, $this->request ?? new \WP_REST_Request() ),
			'origin' => substr( $origin, 0, 200 ),
			'route'  => $this->request ? substr( $this->request->get_route(), 0, 200 ) : '',
		) + ( '' === $session ? array() : array( 'sid' => $session ) );
		send_header( 'X-CoCart-Gateway-Session: ' . $this->asserted->reply( 'session', $this->claims ) );
	}

	/** A plugin of a network may be looking at another of its sites. */
	private function on_own_site( callable $do ) {
		$elsewhere = get_current_blog_id() !== $this->blog && switch_to_blog( $this->blog );
		$result    = $do();
		$elsewhere && restore_current_blog();
		return $result;
	}
}

// --- Ends of sessions, announced in the response ---------------------------------------------------------------------

/** Announces, in the response to the request that caused it, that sessions of a user have ended. */
final class Session_End_Announcements {

	/** Announcements in one answer, of half a kilobyte each: nginx takes 4 KB of headers from PHP, or sends a 502 instead. */
	const MAXIMUM = 4;

	/** @var Assertion */
	private $asserted;

	/** @var int The site of a network that the request is for. */
	private $blog;

	/** @var array<string,bool> Ends that are announced already. */
	private $announced = array();

	/** @var array<int,string> Fingerprints, as they were, of users that this request may be changing. */
	private $before = array();

	public function __construct( Assertion $asserted, int $blog ) {
		$this->asserted = $asserted;
		$this->blog     = $blog;
	}

	/** A plugin of a network may be looking at another of its sites, where the user's roles and epoch are others. */
	public function is_own_site(): bool {
		return get_current_blog_id() === $this->blog;
	}

	/** Observes changes of any user in this request. Changes made elsewhere are found at the next use of a session. */
	public function register_hooks(): void {
		add_action( 'profile_update', array( $this, 'profile_update' ), PHP_INT_MAX - 1, 2 );
		add_action( 'after_password_reset', array( $this, 'after_password_reset' ), PHP_INT_MAX );
		add_action( 'delete_user', array( $this, 'delete_user' ), PHP_INT_MAX );
		add_action( 'wpmu_delete_user', array( $this, 'delete_user' ), PHP_INT_MAX );
		add_action( 'cocart_gateway_epoch_changed', array( $this, 'announce_if_changed' ), 10, 2 );
		add_action( 'remove_user_from_blog', array( $this, 'remove_user_from_blog' ), PHP_INT_MAX, 2 );
		add_action( 'clean_user_cache', array( $this, 'clean_user_cache' ), 10, 2 );
		$settling = array( 'wp_set_password', 'wp_redirect' );
		if ( is_enabled( 'COCART_GATEWAY_END_ON_ROLE_CHANGE', false ) ) {
			foreach ( array( 'add_user_metadata', 'update_user_metadata', 'delete_user_metadata' ) as $hook ) {
				add_filter( $hook, array( $this, 'before_metadata' ), PHP_INT_MAX, 3 );
			}
			array_push( $settling, 'set_user_role', 'add_user_role', 'remove_user_role' );
		}
		foreach ( $settling as $hook ) {
			add_filter( $hook, array( $this, 'announce_changes' ), PHP_INT_MAX );
		}
	}

	/** Of a network's site: the user as such stays. WordPress has switched to that site already. */
	public function remove_user_from_blog( $user_id = 0, $blog_id = 0 ): void {
		if ( is_numeric( $blog_id ) && (int) $blog_id === $this->blog ) {
			$this->delete_user( $user_id );
		}
	}

	/** Fires after the change, with the user as it was. */
	public function clean_user_cache( $user_id = 0, $before = null ): void {
		if ( $before instanceof \WP_User ) {
			$this->remember_fingerprint( $before );
		}
	}

	private function remember_fingerprint( \WP_User $user ): void {
		if ( $this->is_own_site() ) {
			$this->before[ (int) $user->ID ] = $this->before[ (int) $user->ID ] ?? fingerprint( $user );
		}
	}

	/** Fires before roles are stored, by whatever function (WP_User::set_role, add_role, remove_all_caps …). */
	public function before_metadata( $result = null, $user_id = 0, $key = '' ) {
		$user = is_string( $key ) && preg_match( '/capabilities$/D', $key ) ? get_userdata( user_id_in( $user_id ) ) : false;
		if ( $user ) {
			$this->remember_fingerprint( $user );
		}
		return $result;
	}

	/**
	 * Looks whether the changes that were under way have ended sessions. Not sooner: a hash that was merely renewed is
	 * noted after the user was stored.
	 *
	 * @param mixed $value Passed on: some of these hooks are filters.
	 */
	public function announce_changes( $value = null ) {
		if ( ! $this->is_own_site() ) {
			return $value;
		}
		$before       = $this->before;
		$this->before = array();
		foreach ( $before as $user_id => $fingerprint ) {
			$this->announce_if_changed( $user_id, $fingerprint );
		}
		return $value;
	}

	/**
	 * Other plugins fire this, too, and not always with all its arguments.
	 *
	 * @param mixed $before The user as it was.
	 */
	public function profile_update( $user_id = 0, $before = null ): void {
		if ( $before instanceof \WP_User ) {
			$this->announce_if_changed( (int) $before->ID, fingerprint( $before ) );
		}
	}

	/** @param mixed $before The user as it was: reset_password() does not read it again. */
	public function after_password_reset( $before = null ): void {
		if ( $before instanceof \WP_User ) {
			$this->announce_if_changed( (int) $before->ID, fingerprint( $before ) );
		}
	}

	public function delete_user( $user_id = 0 ): void {
		$user = get_userdata( user_id_in( $user_id ) );
		if ( $user ) {
			$this->announce_end( (int) $user->ID, fingerprint( $user ), 'deleted' );
		}
	}

	/** @param mixed $before The fingerprint as it was. */
	public function announce_if_changed( $user_id = 0, $before = '' ): void {
		$user_id = user_id_in( $user_id );
		if ( ! $user_id || ! is_string( $before ) || '' === $before ) {
			return;
		}
		$look   = fn() => $this->why_over( get_userdata( $user_id ), $before );
		$reason = $look();
		$reason = '' === $reason ? '' : look_again( $user_id, $look );
		if ( null !== $reason && '' !== $reason ) { // Null: the next use of such a session finds out.
			$this->announce_end( $user_id, $before, $reason );
		}
	}

	/**
	 * Returns why sessions of a user with this fingerprint are over; '' if they are not.
	 *
	 * @param \WP_User|false $user
	 */
	private function why_over( $user, string $fingerprint ): string {
		if ( ! $user ) {
			return 'deleted';
		}
		return hash_equals( fingerprint( $user ), $fingerprint ) ? '' : 'changed';
	}

	/** Returns the asserted customer, or ends the session if it is over. */
	public function asserted_user(): \WP_User {
		$id     = $this->asserted->user;
		$reason = $this->why_asserted_over();
		$reason = '' === $reason ? '' : look_again( $id, array( $this, 'why_asserted_over' ) );
		if ( null === $reason ) {
			refuse_for_now( $id );
		}
		if ( '' !== $reason ) {
			$this->refuse_session( $reason );
		}
		return get_userdata( $id );
	}

	/** Returns why the asserted session is over; '' if it is not. A token of CoCart JWT Authentication has no fingerprint. */
	public function why_asserted_over(): string {
		$user = get_userdata( $this->asserted->user );
		if ( $user && is_excluded( $user ) ) {
			return 'deleted';
		}
		return $user && '' !== $this->asserted->pat ? '' : $this->why_over( $user, $this->asserted->fingerprint );
	}

	/** Ends the asserted session: the client must log in again, and the gateway informs its replicas. */
	public function refuse_session( string $reason ): void {
		$asserted = $this->asserted;
		$fired    = 'refused' === $reason ? 'changed' : $reason; // All that the gateway needs to know.
		fire_sessions_ended( $asserted->user, $asserted->fingerprint, $reason );
		$this->announce_end( $asserted->user, '' === $asserted->pat ? $asserted->fingerprint : 'plugin', $fired );
		refuse( 401, 'cocart_authentication_error', 'Authentication failed.', "sessions of user {$asserted->user} have ended: $reason" );
	}

	public function announce_end( int $user_id, string $fingerprint, string $reason ): void {
		fire_sessions_ended( $user_id, $fingerprint, $reason );
		if ( headers_sent() || isset( $this->announced[ "$user_id $fingerprint" ] ) || count( $this->announced ) >= self::MAXIMUM ) {
			return; // The next use of such a session finds out.
		}
		$this->announced[ "$user_id $fingerprint" ] = true;
		$claims = array( 'sub' => (string) $user_id, 'fp' => $fingerprint, 'reason' => $reason );
		send_header( 'X-CoCart-Gateway-Ended: ' . $this->asserted->reply( 'ended', $claims ), false );
	}
}

// --- Logging a browser in ------------------------------------------------------------------------------------------

/** What the gateway asks in place of a link for a browser, as ?rest_route=, which every permalink structure knows. */
define( __NAMESPACE__ . '\BROWSER_ROUTE', '/cocart-gateway/v1/browser' );

/** Reports whether a value is a path of the site, and nothing that a browser takes for another one. @param mixed $to */
function is_path( $to ): bool {
	return is_string( $to ) && 1 === preg_match( '#^/(?!/)[!-\[\]-~]*$#D', $to ) && strlen( $to ) <= 1024;
}

/**
 * Logs the browser that follows a link of the gateway in as the asserted customer, with WordPress's own cookie, and sends it
 * on. Without the assertion the route does not exist. The gateway makes a page for the browser of each refusal.
 */
final class Browser_Login extends Dispatch_Watcher {

	/** @var Assertion */
	private $asserted;

	/** @var Session_End_Announcements */
	private $announcements;

	/** @var string[] Names of the cookies that keep the cart of a guest. */
	private $carts = array();

	public function __construct( Assertion $asserted ) {
		$this->asserted      = $asserted;
		$this->announcements = new Session_End_Announcements( $asserted, get_current_blog_id() );
	}

	public function register(): void {
		set_client( $this->asserted );
		send_header( 'X-CoCart-Gateway-Plugin: ' . VERSION );
		if ( ! is_front_controller() ) {
			refuse_assertion( 'it is to log a browser in, but this is another script' );
		}
		keep_out_of_caches();
		remove_authorization();
		$this->set_guest_carts_aside();
		$this->register_hooks();
		add_action( 'wp', fn() => $this->check_route( '' ), PHP_INT_MIN );
	}

	/**
	 * The cart of a guest's cookie is written over the customer's, once that browser is logged in (see Cart_Cookies). The
	 * customer comes with the cart of the app, so the browser forgets the guest's.
	 */
	private function set_guest_carts_aside(): void {
		foreach ( array_keys( $_COOKIE ) as $name ) {
			if ( is_cart_cookie( (string) $name ) ) {
				$this->carts[] = (string) $name;
				unset( $_COOKIE[ $name ] );
			}
		}
	}

	protected function check_route( string $route ): void {
		if ( BROWSER_ROUTE !== $route ) {
			refuse_assertion( 'WordPress dispatches something else for what the gateway took for the link of a browser' );
		}
		$user = $this->announcements->asserted_user();
		$this->check_account( $user );
		$present = (int) wp_validate_auth_cookie( '', 'logged_in' );
		if ( $present && $present !== (int) $user->ID ) {
			refuse( 409, 'cocart_gateway_other_login', 'Another user is logged in.', "a browser in which user $present is logged in followed a link of user {$user->ID}" );
		}
		$present || $this->log_in( (int) $user->ID );
		$this->forget_guest_carts();
		$this->send_on();
	}

	/** Without the action wp_login, at which plugins with a second factor ask the user and exit. */
	private function log_in( int $user_id ): void {
		wp_set_auth_cookie( $user_id, false, is_ssl() );
		$session = function_exists( 'WC' ) ? WC()->session ?? null : null;
		if ( is_callable( array( $session, 'get_session' ) ) ) {
			$this->save_cart( $user_id, $session->get_session( (string) $user_id ) );
		}
	}

	/**
	 * A logout in the browser deletes the customer's cart (WC_Session_Handler::destroy_session), which is the app's, too. WooCommerce
	 * then restores the cart that was saved at wp_login (WC_Cart_Session::persistent_cart_update). It would add to today's cart
	 * what was saved earlier, and so bring back what the customer removed in the app, where CoCart saves nothing.
	 *
	 * @param mixed $session
	 */
	private function save_cart( int $user_id, $session ): void {
		$cart = is_array( $session ) ? maybe_unserialize( $session['cart'] ?? '' ) : '';
		if ( is_array( $cart ) && $cart && apply_filters( 'woocommerce_persistent_cart_enabled', true ) ) {
			update_user_meta( $user_id, '_woocommerce_persistent_cart_' . get_current_blog_id(), array( 'cart' => $cart ) );
		}
	}

	/**
	 * Attack: who steals an access token of an administrator, which lives for minutes, makes a login to wp-admin of it, which
	 * lives for days. Prevention: only users who have no work in wp-admin, as WC_Admin::prevent_admin_access() knows them.
	 */
	private function check_account( \WP_User $user ): void {
		$allowed = ask_filter( 'cocart_gateway_allow_customer', true, $user, array( 'kind' => 'browser', 'route' => BROWSER_ROUTE, 'ip' => $this->asserted->ip ) );
		if ( null === $allowed ) {
			refuse( 500, 'cocart_gateway_error', 'Something went wrong.', 'cocart_gateway_allow_customer gave no answer' );
		}
		if ( ! $allowed ) {
			$this->announcements->refuse_session( 'refused' );
		}
		foreach ( array( 'edit_posts', 'manage_woocommerce', 'view_admin_dashboard', 'manage_options' ) as $capability ) {
			if ( user_can( $user, $capability ) ) {
				refuse( 403, 'cocart_gateway_not_allowed', 'This account cannot be used here.', "user {$user->ID} may use wp-admin and is not logged in by a link" );
			}
		}
	}

	private function forget_guest_carts(): void {
		$path   = defined( 'COOKIEPATH' ) && COOKIEPATH ? COOKIEPATH : '/';
		$domain = defined( 'COOKIE_DOMAIN' ) && COOKIE_DOMAIN ? COOKIE_DOMAIN : '';
		foreach ( headers_sent() ? array() : $this->carts as $name ) {
			setcookie( $name, ' ', 1, $path, $domain, is_ssl(), true ); // As wc_setcookie() set it.
		}
	}

	/** Sends the browser to the path in the assertion, else to the checkout; without WooCommerce to the front page. */
	private function send_on(): void {
		$home = rtrim( home_setting(), '/' );
		$to   = $home . ( '' === $this->asserted->to ? '/' : $this->asserted->to );
		if ( '' === $this->asserted->to && function_exists( 'wc_get_checkout_url' ) ) {
			$to = wc_get_checkout_url();
		}
		send_header( 'Cache-Control: private, no-store' );
		send_header( 'Referrer-Policy: no-referrer' );
		wp_safe_redirect( wp_validate_redirect( $to, "$home/" ), 303, 'cocart-gateway' );
		exit;
	}

	protected function check_batch( array $routes ): void {
	}
}

// --- Moving from CoCart JWT Authentication, and back -----------------------------------------------------------------

/**
 * Whether CoCart JWT Authentication still lists a login of this user: it forgets a login at a logout, at a new password and
 * at its own refresh. Its notes are read, never written, and also when it is deactivated.
 */
function has_plugin_login( int $user_id, string $pat ): bool {
	if ( '' === $pat || ! get_user_meta( $user_id, '_cocart_jwt_tokens', true ) ) {
		return false;
	}
	foreach ( (array) get_user_meta( $user_id, '_cocart_jwt_token_pat', false ) as $logins ) {
		if ( is_array( $logins ) && array_key_exists( $pat, $logins ) ) {
			return true;
		}
	}
	return false;
}

/**
 * A token of that plugin has no fingerprint. Its PAT says as much as the plugin itself reads from it, and an attacker with
 * the secrets of the gateway cannot invent one: they are still not enough to become a customer.
 */
function check_plugin_login( object $user, string $pat ): void {
	$id     = (int) $user->ID;
	$look   = fn() => has_plugin_login( $id, $pat );
	$listed = $look() ? true : look_again( $id, $look );
	if ( null === $listed ) {
		refuse_for_now( $id );
	}
	if ( ! $listed ) {
		refuse( 401, 'cocart_authentication_error', 'Authentication failed.', "CoCart JWT Authentication no longer lists the login of a token of user {$user->ID}" );
	}
}

/**
 * The user for whom that plugin has just answered a refresh, or false. The token in its answer comes from PHP itself, and
 * the plugin has noted it for that user.
 *
 * @param mixed $data
 * @return object|false
 */
function user_of_plugin_refresh( $data ) {
	$token  = is_array( $data ) && is_string( $data['token'] ?? null ) ? $data['token'] : '';
	$claims = json_decode( (string) base64_decode( strtr( explode( '.', $token )[1] ?? '', '-_', '+/' ) ), true );
	$named  = is_array( $claims ) ? $claims['data']['user'] ?? null : null;
	$id     = is_array( $named ) && is_int( $named['id'] ?? null ) ? $named['id'] : 0;
	$pat    = is_array( $named ) && is_string( $named['pat'] ?? null ) ? $named['pat'] : '';
	return $id > 0 && has_plugin_login( $id, $pat ) ? get_userdata( $id ) : false;
}

/**
 * A session that goes back: its customer logs in without a password, for the tokens that CoCart JWT Authentication adds to
 * CoCart's answer. To CoCart it is a login by token. The second factor was given when the session began.
 */
final class Plugin_Hand_Back {
	/** CoCart takes any Bearer for a login by token; CoCart JWT Authentication ignores one that is not a JWT. */
	public static function prepare(): void {
		add_filter( 'cocart_auth_header', fn() => 'Bearer cocart-gateway', PHP_INT_MAX );
		add_filter( 'cocart_login_secure_auth_methods', fn() => array( 'jwt' ), PHP_INT_MAX );
	}

	public static function check_route( string $route ): void {
		if ( ! is_login( $route ) || 'POST' !== method() ) {
			refuse_assertion( 'WordPress dispatches something else for what the gateway took for a session to hand back' );
		}
		// Since 4.8 CoCart asks for no second factor where a token logs in; before, it would mail the customer a code.
		remove_all_filters( 'cocart_login_permission_callback' );
	}
}

/**
 * A gateway in its dry run says who the client is, and nothing else: everything is as without it, for
 * COCART_GATEWAY_REQUIRED too. An assertion that does not verify is only logged.
 */
function start_observed( string $token, array $secrets ): void {
	unset( $_SERVER['HTTP_X_COCART_GATEWAY_OBSERVED'] );
	try {
		$asserted = Assertion::read( $token, $secrets, audience(), $_SERVER, time(), array( 'observed' ) );
		restore_authorization( $asserted );
		set_client( $asserted );
		Diagnostics::$observed = true;
		Diagnostics::record_clock( $asserted );
		send_header( 'X-CoCart-Gateway-Plugin: ' . VERSION );
	} catch ( Refusal $refusal ) {
		log_line( 'cocart-gateway: the assertion of a dry run was refused: ' . $refusal->getMessage() );
	}
}

function check_old_plugin(): array {
	if ( Diagnostics::$observed && class_exists( '\CoCart\JWTAuthentication\Plugin', false ) ) {
		return finding( 'old_plugin', 'good', __( 'The plugin CoCart JWT Authentication is active', 'cocart-gateway' ), __( 'This is required during a dry run of the gateway: the plugin issues and checks the tokens.', 'cocart-gateway' ) );
	}
	if ( class_exists( '\CoCart\JWTAuthentication\Plugin', false ) ) {
		return finding( 'old_plugin', 'recommended', __( 'The plugin CoCart JWT Authentication is active', 'cocart-gateway' ), __( 'The gateway does its work now.', 'cocart-gateway' ), __( 'Deactivate it once all customers log in through the gateway, but not while customers are handed back to it (compat.hand_back).', 'cocart-gateway' ), true );
	}
	return finding( 'old_plugin', 'good', __( 'Only the gateway issues tokens', 'cocart-gateway' ), __( 'CoCart JWT Authentication is not active.', 'cocart-gateway' ) );
}

/** A dry run asserts no identity, so COCART_GATEWAY_REQUIRED refuses its requests. */
function check_required_in_dry_run(): array {
	if ( is_enabled( 'COCART_GATEWAY_REQUIRED', false ) ) {
		return finding( 'required', 'critical', __( 'CoCart refuses requests: the gateway is in a dry run', 'cocart-gateway' ), __( 'COCART_GATEWAY_REQUIRED refuses the requests of a dry run, too.', 'cocart-gateway' ), __( 'Take COCART_GATEWAY_REQUIRED out of wp-config.php until the dry run is over.', 'cocart-gateway' ), true );
	}
	return finding( 'required', 'good', __( 'CoCart can be reached without the gateway', 'cocart-gateway' ), __( 'This is required during a dry run of the gateway.', 'cocart-gateway' ) );
}

// --- Requests without one ------------------------------------------------------------------------------------------

/**
 * Closes CoCart's routes: with COCART_GATEWAY_REQUIRED, to a client that reaches PHP directly and so has bypassed every
 * limit of the gateway; and always to a request whose assertion is bad. The rest of the site is as without us: another
 * secret or a wrong clock must not take the storefront down, and no assertion gives an identity there.
 */
final class Closed_Routes extends Dispatch_Watcher {

	/** @var array The answer: status, code, message, and what to log. */
	private $answer;

	public function __construct( array $answer ) {
		$this->answer = $answer;
	}

	public function register(): void {
		add_filter( 'cocart_is_rest_api_request', '__return_false', PHP_INT_MAX ); // No password is tried meanwhile.
		$this->register_hooks();
	}

	protected function check_route( string $route ): void {
		if ( is_cocart( $route ) || is_status( $route ) ) {
			send_header( 'X-CoCart-Gateway-Refused: ' . $this->answer[1] ); // No password was tried, and the gateway shall count none.
			refuse( ...$this->answer );
		}
	}

	protected function check_batch( array $routes ): void {
		array_map( array( $this, 'check_route' ), $routes );
	}
}

// --- App sessions, for customers and staff ---------------------------------------------------------------------------

/**
 * Shows app sessions in "My account" of WooCommerce, and on the page of a user in wp-admin.
 *
 * Only the gateway knows the sessions. PHP cannot ask it in every shop: many hosts do not let a site call its own public
 * address, or lead the call past the gateway. The browser can, since the page came through the gateway. So the page's script
 * fetches a capability from admin-ajax.php, where nonce and permission are checked, and at once asks the gateway with it.
 * Ending all sessions needs neither script nor capability: the epoch of the user is renewed.
 */
final class App_Sessions {

	const ENDPOINT = 'app-sessions';

	/** What comes from a client, as the device does, becomes text of the page and never HTML. */
	const SCRIPT = <<<'JS'
( function () {
	const box = document.getElementById( 'cocart-gateway-sessions' );
	const settings = JSON.parse( box.dataset.settings );
	const element = ( name, text ) => Object.assign( document.createElement( name ), { textContent: text || '' } );
	const json = ( answer ) => answer.ok ? answer.json() : Promise.reject( new Error( answer.status ) );
	async function ask( act, session ) {
		const body = new URLSearchParams( { action: 'cocart_gateway_capability', nonce: settings.nonce, user_id: settings.user, act, session } );
		const allowed = await fetch( settings.ajax, { method: 'POST', body, credentials: 'same-origin' } ).then( json );
		const headers = { 'CoCart-Capability': allowed.data.capability };
		if ( 'list' === act ) {
			return fetch( settings.api, { headers } ).then( json );
		}
		headers[ 'X-HTTP-Method-Override' ] = 'DELETE'; // as WordPress's own scripts: some hosts refuse DELETE
		return fetch( settings.api + '/' + session, { method: 'POST', headers } ).then( json );
	}
	const columns = [ 'device', 'address', 'created', 'used' ];
	// WooCommerce's style for narrow screens hides the thead, and shows data-title in front of each cell.
	function row( session ) {
		const line = element( 'tr' ), cell = element( 'td' ), button = element( 'button', settings.text.end );
		const time = ( text ) => new Date( text ).toLocaleString();
		const texts = [ session.device, session.address, time( session.created ), time( session.last_used ) ];
		texts.forEach( ( text, i ) => line.append( titled( element( 'td', text ), settings.text[ columns[ i ] ] ) ) );
		button.type = 'button';
		button.className = 'button';
		button.style.whiteSpace = 'nowrap';
		button.addEventListener( 'click', () => {
			button.disabled = true;
			ask( 'end', session.id ).then( show, failed );
		} );
		cell.append( button );
		line.append( titled( cell, settings.text.action ) );
		return line;
	}
	function titled( cell, title ) {
		cell.dataset.title = title;
		return cell;
	}
	function heading( text ) {
		return Object.assign( element( 'th', text ), { scope: 'col' } );
	}
	function failed() {
		box.replaceChildren( element( 'p', settings.text.failed ) );
	}
	function show() {
		return ask( 'list', '' ).then( ( { sessions } ) => {
			const table = element( 'table' ), head = element( 'thead' ), line = element( 'tr' ), body = element( 'tbody' );
			table.className = settings.class;
			line.append( ...columns.map( ( name ) => heading( settings.text[ name ] ) ), heading( settings.text.action ) );
			head.append( line );
			body.append( ...sessions.map( row ) );
			table.append( head, body );
			box.replaceChildren( sessions.length ? table : element( 'p', settings.text.none ) );
		} ).catch( failed );
	}
	show();
}() );
JS;

	/** In wp-admin on narrow screens; there WooCommerce's style is missing, which does this in My account. */
	const STYLE = '@media (max-width: 782px) { #cocart-gateway-sessions thead { display: none; } #cocart-gateway-sessions td { display: flex; justify-content: space-between; } #cocart-gateway-sessions td::before { content: attr(data-title); font-weight: 600; } }';

	/** @var Assertion|null That of this request, if it is for a page; only then a capability can be made. */
	public static $asserted;

	public function register_hooks(): void {
		add_filter( 'woocommerce_get_query_vars', array( $this, 'query_vars' ) );
		add_filter( 'woocommerce_get_endpoint_url', array( $this, 'endpoint_url' ), 10, 4 );
		add_filter( 'woocommerce_account_menu_items', array( $this, 'menu_items' ) );
		add_action( 'woocommerce_before_account_navigation', array( $this, 'leave_dashboard' ) );
		add_filter( 'woocommerce_endpoint_' . self::ENDPOINT . '_title', array( $this, 'title' ) );
		add_action( 'woocommerce_account_' . self::ENDPOINT . '_endpoint', array( $this, 'print_account_tab' ) );
		add_action( 'show_user_profile', array( $this, 'print_user_panel' ) );
		add_action( 'edit_user_profile', array( $this, 'print_user_panel' ) );
		add_action( 'wp_ajax_cocart_gateway_capability', array( $this, 'answer_capability' ) );
		add_action( 'admin_post_cocart_gateway_end_sessions', array( $this, 'end_all' ) );
	}

	/** WooCommerce makes a rewrite endpoint of each of its query variables (WC_Query::add_endpoints). */
	public function query_vars( $vars = array() ) {
		return is_array( $vars ) ? $vars + array( self::ENDPOINT => self::ENDPOINT ) : $vars;
	}

	/**
	 * Until the rewrite rules are next written, which may be never, the pretty address of a new endpoint is a 404. The
	 * parameter works without a rule (WC_Query::parse_request). So nothing needs to be flushed.
	 */
	public function endpoint_url( $url = '', $endpoint = '', $value = '', $permalink = '' ) {
		if ( self::ENDPOINT !== $endpoint || ! get_option( 'permalink_structure' ) ) {
			return $url;
		}
		foreach ( array_keys( (array) get_option( 'rewrite_rules' ) ) as $rule ) {
			if ( false !== strpos( (string) $rule, '/' . self::ENDPOINT . '(' ) ) {
				return $url;
			}
		}
		return add_query_arg( self::ENDPOINT, '', $permalink );
	}

	/**
	 * By the parameter the page has WordPress's query variable "page", too. WooCommerce takes that for the dashboard, and would mark two
	 * items of the menu as the current one (wc_is_current_account_menu_item).
	 */
	public function leave_dashboard(): void {
		if ( isset( $GLOBALS['wp']->query_vars[ self::ENDPOINT ] ) ) {
			unset( $GLOBALS['wp']->query_vars['page'] );
		}
	}

	/** In front of "Log out", which is the last. */
	public function menu_items( $items = array() ) {
		if ( ! is_array( $items ) ) {
			return $items;
		}
		$last = isset( $items['customer-logout'] ) ? array( 'customer-logout' => $items['customer-logout'] ) : array();
		return array_diff_key( $items, $last ) + array( self::ENDPOINT => $this->title() ) + $last;
	}

	public function title( $title = '' ): string {
		return __( 'App sessions', 'cocart-gateway' );
	}

	/** Whether the user who is logged in may see and end the sessions of this one. */
	private static function may_manage( int $user_id ): bool {
		return $user_id > 0 && get_userdata( $user_id )
			&& ( get_current_user_id() === $user_id || ( current_user_can( 'edit_users' ) && current_user_can( 'edit_user', $user_id ) ) );
	}

	/** A nonce is for one customer, so that it cannot be taken from one page to another. */
	private static function nonce_action( int $user_id ): string {
		return "cocart-gateway-sessions_$user_id";
	}

	private static function posted_user(): int {
		return (int) wp_unslash( is_scalar( $_REQUEST['user_id'] ?? null ) ? $_REQUEST['user_id'] : 0 );
	}

	public function print_account_tab(): void {
		$user_id = get_current_user_id();
		if ( ! $user_id ) {
			return;
		}
		$this->print_list( $user_id, 'woocommerce-table shop_table shop_table_responsive' );
		echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '">';
		echo '<input type="hidden" name="action" value="cocart_gateway_end_sessions"><input type="hidden" name="user_id" value="' . (int) $user_id . '">';
		wp_nonce_field( self::nonce_action( $user_id ) );
		echo '<button type="submit" class="button">' . esc_html__( 'Log out of all apps', 'cocart-gateway' ) . '</button></form>';
	}

	/**
	 * Prints into the form of the page, so the button is a link with a nonce, as those of WordPress's lists are. WordPress
	 * offers "Log Out Everywhere" only for a user who is logged in with a browser; this one is always there.
	 *
	 * @param \WP_User $user
	 */
	public function print_user_panel( $user = null ): void {
		if ( ! is_object( $user ) || ! self::may_manage( user_id_in( $user ) ) ) {
			return;
		}
		$own   = get_current_user_id() === (int) $user->ID;
		$query = array( 'action' => 'cocart_gateway_end_sessions', 'user_id' => (int) $user->ID );
		$link  = wp_nonce_url( add_query_arg( $query, admin_url( 'admin-post.php' ) ), self::nonce_action( (int) $user->ID ) );
		echo '<style>' . self::STYLE . '</style><h2>' . esc_html( $this->title() ) . '</h2>'; // Not in a form-table, whose style is for its cells as well.
		$this->print_list( (int) $user->ID, 'widefat striped' );
		echo '<p><a class="button" id="cocart-gateway-end-sessions" href="' . esc_url( $link ) . '">';
		echo $own ? esc_html__( 'Log Out of All Apps', 'cocart-gateway' ) : esc_html__( 'Log Out Everywhere', 'cocart-gateway' );
		echo '</a></p><p class="description">';
		echo $own ? esc_html__( 'This browser stays logged in.', 'cocart-gateway' ) : esc_html__( 'Ends every session of this user, in apps and browsers.', 'cocart-gateway' );
		echo '</p>';
	}

	private function print_list( int $user_id, string $class ): void {
		if ( isset( $_GET['cocart_gateway_ended'] ) ) {
			echo '<p role="status"><strong>' . esc_html__( 'Logged out.', 'cocart-gateway' ) . '</strong></p>';
		}
		if ( ! self::$asserted ) {
			echo '<p>' . esc_html__( 'This page did not come through the gateway, so the list cannot be shown.', 'cocart-gateway' ) . '</p>';
			return;
		}
		$path     = rtrim( (string) wp_parse_url( home_setting(), PHP_URL_PATH ), '/' );
		$settings = array(
			'user'  => $user_id,
			'nonce' => wp_create_nonce( self::nonce_action( $user_id ) ),
			'ajax'  => admin_url( 'admin-ajax.php', 'relative' ),
			'api'   => $path . '/?rest_route=/cocart/jwt/sessions', // good for any permalinks, and on the host of this page
			'class' => $class,
			'text'  => array(
				'device'  => __( 'Device', 'cocart-gateway' ),
				'address' => __( 'Address', 'cocart-gateway' ),
				'created' => __( 'Logged in', 'cocart-gateway' ),
				'used'    => __( 'Last used', 'cocart-gateway' ),
				'end'     => __( 'Log out', 'cocart-gateway' ),
				'action'  => __( 'Actions', 'cocart-gateway' ),
				'none'    => __( 'No app is logged in.', 'cocart-gateway' ),
				'failed'  => __( 'The sessions could not be reached. Please reload the page.', 'cocart-gateway' ),
			),
		);
		echo '<div id="cocart-gateway-sessions" aria-live="polite" data-settings="' . esc_attr( wp_json_encode( $settings ) ) . '"><p>' . esc_html__( 'The list needs JavaScript.', 'cocart-gateway' ) . '</p></div>';
		add_action( is_admin() ? 'admin_footer' : 'wp_footer', array( $this, 'print_script' ) );
	}

	public function print_script(): void {
		wp_print_inline_script_tag( self::SCRIPT );
	}

	/** Answers the page's script: a capability for exactly what it asks, if the user may. */
	public function answer_capability(): void {
		$user_id = self::posted_user();
		$act     = (string) wp_unslash( is_string( $_POST['act'] ?? null ) ? $_POST['act'] : '' );
		$session = (string) wp_unslash( is_string( $_POST['session'] ?? null ) ? $_POST['session'] : '' );
		nocache_headers();
		if ( ! check_ajax_referer( self::nonce_action( $user_id ), 'nonce', false ) || ! self::may_manage( $user_id ) ) {
			wp_send_json_error( null, 403 );
		}
		if ( ! ( 'list' === $act && '' === $session ) && ! ( 'end' === $act && preg_match( '/^[A-Za-z0-9_-]{22}\z/', $session ) ) ) {
			wp_send_json_error( null, 400 );
		}
		if ( ! self::$asserted ) {
			wp_send_json_error( null, 409 );
		}
		wp_send_json_success( array( 'capability' => self::$asserted->capability( $user_id, $act, $session, get_current_user_id() ) ) );
	}

	/** Ends all app sessions of a user; for staff those of browsers as well, which "Log Out Everywhere" promises. */
	public function end_all(): void {
		$user_id = self::posted_user();
		check_admin_referer( self::nonce_action( $user_id ) );
		if ( ! self::may_manage( $user_id ) ) {
			wp_die( esc_html__( 'Sorry, you are not allowed to edit this user.', 'cocart-gateway' ), '', array( 'response' => 403 ) );
		}
		end_sessions( $user_id );
		if ( get_current_user_id() !== $user_id ) {
			\WP_Session_Tokens::get_instance( $user_id )->destroy_all();
		}
		wp_safe_redirect( add_query_arg( 'cocart_gateway_ended', '1', wp_get_referer() ?: home_url( '/' ) ) );
		exit;
	}
}

// --- Status --------------------------------------------------------------------------------------------------------

/** What cocart-gateway doctor asks, as ?rest_route=, which every permalink structure knows. */
define( __NAMESPACE__ . '\STATUS_ROUTE', '/cocart-gateway/v1/status' );

/** Plugins that issue JSON Web Tokens for the REST API, by their folder. */
define( __NAMESPACE__ . '\JWT_PLUGINS', array(
	'jwt-authentication-for-wp-rest-api'     => 'JWT Authentication for WP REST API',
	'jwt-authentication-for-wp-rest-api-pro' => 'JWT Authentication Pro',
	'jwt-auth-pro'                           => 'JWT Authentication Pro',
	'jwt-auth'                               => 'JWT Auth',
	'simple-jwt-login'                       => 'Simple JWT Login',
	'simple-jwt-authentication'              => 'Simple JWT Authentication',
	'wp-rest-api-authentication'             => 'miniOrange REST API Authentication',
	'miniorange-api-authentication'          => 'miniOrange REST API Authentication',
	'wp-graphql-jwt-authentication'          => 'WPGraphQL JWT Authentication',
	'wp-graphql-headless-login'              => 'Headless Login for WPGraphQL',
	'oauth2-provider'                        => 'WP OAuth Server',
	'auth0'                                  => 'Auth0',
) );

/** What the doctor sends as Authorization, to see whether the web server hands that to PHP. */
define( __NAMESPACE__ . '\STATUS_AUTHORIZATION', 'Bearer cocart-gateway-status' );

function is_status( string $route ): bool {
	return STATUS_ROUTE === $route;
}

/** Reports whether a request without an assertion asks for the status: a gateway must learn that its header was lost. */
function is_status_requested(): bool {
	return STATUS_ROUTE === ( $_GET['rest_route'] ?? '' );
}

/** Answers the status question of the gateway's operator. Without the secret the route does not exist. */
final class Status_Endpoint extends Dispatch_Watcher {

	/** @var Assertion */
	private $asserted;

	/** @var bool Whether Authorization arrived. */
	private $authorization;

	public function __construct( Assertion $asserted ) {
		$this->asserted      = $asserted;
		$this->authorization = STATUS_AUTHORIZATION === authorization();
	}

	public function register(): void {
		set_client( $this->asserted );
		send_header( 'X-CoCart-Gateway-Plugin: ' . VERSION );
		if ( ! is_front_controller() ) {
			refuse_assertion( 'it is for the status, but this is another script' );
		}
		remove_login_cookies();
		remove_authorization();
		$this->register_hooks();
		add_action( 'wp', fn() => $this->check_route( '' ), PHP_INT_MIN );
		add_filter( 'woocommerce_rest_should_lazy_load_namespace', '__return_false' ); // Else its routes are not there for missing_entries().
	}

	protected function check_route( string $route ): void {
		if ( ! is_status( $route ) ) {
			refuse_assertion( 'WordPress dispatches something else for what the gateway took for the status' );
		}
		if ( '' !== $this->asserted->find ) {
			send_status( $this->asserted, array( 'found' => find_users( $this->asserted->find ) ) );
		}
		send_status( $this->asserted, array( 'status' => (object) $this->facts() ) );
	}

	protected function check_batch( array $routes ): void {
	}

	private function facts(): array {
		return array(
			'plugin'        => VERSION,
			'php'           => PHP_VERSION,
			'sapi'          => PHP_SAPI,
			'wordpress'     => (string) ( $GLOBALS['wp_version'] ?? '' ),
			'woocommerce'   => defined( 'WC_VERSION' ) ? (string) \WC_VERSION : '',
			'cocart'        => cocart_version(),
			'routes'        => cocart_namespaces(),
			'missing'       => missing_entries( $this->asserted->entries ),
			'home'          => (string) get_option( 'home' ),
			'siteurl'       => (string) get_option( 'siteurl' ),
			'rest_prefix'   => trim( (string) rest_get_url_prefix(), '/' ),
			'permalinks'    => '' !== (string) get_option( 'permalink_structure' ),
			'tls'           => is_ssl(),
			'environment'   => function_exists( 'wp_get_environment_type' ) ? wp_get_environment_type() : '',
			'required'      => is_enabled( 'COCART_GATEWAY_REQUIRED', false ),
			'secrets'       => count( secrets() ),
			'old_plugin'    => class_exists( '\CoCart\JWTAuthentication\Plugin' ),
			'jwt_plugins'   => jwt_plugins(),
			'object_cache'  => (bool) wp_using_ext_object_cache(),
			'multisite'     => is_multisite(),
			'late'          => Diagnostics::$loaded_late,
			'copies'        => Diagnostics::$copies,
			'authorization' => $this->authorization,
			'paths'         => language_paths(),
		);
	}
}

/** @return string[] The entries of the gateway's site.protect that are no REST route of this shop and have none below them. */
function missing_entries( string $entries ): array {
	return array_values( array_filter( explode( ' ', $entries ), fn( $entry ) => '' !== $entry && ! has_routes( $entry ) ) );
}

/** Reports whether a text is a REST route, as WP_REST_Server::match_request_to_handler() finds it, or begins one. */
function has_routes( string $entry ): bool {
	foreach ( array_keys( rest_get_server()->get_routes() ) as $route ) {
		if ( 0 === stripos( "$route/", "/$entry/" ) || 1 === @preg_match( '@^' . $route . '$@i', "/$entry" ) ) {
			return true;
		}
	}
	return false;
}

/**
 * Returns the users with a login name or an e-mail address, which the operator of the gateway typed. They may be two: a login
 * name can look like the address of another user.
 */
function find_users( string $name ): array {
	$found = array();
	foreach ( array( 'login', 'email' ) as $field ) {
		$user = get_user_by( $field, $name );
		if ( $user ) {
			$found[ (int) $user->ID ] = array( 'sub' => (string) (int) $user->ID, 'login' => (string) $user->user_login );
		}
	}
	return array_values( $found );
}

/**
 * Folders below the Site Address that home_url() names when a page in them is asked for, as language plugins in directory
 * mode have it. Only tried with names of languages; nothing is asked over the network.
 *
 * @return string[] As in /en.
 */
function language_paths(): array {
	$paths = array();
	$home  = rtrim( (string) wp_parse_url( home_setting(), PHP_URL_PATH ), '/' );
	$real  = $_SERVER['REQUEST_URI'] ?? '';
	foreach ( language_folders() as $folder ) {
		$_SERVER['REQUEST_URI'] = "$home/$folder/";
		if ( rtrim( (string) wp_parse_url( home_url( '/' ), PHP_URL_PATH ), '/' ) === "$home/$folder" ) {
			$paths[] = "/$folder";
		}
	}
	$_SERVER['REQUEST_URI'] = $real;
	foreach ( array_slice( (array) apply_filters( 'wpml_active_languages', array() ), 0, 50 ) as $language ) { // WPML, and Polylang for it.
		$path = is_array( $language ) ? rtrim( (string) wp_parse_url( (string) ( $language['url'] ?? '' ), PHP_URL_PATH ), '/' ) : '';
		if ( '' !== $path && 0 === strpos( $path, "$home/" ) && 1 === preg_match( '#^(/[A-Za-z0-9_~-]+)+$#D', $path ) ) {
			$paths[] = substr( $path, strlen( $home ) );
		}
	}
	return array_values( array_unique( $paths ) );
}

/** @return string[] Names that a folder of a language may have: common ones, and those of this shop. */
function language_folders(): array {
	$names = array( 'en', 'de', 'fr', 'es', 'it', 'nl', 'pt', 'pl', 'sv', 'da', 'fi', 'nb', 'no', 'cs', 'sk', 'hu', 'ro', 'bg', 'el', 'tr', 'ru', 'uk', 'ar', 'he', 'fa', 'hi', 'ja', 'ko', 'zh', 'th', 'vi', 'id', 'ms', 'ca', 'hr', 'sr', 'sl', 'lt', 'lv', 'et', 'pt-br', 'en-us', 'en-gb', 'zh-hans', 'zh-hant' );
	foreach ( get_available_languages() as $locale ) {
		array_push( $names, strtolower( strtok( $locale, '_' ) ), strtolower( str_replace( '_', '-', $locale ) ), $locale );
	}
	$translatepress = get_option( 'trp_settings' );
	$slugs          = is_array( $translatepress ) ? $translatepress['url-slugs'] ?? array() : array();
	foreach ( array( $slugs, get_option( 'qtranslate_enabled_languages' ) ) as $own ) {
		$names = array_merge( $names, is_array( $own ) ? array_filter( $own, 'is_string' ) : array() );
	}
	return array_slice( array_unique( array_filter( $names, fn( $name ) => 1 === preg_match( '/^[A-Za-z0-9_~-]+$/D', $name ) ) ), 0, 200 );
}

/**
 * Active plugins that issue access tokens of their own, by the folder that the plugin directory gives them.
 *
 * @return string[] Their names.
 */
function jwt_plugins(): array {
	$network = is_multisite() ? array_keys( (array) get_site_option( 'active_sitewide_plugins', array() ) ) : array();
	$found   = array();
	foreach ( array_merge( (array) get_option( 'active_plugins', array() ), $network ) as $file ) {
		$found[] = JWT_PLUGINS[ strtolower( strtok( (string) $file, '/' ) ) ] ?? null;
	}
	return array_values( array_unique( array_filter( $found ) ) );
}

function cocart_version(): string {
	if ( defined( 'COCART_VERSION' ) ) {
		return (string) \COCART_VERSION;
	}
	return class_exists( '\CoCart' ) && isset( \CoCart::$version ) ? (string) \CoCart::$version : '';
}

/**
 * The namespaces of CoCart's routes. The REST index does not list them: CoCart removes them.
 *
 * @return string[]
 */
function cocart_namespaces(): array {
	$all = rest_get_server()->get_namespaces();
	return array_values( array_filter( $all, fn( $name ) => is_cocart( '/' . $name ) ) );
}

/**
 * Explains to a client that asks for the status, and holds one of the secrets, why it is refused. Other clients learn
 * nothing: whose assertion is for something else, or was signed with another secret.
 */
function explain_refusal( string $token, array $secrets, Refusal $refusal ): void {
	try {
		$asked = Assertion::read_signed( $token, $secrets );
	} catch ( Refusal $stranger ) {
		return;
	}
	if ( 'status' !== $asked->kind ) {
		return;
	}
	$saw = array(
		'aud' => audience(),
		'm'   => (string) ( $_SERVER['REQUEST_METHOD'] ?? '' ),
		'h'   => (string) ( $_SERVER['HTTP_HOST'] ?? '' ),
		't'   => encode( hash( 'sha256', (string) ( $_SERVER['REQUEST_URI'] ?? '' ), true ) ),
	);
	send_header( 'X-CoCart-Gateway-Plugin: ' . VERSION );
	send_status( $asked, array( 'refused' => $refusal->getMessage(), 'saw' => $saw ) );
}

/**
 * Explains the refusal where the secret is defined below "That's all" in wp-config.php: by parse_request that file is read to
 * its end. The late secret verifies nothing but this question, whose answer ends the request.
 */
function explain_late_secret( string $token ): void {
	$late = defined( 'COCART_GATEWAY_SECRET' ) ? (array) constant( 'COCART_GATEWAY_SECRET' ) : array();
	explain_refusal( $token, secrets( $late ), new Refusal( 'COCART_GATEWAY_SECRET is defined too late' ) );
}

/** Ends the request. */
function send_status( Assertion $asked, array $claims ): void {
	send_header( 'X-CoCart-Gateway-Status: ' . $asked->reply( 'status', $claims ) );
	send_header( 'Content-Type: application/json; charset=UTF-8' );
	send_header( 'Cache-Control: no-store' );
	echo '{}';
	exit;
}

// --- For administrators --------------------------------------------------------------------------------------------

/** What this request shows about the set-up. Nothing is stored: the page that an administrator opens shows enough. */
final class Diagnostics {

	/** @var string[] The constants of ours that were defined when this file was loaded. */
	public static $settings = array();

	/** @var bool Whether this file was loaded after the must-use plugins. */
	public static $loaded_late = false;

	/** @var string[] Files like this one that are not in force, because this one was loaded before them. */
	public static $copies = array();

	/** @var bool Whether a good assertion came with the request. */
	public static $verified = false;

	/** @var bool Whether a gateway in its dry run said who the client is. */
	public static $observed = false;

	/** @var string Why the assertion was refused; '' if it was not, or there was none. */
	public static $refusal = '';

	/** @var int|null Seconds that WordPress's clock is ahead of the gateway's, the way of the request included; null: not known. */
	public static $clock_ahead = null;

	/** An upload may have been long on its way. */
	public static function record_clock( Assertion $asserted ): void {
		self::$clock_ahead = 'GET' === ( $_SERVER['REQUEST_METHOD'] ?? '' ) ? time() - $asserted->issued_at : null;
	}
}

/** Called by a copy of this file that was loaded later, of whatever version. */
function another_copy( string $file ): void {
	Diagnostics::$copies[] = file_with_folder( $file );
}

/** A file and its folder: "mu-plugins/cocart-gateway.php". */
function file_with_folder( string $file ): string {
	return basename( dirname( $file ) ) . '/' . basename( $file );
}

/**
 * Returns the results of all checks of the set-up, for Site Health, the notices and monitoring.
 *
 * @return array[] Each with id, status ("good", "recommended" or "critical"), label, description, action ('' if there
 *                 is nothing to do) and notice: whether administrators should read it on every page. Plain text.
 */
function checks(): array {
	$checks = array( check_settings(), check_secret(), check_place(), check_copies(), check_gateway(), check_clock(), check_old_plugin(), check_required(), check_browser_sessions() );
	return array_values( array_filter( $checks ) );
}

function finding( string $id, string $status, string $label, string $description, string $action = '', bool $notice = false ): array {
	return compact( 'id', 'status', 'label', 'description', 'action', 'notice' );
}

/** wp-config.php is read to its end only once all plugins are loaded. */
function check_settings() {
	$late = array_diff( array_filter( SETTINGS, 'defined' ), Diagnostics::$settings );
	if ( ! $late ) {
		return null;
	}
	/* translators: %s: names of constants. */
	$label = sprintf( __( 'Defined too late, and not in force: %s', 'cocart-gateway' ), implode( ', ', $late ) );
	return finding( 'settings', 'critical', $label, __( 'What stands below "That\'s all" in wp-config.php is read after the plugins.', 'cocart-gateway' ), __( 'Move it above that line.', 'cocart-gateway' ), true );
}

function check_secret(): array {
	$set    = configured_secrets();
	$usable = array_filter( $set, __NAMESPACE__ . '\is_usable' );
	$action = __( 'Put the gateway\'s upstream.secret into wp-config.php as COCART_GATEWAY_SECRET. It has 32 bytes or more.', 'cocart-gateway' );
	if ( ! $set ) {
		return finding( 'secret', 'critical', __( 'COCART_GATEWAY_SECRET is missing from wp-config.php', 'cocart-gateway' ), __( 'Without it every assertion of the gateway is refused, and customers cannot log in.', 'cocart-gateway' ), $action, true );
	}
	if ( ! $usable ) {
		return finding( 'secret', 'critical', __( 'COCART_GATEWAY_SECRET is shorter than 32 bytes', 'cocart-gateway' ), __( 'It is not used, so every assertion of the gateway is refused, and customers cannot log in.', 'cocart-gateway' ), $action, true );
	}
	if ( count( $usable ) < count( $set ) ) {
		return finding( 'secret', 'recommended', __( 'One of the secrets in COCART_GATEWAY_SECRET is shorter than 32 bytes', 'cocart-gateway' ), __( 'It is not used; the others are.', 'cocart-gateway' ), $action, true );
	}
	return finding( 'secret', 'good', __( 'The gateway\'s secret is set', 'cocart-gateway' ), __( 'COCART_GATEWAY_SECRET is long enough.', 'cocart-gateway' ) );
}

function check_place(): array {
	if ( Diagnostics::$loaded_late ) {
		return finding( 'must_use', 'critical', __( 'cocart-gateway.php was loaded as an ordinary plugin', 'cocart-gateway' ), __( 'It has to come before all other plugins, or they see requests without an identity.', 'cocart-gateway' ), __( 'Move the file to wp-content/mu-plugins.', 'cocart-gateway' ), true );
	}
	return finding( 'must_use', 'good', __( 'cocart-gateway.php is a must-use plugin', 'cocart-gateway' ), __( 'It is loaded before all other plugins.', 'cocart-gateway' ) );
}

/** A backup, or an ordinary plugin that was copied into mu-plugins instead of moved. */
function check_copies() {
	if ( ! Diagnostics::$copies ) {
		return null;
	}
	/* translators: 1: a file; 2: a version; 3: files. */
	$which = sprintf( __( 'In force is %1$s, version %2$s, because it is loaded first. Not in force: %3$s.', 'cocart-gateway' ), file_with_folder( __FILE__ ), VERSION, implode( ', ', Diagnostics::$copies ) );
	return finding( 'copies', 'recommended', __( 'There is more than one copy of cocart-gateway.php', 'cocart-gateway' ), $which, __( 'Leave one of them, wp-content/mu-plugins/cocart-gateway.php; keep backups under a name that does not end in .php.', 'cocart-gateway' ), true );
}

/** Nothing can be said without a secret, nor where there is no visitor. */
function check_gateway() {
	if ( ! secrets() || defined( 'WP_CLI' ) || defined( 'DOING_CRON' ) ) {
		return null;
	}
	if ( '' !== Diagnostics::$refusal ) {
		return check_refusal( Diagnostics::$refusal );
	}
	if ( Diagnostics::$verified ) {
		return finding( 'in_front', 'good', __( 'The gateway is in front of this site', 'cocart-gateway' ), __( 'This page came through it, and its secret is the one in wp-config.php.', 'cocart-gateway' ) );
	}
	if ( Diagnostics::$observed ) {
		return finding( 'in_front', 'good', __( 'The gateway is in front of this site, in a dry run', 'cocart-gateway' ), __( 'This page came through it, and its secret is the one in wp-config.php. In its dry run it enforces nothing.', 'cocart-gateway' ) );
	}
	if ( is_enabled( 'COCART_GATEWAY_REQUIRED', false ) ) {
		return finding( 'in_front', 'recommended', __( 'CoCart refuses requests that do not come through the gateway', 'cocart-gateway' ), __( 'This page did not come through the gateway, and COCART_GATEWAY_REQUIRED is set: customers who come this way are refused.', 'cocart-gateway' ), __( 'Let the site\'s address lead to the gateway, or take COCART_GATEWAY_REQUIRED out of wp-config.php until it does. If only administrators come this way, nothing needs to be done.', 'cocart-gateway' ), true );
	}
	return finding( 'in_front', 'recommended', __( 'This page did not come through the gateway', 'cocart-gateway' ), __( 'Either the gateway is not in front of this site yet, or you reached WordPress past it.', 'cocart-gateway' ), __( 'Let the site\'s address lead to the gateway, and only the gateway to WordPress.', 'cocart-gateway' ) );
}

/** Derives the cause from the reason that was logged when the assertion was refused. */
function check_refusal( string $why ): array {
	$label = __( 'This page came with a signature of the gateway that was refused', 'cocart-gateway' );
	$shut  = __( 'CoCart refuses its requests until this is fixed.', 'cocart-gateway' );
	if ( strpos( $why, 'COCART_GATEWAY_AUDIENCE' ) ) { // First: it quotes addresses, and there are shops that sell clocks.
		return finding( 'in_front', 'critical', $label, __( 'The gateway is configured with another address of this site.', 'cocart-gateway' ) . ' ' . $shut, __( 'Make the gateway\'s site.url this site\'s address, or name the gateway\'s in COCART_GATEWAY_AUDIENCE.', 'cocart-gateway' ), true );
	}
	if ( preg_match( '/COCART_GATEWAY_SECRET|signature/', $why ) ) {
		return finding( 'in_front', 'critical', $label, __( 'It was made with another secret than the one in wp-config.php.', 'cocart-gateway' ) . ' ' . $shut, __( 'Make COCART_GATEWAY_SECRET the same as the gateway\'s upstream.secret.', 'cocart-gateway' ), true );
	}
	if ( strpos( $why, 'clocks' ) ) {
		return finding( 'in_front', 'critical', $label, __( 'The clocks of gateway and WordPress differ by more than ten seconds.', 'cocart-gateway' ) . ' ' . $shut, __( 'Set both clocks by NTP.', 'cocart-gateway' ), true );
	}
	return finding( 'in_front', 'critical', $label, __( 'Something between gateway and WordPress changes requests, or the signature is forged. PHP\'s error log has the reason.', 'cocart-gateway' ) . ' ' . $shut, __( 'Look for a proxy that changes the host, the path or the method.', 'cocart-gateway' ), true );
}

/** Assertions are made right before they are sent, so what is left of the difference is the clocks'. */
function check_clock() {
	if ( null === Diagnostics::$clock_ahead ) {
		return null;
	}
	if ( abs( Diagnostics::$clock_ahead ) > LEEWAY / 2 ) {
		$status = abs( Diagnostics::$clock_ahead ) > LEEWAY ? 'critical' : 'recommended';
		/* translators: %d: seconds. */
		$differ = sprintf( __( 'They are %d seconds apart. At more than ten seconds every customer of the gateway is refused.', 'cocart-gateway' ), abs( Diagnostics::$clock_ahead ) );
		return finding( 'clock', $status, __( 'The clocks of gateway and WordPress differ', 'cocart-gateway' ), $differ, __( 'Set both clocks by NTP.', 'cocart-gateway' ), true );
	}
	return finding( 'clock', 'good', __( 'The clocks of gateway and WordPress agree', 'cocart-gateway' ), __( 'Signatures of the gateway are valid for seconds.', 'cocart-gateway' ) );
}

function check_required(): array {
	if ( Diagnostics::$observed ) {
		return check_required_in_dry_run();
	}
	if ( is_enabled( 'COCART_GATEWAY_REQUIRED', false ) ) {
		return finding( 'required', 'good', __( 'CoCart answers through the gateway only', 'cocart-gateway' ), __( 'COCART_GATEWAY_REQUIRED is set.', 'cocart-gateway' ) );
	}
	return finding( 'required', 'recommended', __( 'CoCart can be reached without the gateway', 'cocart-gateway' ), __( 'Clients that reach WordPress directly can try passwords, and the gateway does not count or limit them.', 'cocart-gateway' ), __( 'Once the gateway is in front, set COCART_GATEWAY_REQUIRED to true in wp-config.php.', 'cocart-gateway' ) );
}

/** "Log out everywhere" is heard of only from WordPress's own session manager. */
function check_browser_sessions() {
	$manager = secrets() ? apply_filters( 'session_token_manager', 'WP_User_Meta_Session_Tokens' ) : null;
	if ( null === $manager || Session_Tokens::class === $manager ) {
		return null;
	}
	return finding( 'browser_sessions', 'recommended', __( 'Another plugin keeps the sessions of browsers', 'cocart-gateway' ), __( '"Log Out Everywhere Else" does not reach sessions at the gateway.', 'cocart-gateway' ), __( 'Let that plugin call CoCartGateway\end_sessions( $user_id ).', 'cocart-gateway' ) );
}

/** site_status_tests: one test per check that can be made now. */
function site_status_tests( $tests = array() ) {
	if ( ! is_array( $tests ) ) {
		return $tests;
	}
	foreach ( checks() as $check ) {
		$name                     = "cocart_gateway_$check[id]";
		$tests['direct'][ $name ] = array(
			'label' => $check['label'],
			'test'  => fn() => site_health_result( $check, $name ),
		);
	}
	return $tests;
}

/** Returns the form of WP_Site_Health: HTML. */
function site_health_result( array $check, string $name ): array {
	$colors = array( 'good' => 'blue', 'recommended' => 'orange', 'critical' => 'red' );
	return array(
		'label'       => esc_html( $check['label'] ),
		'status'      => $check['status'],
		'badge'       => array( 'label' => 'cocart-gateway', 'color' => $colors[ $check['status'] ] ),
		'description' => '<p>' . esc_html( $check['description'] ) . '</p>',
		'actions'     => '' === $check['action'] ? '' : '<p>' . esc_html( $check['action'] ) . '</p>',
		'test'        => $name,
	);
}

/** Adds to debug_information what support needs. It contains no secret and nothing derived from one. */
function debug_information( $info = array() ) {
	if ( ! is_array( $info ) ) {
		return $info;
	}
	$fields = array(
		'version'    => array( 'label' => __( 'Version', 'cocart-gateway' ), 'value' => VERSION ),
		'audience'   => array( 'label' => __( 'This site, as the gateway names it', 'cocart-gateway' ), 'value' => audience() ),
		'namespaces' => array( 'label' => __( 'Namespaces of CoCart', 'cocart-gateway' ), 'value' => stripslashes( implode( ', ', namespaces() ) ) ),
		'secrets'    => array( 'label' => __( 'Usable secrets', 'cocart-gateway' ), 'value' => count( secrets() ) ),
	);
	foreach ( checks() as $check ) {
		$fields[ $check['id'] ] = array( 'label' => $check['label'], 'value' => $check['description'], 'debug' => $check['status'] );
	}
	$info['cocart-gateway'] = array( 'label' => 'cocart-gateway', 'fields' => $fields );
	return $info;
}

function admin_notices(): void {
	current_user_can( 'manage_options' ) && print_notices();
}

/** On the pages for a whole network WordPress fires no admin_notices. */
function network_admin_notices(): void {
	current_user_can( 'manage_network_options' ) && print_notices();
}

function print_notices(): void {
	foreach ( checks() as $check ) {
		if ( $check['notice'] && 'good' !== $check['status'] ) {
			$class = 'critical' === $check['status'] ? 'notice-error' : 'notice-warning';
			echo '<div class="notice ' . $class . '"><p><strong>cocart-gateway: ' . esc_html( $check['label'] ) . '.</strong> ' . esc_html( "$check[description] $check[action]" ) . '</p></div>';
		}
	}
}

// --- Start ---------------------------------------------------------------------------------------------------------

function start(): void {
	Diagnostics::$settings = array_filter( SETTINGS, 'defined' );
	Diagnostics::$loaded_late     = did_action( 'muplugins_loaded' ) > 0;
	add_action( 'admin_notices', __NAMESPACE__ . '\admin_notices' );
	add_action( 'network_admin_notices', __NAMESPACE__ . '\network_admin_notices' );
	add_filter( 'site_status_tests', __NAMESPACE__ . '\site_status_tests' );
	add_filter( 'debug_information', __NAMESPACE__ . '\debug_information' );
	$secrets = secrets();
	if ( $secrets ) {
		register_account_hooks();
	}
	if ( isset( $_SERVER['HTTP_X_COCART_GATEWAY_OBSERVED'] ) ) {
		start_observed( (string) $_SERVER['HTTP_X_COCART_GATEWAY_OBSERVED'], $secrets );
	}
	if ( isset( $_SERVER['HTTP_X_COCART_GATEWAY'] ) ) {
		start_asserted( (string) $_SERVER['HTTP_X_COCART_GATEWAY'], $secrets );
	} elseif ( is_enabled( 'COCART_GATEWAY_REQUIRED', false ) || is_status_requested() ) {
		( new Closed_Routes( array( 403, 'cocart_gateway_required', 'This request must come through the gateway.', 'a CoCart request came with no assertion' ) ) )->register();
	}
}

/** On every request: accounts are changed in wp-admin, at wp-login.php and on the command line, too. */
function register_account_hooks(): void {
	if ( class_exists( Session_Tokens::class, false ) ) {
		add_filter( 'session_token_manager', __NAMESPACE__ . '\session_token_manager', PHP_INT_MAX );
	}
	add_action( 'wp_logout', __NAMESPACE__ . '\on_logout' );
	add_filter( 'woocommerce_cookie', __NAMESPACE__ . '\keep_cart_of_customer', PHP_INT_MAX );
	( new Account_Changes() )->register_hooks();
	( new Hash_Renewals() )->register_hooks();
	( new App_Sessions() )->register_hooks();
}

/** Refuses CoCart's routes to a bad assertion. It is never treated as a guest: its sender meant to have an identity. */
function start_asserted( string $token, array $secrets ): void {
	$configured = configured_secrets();
	if ( count( array_filter( $configured, __NAMESPACE__ . '\is_usable' ) ) < count( $configured ) ) {
		log_line( 'cocart-gateway: a secret in COCART_GATEWAY_SECRET is shorter than 32 bytes and is not used' );
	}
	try {
		$asserted = Assertion::read( $token, $secrets, audience(), $_SERVER, time() );
	} catch ( Refusal $refusal ) {
		unset( $_SERVER['HTTP_X_COCART_GATEWAY'], $_SERVER['HTTP_X_COCART_GATEWAY_AUTHORIZATION'] );
		Diagnostics::$refusal = $refusal->getMessage();
		log_line( 'cocart-gateway: the assertion was refused: ' . $refusal->getMessage() );
		explain_refusal( $token, $secrets, $refusal );
		if ( ! defined( 'COCART_GATEWAY_SECRET' ) ) {
			add_action( 'parse_request', fn() => explain_late_secret( $token ), PHP_INT_MIN );
		}
		( new Closed_Routes( array( 403, 'cocart_gateway_bad_assertion', 'This request could not be verified.', '' ) ) )->register();
		return;
	}
	Diagnostics::$verified = true;
	Diagnostics::record_clock( $asserted );
	restore_authorization( $asserted );
	App_Sessions::$asserted = 'site' === $asserted->kind ? $asserted : null;
	$handlers = array( 'status' => Status_Endpoint::class, 'browser' => Browser_Login::class );
	$handler  = $handlers[ $asserted->kind ] ?? Request_Guard::class;
	( new $handler( $asserted ) )->register();
}

start();

endif;
