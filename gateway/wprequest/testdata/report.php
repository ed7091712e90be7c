<?php
/** Answers with what PHP made of a form. A router script of PHP's own web server. */
header( 'Content-Type: application/json' );
echo json_encode( (object) array_map( 'bin2hex', $_POST ) );
