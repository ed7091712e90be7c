<?php
/**
 * The wp-config.php of a demo shop. It is written anew at each start: changes here are lost.
 */
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', {{php .User}} );
// MariaDB asks the kernel who is at the other end of its socket; no other user gets in, and no password is needed.
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', {{php (printf "localhost:%s/run/mysql.sock" .Dir)}} );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
$table_prefix = 'wp_';

foreach ( {{php .Salts}} as $cocart_demo_name => $cocart_demo_value ) {
	define( $cocart_demo_name, $cocart_demo_value );
}

{{if not .Network}}define( 'WP_HOME', {{php .SiteURL}} );
define( 'WP_SITEURL', {{php .SiteURL}} );
{{end}}define( 'WP_ENVIRONMENT_TYPE', {{php .Environment}} );
// Debian's releases have different themes.
$cocart_demo_themes = array_map( 'basename', glob( __DIR__ . '/wp-content/themes/twenty*' ) );
define( 'WP_DEFAULT_THEME', in_array( 'twentytwentyone', $cocart_demo_themes, true ) ? 'twentytwentyone' : $cocart_demo_themes[0] );

// The shop keeps to itself: no cron runs beside a request, nothing is fetched, nothing is updated.
define( 'DISABLE_WP_CRON', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'DISALLOW_FILE_MODS', true );
define( 'WP_DEBUG', false );

{{range .Constants}}define( {{php .Name}}, {{php .Value}} );
{{end}}
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
