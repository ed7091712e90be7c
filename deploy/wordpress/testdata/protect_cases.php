<?php
/** A customer on the routes and paths that the gateway's site.protect lists, and on no others. */

function protected_at( string $entry, string $route, string $path = '' ): callable {
	return function () use ( $entry, $route, $path ) {
		arrive( 'customer', array(), array( 'protect' => $entry ) );
		$GLOBALS['wp'] = (object) array( 'request' => $path );
		serve( $route );
	};
}

$as_alice = fn( array $sent ) => same( array( true, 2 ), array( $sent['finished'] ?? false, get_current_user_id() ), 'served as alice' );
foreach ( array(
	array( 'wc/store', '/wc/store/v1/cart', true ),
	array( 'wc/store', '/wc/store', true ),
	array( 'wc/store', '/WC/Store/v1/cart/', true ),
	array( 'wc/store', '/wc/store/v1/batch', true ),
	array( 'wc/store', '/wc/storefront', false ),
	array( 'wc/store', '/wc/v3/orders', false ),
	array( 'wc/store', '/cocart/v2/cart', false ),
	array( 'wc/store', '/batch/v1', false ),
	array( 'wc/store', '', false ),
	array( 'wc/sto.e', '/wc/store/v1/cart', false ),
	array( 'wp/v2/users/me', '/wp/v2/users/me', true ),
	array( 'wp/v2/users/me', '/wp/v2/users', false ),
	array( 'wp/v2/users/me', '/wp/v2/users/3', false ),
	array( 'wp/v2/users/me', '/wp/v2/users/me/application-passwords', false ),
	array( 'cocart', '/cocart/v2/cart', false ),
	array( 'batch', '/batch/v1', false ),
	array( '/graphql', '/graphql', false ),
) as list( $entry, $route, $admitted ) ) {
	test( "site.protect has $entry, WordPress dispatches \"$route\"", protected_at( $entry, $route ), $admitted ? $as_alice : bad_assertion() );
}
foreach ( array( 'graphql' => true, 'GraphQL' => true, 'graphql/x' => false, '' => false, 'my-account' => false ) as $path => $admitted ) {
	test( "site.protect has /graphql, WordPress shows \"$path\"", protected_at( '/graphql', '', (string) $path ), $admitted ? $as_alice : bad_assertion() );
}
test( 'a customer of CoCart on a route that nothing protects', function () {
	arrive( 'customer' );
	serve( '/wc/store/v1/cart' );
}, bad_assertion() );

$batches = array( 'of the store' => array( array( 'path' => '/wc/store/v1/cart/add-item' ), true ), 'of another route' => array( array( 'path' => '/wc/storefront' ), false ), 'of CoCart' => array( array( 'path' => '/cocart/v2/cart' ), false ), 'of no path' => array( array(), false ) );
foreach ( $batches as $name => list( $inside, $admitted ) ) {
	test(
		"a batch of the Store API $name",
		function () use ( $inside ) {
			arrive( 'customer', array( 'REQUEST_METHOD' => 'POST' ), array( 'protect' => 'wc/store' ) );
			serve( '/wc/store/v1/batch', null, array( 'requests' => array( $inside ) ) );
		},
		$admitted ? $as_alice : bad_assertion()
	);
}
