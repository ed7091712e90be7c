<?php
/**
 * What a cart looks like in an answer: the keys and their order are CoCart's, version 2 and 1.
 */

defined( 'ABSPATH' ) || exit;

function cocart_standin_cart_answer( CoCart_Standin_Session $session, array $notices = array() ) {
	$items = array();
	$total = 0;
	foreach ( $session->items as $id => $quantity ) {
		$items[] = cocart_standin_item_answer( $id, $quantity );
		$total  += cocart_standin_products()[ $id ][3] * $quantity;
	}
	return array(
		'cart_hash'      => $items ? md5( wp_json_encode( $session->items ) . $total ) : 'No items in cart so no hash',
		'cart_key'       => $session->shown,
		'currency'       => cocart_standin_currency(),
		'customer'       => cocart_standin_customer_answer( wp_get_current_user() ),
		'items'          => $items,
		'item_count'     => array_sum( $session->items ),
		'items_weight'   => '0',
		'coupons'        => array(),
		'needs_payment'  => $total > 0,
		'needs_shipping' => false,
		'shipping'       => array(),
		'fees'           => array(),
		'taxes'          => array(),
		'totals'         => cocart_standin_totals_answer( $total ),
		'removed_items'  => array(),
		'cross_sells'    => array(),
		'notices'        => $notices,
	);
}

function cocart_standin_item_answer( $id, $quantity ) {
	list( $name, $slug, $sku, $price ) = cocart_standin_products()[ $id ];
	return array(
		'item_key'       => md5( (string) $id ),
		'id'             => $id,
		'name'           => $name,
		'title'          => $name,
		'price'          => (string) $price,
		'quantity'       => array( 'value' => $quantity, 'min_purchase' => 1, 'max_purchase' => 100 ),
		'totals'         => array( 'subtotal' => (string) ( $price * $quantity ), 'subtotal_tax' => 0, 'total' => $price * $quantity / 100, 'tax' => 0 ),
		'slug'           => $slug,
		'meta'           => array(
			'product_type' => 'simple',
			'sku'          => $sku,
			'dimensions'   => array( 'length' => '', 'width' => '', 'height' => '', 'unit' => 'in' ),
			'weight'       => '0.0',
			'variation'    => array(),
		),
		'backorders'     => '',
		'cart_item_data' => array(),
		'featured_image' => content_url( 'uploads/woocommerce-placeholder.webp' ),
	);
}

function cocart_standin_customer_answer( WP_User $user ) {
	$billing = $user->ID ? array( $user->first_name, $user->last_name, (string) get_user_meta( $user->ID, 'billing_phone', true ), $user->user_email ) : array( '', '', '', '' );
	return array(
		'billing_address'  => cocart_standin_address( 'billing', $billing[0], $billing[1] ) + array( 'billing_phone' => $billing[2], 'billing_email' => $billing[3] ),
		'shipping_address' => cocart_standin_address( 'shipping', $billing[0], $billing[1] ),
	);
}

function cocart_standin_address( $kind, $first, $last ) {
	$fields = array( 'first_name' => $first, 'last_name' => $last, 'country' => 'US', 'address_1' => '', 'address_2' => '', 'city' => '', 'state' => 'CA', 'postcode' => '' );
	$named  = array();
	foreach ( $fields as $name => $value ) {
		$named[ "{$kind}_$name" ] = $value;
	}
	return $named;
}

function cocart_standin_totals_answer( $total ) {
	$zeros = array_fill_keys( array( 'subtotal', 'subtotal_tax', 'fee_total', 'fee_tax', 'discount_total', 'discount_tax', 'shipping_total', 'shipping_tax', 'total', 'total_tax' ), '0' );
	return array_merge( $zeros, array( 'subtotal' => (string) $total, 'total' => (string) $total ) );
}

function cocart_standin_cart_answer_v1( CoCart_Standin_Session $session ) {
	$items = array();
	foreach ( $session->items as $id => $quantity ) {
		list( $name, , , $price ) = cocart_standin_products()[ $id ];

		$items[ md5( (string) $id ) ] = array(
			'key'               => md5( (string) $id ),
			'product_id'        => $id,
			'variation_id'      => 0,
			'variation'         => array(),
			'quantity'          => $quantity,
			'data_hash'         => md5( 'simple' ),
			'line_tax_data'     => array( 'subtotal' => array(), 'total' => array() ),
			'line_subtotal'     => $price * $quantity / 100,
			'line_subtotal_tax' => 0,
			'line_total'        => $price * $quantity / 100,
			'line_tax'          => 0,
			'data'              => new stdClass(),
			'product_name'      => $name,
			'product_title'     => $name,
			'product_price'     => '$' . number_format( $price / 100, 2 ),
		);
	}
	return $items;
}
