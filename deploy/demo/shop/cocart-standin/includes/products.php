<?php
/**
 * Three products, prices in cents.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'rest_api_init', 'cocart_standin_register_products' );

function cocart_standin_products() {
	return array(
		12 => array( 'Plain Mug', 'plain-mug', 'mug-1', 950 ),
		13 => array( 'Paper Notebook', 'paper-notebook', 'book-1', 420 ),
		14 => array( 'Wooden Spoon', 'wooden-spoon', 'spoon-1', 675 ),
	);
}

function cocart_standin_register_products() {
	if ( ! cocart_standin_since( '3.1' ) ) { // Until then they are an add-on.
		return;
	}
	$route = array( 'methods' => 'GET', 'callback' => 'cocart_standin_answer_products', 'permission_callback' => '__return_true' );
	register_rest_route( cocart_standin_namespace() . '/v2', '/products', $route );
	register_rest_route( cocart_standin_namespace() . '/v1', '/products', $route );
}

function cocart_standin_answer_products( WP_REST_Request $request ) {
	$all      = cocart_standin_products();
	$per_page = max( 1, min( 100, (int) ( $request['per_page'] ?: 10 ) ) );
	$page     = max( 1, (int) ( $request['page'] ?: 1 ) );
	$pages    = (int) ceil( count( $all ) / $per_page );
	$shown    = array();
	foreach ( array_slice( $all, ( $page - 1 ) * $per_page, $per_page, true ) as $id => list( $name, $slug, $sku, $price ) ) {
		$shown[] = array(
			'id'        => $id,
			'name'      => $name,
			'slug'      => $slug,
			'permalink' => home_url( "/product/$slug/" ),
			'sku'       => $sku,
			'type'      => 'simple',
			'prices'    => array( 'price' => (string) $price, 'currency' => cocart_standin_currency() ),
		);
	}
	$self     = rest_url( cocart_standin_namespace() . '/v2/products' );
	$response = rest_ensure_response(
		array(
			'products'       => $shown,
			'page'           => $page,
			'total_pages'    => $pages,
			'total_products' => count( $all ),
			'_links'         => array( 'self' => array( array( 'href' => $self ) ) ),
		)
	);
	$response->header( 'X-WP-Total', (string) count( $all ) );
	$response->header( 'X-WP-TotalPages', (string) $pages );
	$response->header( 'Last-Modified', gmdate( 'D, d M Y H:i:s', filemtime( __FILE__ ) ) . ' GMT' );
	if ( $page < $pages ) {
		$response->link_header( 'next', add_query_arg( array( 'per_page' => $per_page, 'page' => $page + 1 ), $self ) );
	}
	return $response;
}

function cocart_standin_currency() {
	return array(
		'currency_code'               => 'USD',
		'currency_symbol'             => '$',
		'currency_symbol_pos'         => 'currency_prefix',
		'currency_minor_unit'         => 2,
		'currency_decimal_separator'  => '.',
		'currency_thousand_separator' => ',',
		'currency_prefix'             => '$',
		'currency_suffix'             => '',
	);
}
