<?php
/**
 * The tokens by which WooCommerce's Store API finds a cart without a cookie: JWTs of the user or guest, signed with a salt of
 * WordPress. Other plugins verify them by this class.
 */

namespace Automattic\WooCommerce\StoreApi\Utilities;

defined( 'ABSPATH' ) || exit;

final class CartTokenUtils {
	public static function get_cart_token( string $customer ): string {
		$claims = array( 'user_id' => $customer, 'exp' => time() + 2 * DAY_IN_SECONDS, 'iss' => 'store-api', 'iat' => time() );
		$input  = self::encode( wp_json_encode( array( 'alg' => 'HS256', 'typ' => 'JWT' ) ) ) . '.' . self::encode( wp_json_encode( $claims ) );
		return $input . '.' . self::signature( $input );
	}

	public static function validate_cart_token( string $token ): bool {
		$end = strrpos( $token, '.' );
		return false !== $end && hash_equals( self::signature( substr( $token, 0, $end ) ), substr( $token, $end + 1 ) )
			&& self::get_cart_token_payload( $token )['exp'] > time();
	}

	/** Of a valid token. */
	public static function get_cart_token_payload( string $token ): array {
		return json_decode( base64_decode( strtr( explode( '.', $token )[1], '-_', '+/' ) ), true );
	}

	private static function signature( string $input ): string {
		return self::encode( hash_hmac( 'sha256', $input, '@' . wp_salt(), true ) );
	}

	private static function encode( string $bytes ): string {
		return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
	}
}
