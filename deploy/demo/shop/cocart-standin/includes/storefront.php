<?php
/**
 * The front page of the shop that "make run" starts: products, a login and the example of a browser app. A shop without that
 * example, as the tests have it, keeps the page of WordPress's theme.
 */

defined( 'ABSPATH' ) || exit;

add_action( 'template_redirect', 'cocart_standin_show_storefront' );

function cocart_standin_show_storefront() {
	if ( ! is_front_page() || is_feed() || ! is_dir( ABSPATH . 'browserapp' ) ) {
		return;
	}
	nocache_headers();
	header( 'Content-Type: text/html; charset=UTF-8' );
	?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A shop behind cocart-gateway</title>
<style>
	:root { color-scheme: light dark; --page: #f4f5f7; --card: #fff; --ink: #1b1f24; --soft: #5b6470; --line: #dfe3e8; --accent: #7f54b3; }
	@media (prefers-color-scheme: dark) { :root { --page: #14161a; --card: #1e2127; --ink: #e8eaed; --soft: #9aa3ad; --line: #333841; --accent: #b08de0; } }
	* { box-sizing: border-box; }
	body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
	main { max-width: 44rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
	h1 { font-size: 1.6rem; margin: 0; }
	h2 { font-size: 1rem; margin: 0 0 .75rem; }
	p { margin: .25rem 0; color: var(--soft); }
	a { color: var(--accent); }
	section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; margin-top: 1rem; }
	ul { list-style: none; margin: 0; padding: 0; }
	li { display: flex; justify-content: space-between; gap: 1rem; padding: .5rem 0; border-top: 1px solid var(--line); }
	li:first-child { border-top: 0; }
	label { display: block; font-size: .85rem; color: var(--soft); }
	input[type=text], input[type=password] { width: 100%; padding: .55rem .7rem; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: .5rem; }
	input[type=submit] { font: inherit; padding: .45rem .9rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--card); cursor: pointer; }
	code { font-size: .9em; }
</style>
</head>
<body>
<main>
	<h1>A shop behind cocart-gateway</h1>
	<p>WordPress with a stand-in for CoCart. Your request came through the gateway, which passes pages on as they are.</p>
	<section id="products">
		<h2>Products</h2>
		<ul>
	<?php foreach ( cocart_standin_products() as list( $name, , , $price ) ) { ?>
			<li><span><?php echo esc_html( $name ); ?></span><b>$<?php echo esc_html( number_format( $price / 100, 2 ) ); ?></b></li>
	<?php } ?>
		</ul>
		<p>As an app reads them: <a href="<?php echo esc_url( rest_url( cocart_standin_namespace() . '/v2/products' ) ); ?>">GET /wp-json/cocart/v2/products</a></p>
	</section>
	<section id="example">
		<h2>A browser app in cookie mode</h2>
		<p>It logs in, fills a cart and logs out, and no script of it can read a token.</p>
		<p><a href="<?php echo esc_url( home_url( '/browserapp/' ) ); ?>">Open the example</a></p>
	</section>
	<section id="login">
	<?php if ( is_user_logged_in() ) { ?>
		<h2>Hello, <?php echo esc_html( wp_get_current_user()->user_login ); ?></h2>
		<p>This is WordPress's own login, by its cookie. <a href="<?php echo esc_url( wp_logout_url( home_url( '/' ) ) ); ?>">Log out</a></p>
	<?php } else { ?>
		<h2>Log in to the storefront</h2>
		<p>The customer is <code>alice</code>, the password <code>wonderland-1</code>. Apps log in with CoCart instead: "make run" has printed the commands.</p>
		<?php wp_login_form( array( 'redirect' => home_url( '/' ), 'value_username' => 'alice', 'remember' => false ) ); ?>
	<?php } ?>
	</section>
</main>
</body>
</html>
	<?php
	exit;
}
