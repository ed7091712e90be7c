<?php
/**
 * Carts on disk: one row per cart key, holding product id => quantity.
 */

defined( 'ABSPATH' ) || exit;

function cocart_standin_carts_table() {
	return $GLOBALS['wpdb']->prefix . 'cocart_standin_carts';
}

function cocart_standin_create_carts_table() {
	global $wpdb;
	$wpdb->query(
		'CREATE TABLE IF NOT EXISTS ' . cocart_standin_carts_table() . ' (
			cart_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
			cart_key varchar(42) NOT NULL UNIQUE,
			cart_value longtext NOT NULL,
			cart_created bigint NOT NULL,
			cart_expiry bigint NOT NULL
		) ' . $wpdb->get_charset_collate()
	);
}

/** The items of a cart; an unknown one is an empty one. */
function cocart_standin_read_cart( $key ) {
	global $wpdb;
	$value = $wpdb->get_var( $wpdb->prepare( 'SELECT cart_value FROM ' . cocart_standin_carts_table() . ' WHERE cart_key = %s', $key ) );
	$items = null === $value ? array() : json_decode( $value, true );
	return is_array( $items ) ? $items : array();
}

function cocart_standin_write_cart( $key, array $items, $expiry ) {
	global $wpdb;
	$value = wp_json_encode( (object) $items );
	$wpdb->query(
		$wpdb->prepare(
			'INSERT INTO ' . cocart_standin_carts_table() . ' (cart_key, cart_value, cart_created, cart_expiry) VALUES (%s, %s, %d, %d)
			ON DUPLICATE KEY UPDATE cart_value = VALUES(cart_value), cart_expiry = VALUES(cart_expiry)',
			$key,
			$value,
			time(),
			$expiry
		)
	);
}

function cocart_standin_list_carts() {
	return $GLOBALS['wpdb']->get_results( 'SELECT * FROM ' . cocart_standin_carts_table() . ' ORDER BY cart_id' );
}
