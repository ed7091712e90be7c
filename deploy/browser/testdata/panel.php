<?php
/**
 * Prints the panel that the must-use plugin shows on the page of user 2 in wp-admin to the administrator, user 1. WordPress is
 * replaced by what the panel calls.
 */
define( 'ABSPATH', __DIR__ );
class WP_User {
	public $ID = 2;
}
function add_action() {}
function add_filter() {}
function did_action() {
	return 0;
}
function apply_filters( $name, $value ) {
	return $value;
}
function get_option( $name, $default = false ) {
	return 'home' === $name ? 'https://shop.example' : $default;
}
function wp_load_alloptions() {
	return array( 'home' => 'https://shop.example' );
}
function is_multisite() {
	return false;
}
function is_admin() {
	return true;
}
function get_userdata( $id ) {
	return new WP_User();
}
function get_current_user_id() {
	return 1;
}
function current_user_can( $capability ) {
	return in_array( $capability, explode( ',', $GLOBALS['argv'][1] ), true );
}
function __( $text ) {
	return $text;
}
function esc_html( $text ) {
	return htmlspecialchars( $text );
}
function esc_html__( $text ) {
	return htmlspecialchars( $text );
}
function esc_attr( $text ) {
	return htmlspecialchars( $text );
}
function esc_url( $address ) {
	return htmlspecialchars( $address );
}
function add_query_arg( $arguments, $address ) {
	return $address . '?' . http_build_query( $arguments );
}
function admin_url( $path ) {
	return "/wp-admin/$path";
}
function wp_create_nonce( $action ) {
	return substr( md5( $action ), 0, 10 );
}
function wp_nonce_url( $address, $action ) {
	return $address . '&_wpnonce=' . wp_create_nonce( $action );
}
function wp_json_encode( $value ) {
	return json_encode( $value );
}
function wp_parse_url( $address, $part ) {
	return parse_url( $address, $part );
}
function wp_print_inline_script_tag( $script ) {
	echo "<script>$script</script>";
}

$_SERVER += array( 'REQUEST_METHOD' => 'GET', 'REQUEST_URI' => '/wp-admin/user-edit.php?user_id=2', 'HTTP_HOST' => 'shop.example' );
require __DIR__ . '/../../wordpress/cocart-gateway.php';
CoCartGateway\App_Sessions::$asserted = ( new ReflectionClass( 'CoCartGateway\Assertion' ) )->newInstanceWithoutConstructor();
$panel = new CoCartGateway\App_Sessions();
$panel->print_user_panel( new WP_User() );
if ( in_array( 'edit_users', explode( ',', $argv[1] ), true ) ) {
	$panel->print_script();
}
