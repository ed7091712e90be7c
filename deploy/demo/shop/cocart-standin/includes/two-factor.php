<?php
/**
 * A second factor for those users who have the meta COCART_STANDIN_2FA, which is the code they
 * must send as 2fa_code. Providers: "email" (default) and "totp", told as 2fa_provider.
 */

defined( 'ABSPATH' ) || exit;

const COCART_STANDIN_2FA = '_cocart_standin_2fa';

add_filter( 'cocart_login_permission_callback', 'cocart_standin_ask_for_second_factor', 10, 3 );

function cocart_standin_ask_for_second_factor( $allowed, WP_User $user, WP_REST_Request $request ) {
	$code = (string) get_user_meta( $user->ID, COCART_STANDIN_2FA, true );
	if ( true !== $allowed || '' === $code ) {
		return $allowed;
	}
	$providers = array( 'email', 'totp' );
	$provider  = isset( $request['2fa_provider'] ) ? $request['2fa_provider'] : 'email';
	if ( ! in_array( $provider, $providers, true ) ) {
		return cocart_standin_error( 'cocart_2fa_invalid_provider', 'This two-factor provider is not available.', 400 );
	}
	$given = isset( $request['2fa_code'] ) && is_scalar( $request['2fa_code'] ) ? (string) $request['2fa_code'] : '';
	if ( '' === $given ) {
		$more = array( 'available_providers' => $providers, 'default_provider' => 'email', 'email_sent' => true );
		return cocart_standin_error( 'cocart_2fa_required', 'Two-factor authentication is required.', 401, $more );
	}
	if ( ! hash_equals( $code, $given ) ) {
		return cocart_standin_error( 'cocart_2fa_invalid_code', 'The two-factor code is not valid.', 401 );
	}
	return true;
}
