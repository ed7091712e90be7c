<?php
/** Whose cart a key names, by the values that PHP received. */

/** A request of this kind for this route, with these cart keys; alice is 2, and carol, whose cart is asked for, is 3. */
function with_cart_key( string $kind, array $sent, string $route = '/cocart/v2/cart' ): callable {
	return function () use ( $kind, $sent, $route ) {
		$_GET  = $sent['query'] ?? array();
		$_POST = $sent['form'] ?? array();
		$posts = preg_match( '#login|refresh#', $route ) ? array( 'REQUEST_METHOD' => 'POST' ) : array();
		arrive( $kind, ( $sent['server'] ?? array() ) + $posts + array( 'REQUEST_URI' => "/wp-json$route" ) );
		load_cocart();
		add_action( 'init', fn() => $GLOBALS['sent']['keys'] = array( $_REQUEST['cart_key'] ?? null, $_GET['cart_key'] ?? null, $_POST['cart_key'] ?? null, $_SERVER['HTTP_CART_KEY'] ?? null, $_SERVER['HTTP_COCART_API_CART_KEY'] ?? null ) );
		serve( $route );
	};
}

function not_your_cart( string $code ): callable {
	return function ( array $sent ) use ( $code ) {
		refused( 403, $code, 'The cart key belongs to a customer. Leave it out: your own cart comes with your login.' )( $sent );
		same( array( null, null, null, null, null ), $sent['keys'], 'keys that CoCart saw' );
	};
}

function served_with( ...$keys ): callable {
	return function ( array $sent ) use ( $keys ) {
		same( array( true, 200 ), array( $sent['finished'] ?? false, $sent['status'] ), 'served' );
		same( $keys, array_values( array_filter( $sent['keys'], 'is_string' ) ), 'keys that CoCart saw' );
	};
}

$places = array(
	'the query'                  => fn( $key ) => array( 'query' => array( 'cart_key' => $key ) ),
	'a form'                     => fn( $key ) => array( 'form' => array( 'cart_key' => $key ) ),
	'a form, beside the query'   => fn( $key ) => array( 'form' => array( 'cart_key' => $key ), 'query' => array( 'cart_key' => 't_guest' ) ),
	'Cart-Key'                   => fn( $key ) => array( 'server' => array( 'HTTP_CART_KEY' => $key ) ),
	'CoCart-API-Cart-Key'        => fn( $key ) => array( 'server' => array( 'HTTP_COCART_API_CART_KEY' => $key ) ),
);
foreach ( $places as $place => $with ) {
	if ( 'a form, beside the query' !== $place ) {
		test( "a guest with the number of a customer in $place", with_cart_key( 'guest', $with( '3' ) ), not_your_cart( 'cocart_must_authenticate_user' ) );
		test( "a customer with the number of another in $place", with_cart_key( 'customer', $with( '3' ) ), not_your_cart( 'cocart_gateway_not_your_cart' ) );
		test( "somebody by password with the number of another in $place", with_cart_key( 'credentials', array_merge_recursive( $with( '3' ), basic( 'alice:wonderland-1' ) ) ), not_your_cart( 'cocart_gateway_not_your_cart' ) );
		test( "a customer by password with the own number in $place", with_cart_key( 'credentials', array_merge_recursive( $with( '2' ), basic( 'alice:wonderland-1' ) ) ), served_with() );
		test( "a customer with their own number in $place", with_cart_key( 'customer', $with( '2' ) ), served_with() );
		test( "a guest with a key that an app made of the time, in $place", with_cart_key( 'guest', $with( '1764359999' ) ), fn( array $sent ) => same( true, $sent['finished'] ?? false ) );
	}
	foreach ( array( '/cocart/v2/products', '/cocart/v1/products/12', '/cocart/v2/store', '/cocart/products' ) as $route ) {
		test( "a guest with the number of a customer in $place, on $route, which shows no cart", with_cart_key( 'guest', $with( '3' ), $route ), fn( array $sent ) => same( array( true, false ), array( $sent['finished'] ?? false, in_array( '3', $sent['keys'], true ) ) ) );
	}
	test( "a login with the number of another customer in $place goes on without it", with_cart_key( 'login', array_merge_recursive( $with( '3' ), basic( 'alice:wonderland-1' ) ), '/cocart/v2/login' ), fn( array $sent ) => same( array( true, false ), array( $sent['finished'] ?? false, in_array( '3', $sent['keys'], true ) ) ) );
}
foreach ( array( '3.', ' 3', "3\n", '+3', '<b>3', '3:', "\u{200b}3", '3%', '(3)' ) as $key ) {
	test( 'a spelling of 3 that CoCart cleans: ' . json_encode( $key ), with_cart_key( 'guest', array( 'form' => array( 'cart_key' => $key ) ) ), not_your_cart( 'cocart_must_authenticate_user' ) );
}
foreach ( array( 't_3', '3_', '3-', '3a', 'order:3@shop.example', '0', '', '99999', '31', '00000000000000000000003' ) as $key ) {
	test( 'a key that is no customer\'s: ' . json_encode( $key ), with_cart_key( 'guest', array( 'query' => array( 'cart_key' => $key ) ) ), fn( array $sent ) => same( true, $sent['finished'] ?? false ) );
}
test( 'a list of keys', with_cart_key( 'guest', array( 'query' => array( 'cart_key' => array( '3' ) ) ) ), fn( array $sent ) => same( true, $sent['finished'] ?? false ) );
test( 'a page of the shop has no cart keys', fn() => ( $_GET = array( 'cart_key' => '3' ) ) && ( arrive( 'site', array( 'REQUEST_URI' => '/?cart_key=3' ) ) || serve( '', fn() => $GLOBALS['sent']['key'] = $_GET['cart_key'] ) ), fn( array $sent ) => same( '3', $sent['key'] ?? null ) );
