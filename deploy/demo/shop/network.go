package shop

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// isNetwork holds once the network is there; while it is made, WordPress is a single site.
func (s *Shop) isNetwork() bool { return s.config.Network && s.place.exists(networkFile) }

func (s *Shop) networkConstants() map[string]any {
	if !s.isNetwork() {
		return nil
	}
	return map[string]any{
		"MULTISITE": true, "SUBDOMAIN_INSTALL": false, "DOMAIN_CURRENT_SITE": s.siteHost(), "PATH_CURRENT_SITE": "/",
		"SITE_ID_CURRENT_SITE": 1, "BLOG_ID_CURRENT_SITE": 1,
	}
}

// networkFile is there once the tables of the network are.
const networkFile = "network"

// makeNetwork turns the new site into the first one of a network, and adds a second one.
func (s *Shop) makeNetwork(ctx context.Context) error {
	if err := s.place.remove(networkFile); err != nil || !s.config.Network {
		return err
	}
	site, err := url.Parse(s.config.SiteURL)
	if err != nil || site.Host == "" || strings.Trim(site.Path, "/") != "" {
		return fmt.Errorf("a network needs a SiteURL without a path, not %q", s.config.SiteURL)
	}
	if err := s.Configure(func(*Config) {}); err != nil {
		return err
	}
	if _, err := s.PHP(ctx, fmt.Sprintf(makeNetwork, site.Host)); err != nil {
		return fmt.Errorf("making a network: %w", err)
	}
	if err := s.place.write(networkFile, nil); err != nil {
		return err
	}
	if err := s.Configure(func(*Config) {}); err != nil {
		return err
	}
	if _, err := s.PHP(ctx, addSecondSite); err != nil {
		return fmt.Errorf("adding the second site: %w", err)
	}
	return nil
}

// makeNetwork is what WordPress's Tools > Network Setup does. In a network the address of a site is an
// option, as wp_install has set it: a constant would be that of all sites.
const makeNetwork = `
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/network.php';
foreach ( $GLOBALS['wpdb']->tables( 'ms_global' ) as $table => $prefixed ) { $GLOBALS['wpdb']->$table = $prefixed; }
install_network();
$made = populate_network( 1, '%s', 'admin@example.com', 'Demo Network', '/', false );
if ( is_wp_error( $made ) && 'no_wildcard_dns' !== $made->get_error_code() ) { throw new Exception( $made->get_error_message() ); }`

const addSecondSite = `
require_once ABSPATH . 'wp-admin/includes/plugin.php';
$id = wp_insert_site( array( 'domain' => DOMAIN_CURRENT_SITE, 'path' => '/second/', 'title' => 'Second Shop', 'user_id' => 1 ) );
if ( is_wp_error( $id ) ) { throw new Exception( $id->get_error_message() ); }
switch_to_blog( $id );
update_option( 'permalink_structure', '/%postname%/' );
update_option( 'home', 'https://' . DOMAIN_CURRENT_SITE . '/second' );
update_option( 'siteurl', 'https://' . DOMAIN_CURRENT_SITE . '/second' );
$problem = activate_plugin( 'cocart-standin/cocart-standin.php' );
if ( is_wp_error( $problem ) ) { throw new Exception( $problem->get_error_message() ); }
remove_user_from_blog( 1, $id );
restore_current_blog();`
