<?php
/**
 * Makes the shop: WordPress's tables, addresses, the stand-in and the accounts.
 * Run on the command line with the administrator's password on standard input.
 */
define( 'WP_INSTALLING', true );

// WordPress would announce the new site by e-mail.
function wp_new_blog_notification() {}

require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';

wp_install( 'Demo Shop', 'admin', 'admin@example.com', false, '', trim( stream_get_contents( STDIN ) ) );
update_option( 'permalink_structure', '/%postname%/' );
update_option( 'default_comment_status', 'closed' );
update_option( 'default_ping_status', 'closed' );
update_option( 'blogdescription', 'WordPress behind cocart-gateway' );
wp_delete_comment( 1, true );

$problem = activate_plugin( 'cocart-standin/cocart-standin.php' );
if ( is_wp_error( $problem ) ) {
	fwrite( STDERR, 'activating the stand-in: ' . $problem->get_error_message() . "\n" );
	exit( 1 );
}

// WordPress ends with exit code 0 where it dies, so success has to be said.
echo 'done';
