<?php
/** WordPress's login cookies in the answer to a customer of the gateway who stores an account; alice is 2. */

/** As wp_update_user() does for the own account, with the action that WordPress fires at its end since 6.3. */
function stores_account( string $kind, int $user, string $password, bool $ends = true ): callable {
	return function () use ( $kind, $user, $password, $ends ) {
		$route = 'site' === $kind ? '/wp/v2/users/me' : '/cocart/v2/cart';
		arrive( $kind, array( 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => "/wp-json$route" ) );
		serve(
			$route,
			function () use ( $user, $password, $ends ) {
				$before                                 = get_userdata( $user );
				$GLOBALS['users'][ $user ]['user_pass'] = $password;
				do_action( 'profile_update', $user, $before );
				$GLOBALS['sent']['may'][] = apply_filters( 'send_auth_cookies', true );
				$GLOBALS['sent']['may'][] = apply_filters( 'send_auth_cookies', true, 1, 2, $user, 'auth', 'x' );
				$ends && do_action( 'wp_update_user', $user, array(), array() );
				$GLOBALS['sent']['may'][] = apply_filters( 'send_auth_cookies', true );
				$GLOBALS['sent']['may'][] = apply_filters( 'send_auth_cookies', false );
			}
		);
	};
}

function may_send( bool $login, bool $later ): callable {
	return fn( array $sent ) => same( array( $login, $login, $later, false ), $sent['may'] ?? null, 'whether cookies are sent' );
}

test( 'the login cookie of a new password by token', stores_account( 'customer', 2, '$P$Bnew' ), may_send( false, true ) );
test( 'the login cookie of a new password by token before WordPress 6.3', stores_account( 'customer', 2, '$P$Bnew', false ), may_send( false, false ) );
test( 'the login cookie of a changed account by token', stores_account( 'customer', 2, '$P$Balice' ), may_send( true, true ) );
test( "the login cookie of another user's new password by token", stores_account( 'customer', 3, '$P$Bnew' ), may_send( true, true ) );
test( 'the login cookie of a new password without a token', stores_account( 'site', 2, '$P$Bnew' ), may_send( true, true ) );
