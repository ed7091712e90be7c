<?php
/**
 * Writes a part of the test vectors of PROTOCOL.md to standard output, as vectors/NAME.php makes it:
 *
 *     php generate.php NAME > vectors/NAME.json
 *
 * Everything in it is fixed: running it again gives the same bytes.
 */

require __DIR__ . '/tokens.php';

const ABOUT = 'Test vectors of PROTOCOL.md, written by generate.php. Claims are in the order they are signed in.';

$other   = 'another secret, longer than thirty-two bytes';
$unicode = 'Schlüssel "mit" / und \\ und 🔑, lang genug';
$login   = request( 'POST', 'shop.example', '/wp-json/cocart/v2/login' );
$status  = request( 'GET', 'shop.example', '/?rest_route=/cocart-gateway/v1/status' );

$vectors = require __DIR__ . '/vectors/' . $argv[1] . '.php';

echo json_encode( $vectors, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR ), "\n";
