<?php
// Answers, for each name read in base64 from a line of standard input, with what the
// functions of an installed WordPress make of it: one line of base64 of sanitize_user,
// base64 of sanitize_text_field, is_email (0 or 1), is_phone (0 or 1).
//
//	php names.php /usr/share/wordpress

// What the functions call, as an English site without plugins answers.
function apply_filters( $hook, $value ) {
	return $value;
}

function get_option( $name ) {
	return 'UTF-8';
}

function get_locale() {
	return 'en_US';
}

function mbstring_binary_safe_encoding() {
}

function reset_mbstring_encoding() {
}

function wp_load_alloptions() {
	return array( 'blog_charset' => 'UTF-8' );
}

function wp_installing() {
	return false;
}

define( 'ABSPATH', $argv[1] . '/' );
require $argv[1] . '/wp-includes/compat.php';
require $argv[1] . '/wp-includes/formatting.php';
if ( ! function_exists( 'wp_kses_normalize_entities' ) ) {
	require $argv[1] . '/wp-includes/kses.php';
}

// WooCommerce's WC_Validation::is_phone accepts what consists of digits, blanks and the
// signs # _ - + / ( ) . alone.
function phone( $text ) {
	return '' === trim( preg_replace( '/[\s\#0-9_\-\+\/\(\)\.]/', '', $text ) );
}

while ( false !== ( $line = fgets( STDIN ) ) ) {
	$name = base64_decode( trim( $line ) );
	echo base64_encode( sanitize_user( $name ) ), ',', base64_encode( sanitize_text_field( $name ) ), ',',
		is_email( $name ) ? 1 : 0, ',', phone( $name ) ? 1 : 0, "\n";
	flush();
}
