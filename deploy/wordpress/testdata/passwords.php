<?php
/**
 * How WordPress's versions check and store passwords. Hashes are readable here: "KIND PASSWORD", with kinds that look
 * as the real ones, and MD5 is real.
 */

function hashed( string $kind, string $password ): string {
	return 'md5' === $kind ? md5( $password ) : "$kind$password";
}

/** What the version under test hashes with. */
function newest_kind(): string {
	return $GLOBALS['newest'] ?? ( version() >= 6.8 ? '$wp$2y$10$' : '$P$B' );
}

function version(): float {
	return $GLOBALS['wordpress_version'] ?? 6.1;
}

/** Before 6.8 the check itself renews MD5, and hands the filter a hash made anew. */
function wp_check_password( $password, $hash, $user_id = '' ) {
	$GLOBALS['sent']['checks'][] = $hash;
	$kind                        = 32 === strlen( $hash ) ? 'md5' : substr( $hash, 0, strlen( $hash ) - strlen( $password ) );
	$fits                        = hashed( $kind, $password ) === $hash;
	if ( 'md5' === $kind && $fits && $user_id && version() < 6.8 ) {
		wp_set_password( $password, $user_id );
		$hash = hashed( newest_kind(), $password );
	}
	return apply_filters( 'check_password', $fits, $password, $hash, $user_id );
}

function wp_set_password( $password, $user_id ) {
	$before = get_userdata( $user_id );
	store( $user_id, array( 'user_pass' => hashed( newest_kind(), $password ) ) );
	if ( version() >= 6.8 ) {
		do_action( 'wp_set_password', $password, $user_id, $before );
	} elseif ( version() >= 6.2 ) {
		do_action( 'wp_set_password', $password, $user_id );
	}
}

/** wp_update_user() with a password. 7.1 tells of it before it is stored, 6.8 not at all. */
function set_password_in_profile( int $user_id, string $password ): void {
	$before = get_userdata( $user_id );
	if ( version() >= 7.1 ) {
		do_action( 'wp_set_password', $password, $user_id, $before );
	}
	store( $user_id, array( 'user_pass' => hashed( newest_kind(), $password ) ) );
	do_action( 'profile_update', $user_id, $before );
}

/** The database first, then the cache; the hook tells the user as the cache had it. */
function store( int $user_id, array $fields ): void {
	$before                         = get_userdata( $user_id );
	$GLOBALS['users'][ $user_id ] = $fields + $GLOBALS['users'][ $user_id ];
	do_action( 'clean_user_cache', $user_id, $before );
}

/** wp_authenticate_username_password(). */
function authenticate( int $user_id, string $password ): bool {
	$hash = get_userdata( $user_id )->user_pass;
	$fits = wp_check_password( $password, $hash, $user_id );
	if ( $fits && version() >= 6.8 && 0 !== strpos( $hash, newest_kind() ) ) {
		wp_set_password( $password, $user_id );
	}
	return $fits;
}

/** A plugin that brings bcrypt to older versions: all within the check, and without a word to others. */
function bcrypt_plugin( int $user_id, string $password ): bool {
	$hash = get_userdata( $user_id )->user_pass;
	$fits = wp_check_password( $password, $hash );
	if ( $fits ) {
		$hash = '$2y$10$' . $password;
		store( $user_id, array( 'user_pass' => $hash ) );
	}
	return apply_filters( 'check_password', $fits, $password, $hash, $user_id );
}
