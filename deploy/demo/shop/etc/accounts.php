<?php
/**
 * Brings the accounts back to what the documentation says; with $fresh it also removes
 * every other customer, all carts, all transients, and whatever was noted on the accounts.
 */
$people = array(
	2 => array( 'alice', 'wonderland-1', 'Alice', 'Liddell', '+15550100' ),
	3 => array( 'bob', 'builder-2-Strong', 'Bob', 'Builder', '' ),
	// CoCart's form and JSON login mangle this one, its Basic login does not.
	4 => array( 'carol', 'p<b>a%41 ss  ü"\\', 'Carol', 'Symbols', '' ),
);

global $wpdb;
if ( $fresh ) {
	$wpdb->query( "DELETE FROM {$wpdb->users} WHERE ID > 1" );
	$wpdb->query( "DELETE FROM {$wpdb->usermeta} WHERE user_id > 1" );
	foreach ( is_multisite() ? get_sites( array( 'fields' => 'ids' ) ) : array( 0 ) as $site ) {
		$site && switch_to_blog( $site );
		$wpdb->query( 'DELETE FROM ' . cocart_standin_carts_table() );
		$wpdb->query( "DELETE FROM {$wpdb->options} WHERE option_name LIKE '\\_transient\\_%'" );
		$site && restore_current_blog();
	}
	wp_cache_flush();
}

foreach ( $people as $id => list( $login, $password, $first, $last, $phone ) ) {
	$user = get_userdata( $id );
	if ( $user && wp_check_password( $password, $user->user_pass, $id ) && "$login@example.com" === $user->user_email ) {
		continue;
	}
	if ( ! $user ) {
		// wp_insert_user takes no id, and the examples name them.
		$wpdb->insert( $wpdb->users, array( 'ID' => $id, 'user_login' => $login ) );
		clean_user_cache( $id );
	}
	wp_insert_user(
		array(
			'ID'            => $id,
			'user_login'    => $login,
			'user_nicename' => $login,
			'user_pass'     => wp_hash_password( $password ),
			'user_email'    => "$login@example.com",
			'first_name'    => $first,
			'last_name'     => $last,
			'display_name'  => "$first $last",
			'role'          => 'customer',
		)
	);
	update_user_meta( $id, 'billing_phone', $phone );
}
