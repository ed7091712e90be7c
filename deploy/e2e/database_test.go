package e2e

import (
	"fmt"
	"testing"
)

// failingDatabase makes queries fail in requests that say which, as they do while the database restarts: the first of them,
// or all.
const failingDatabase = `<?php
	add_filter('query', function ($query) {
		static $failed = 0;
		$said = explode(' ', $_SERVER['HTTP_X_FAILING'] ?? '');
		if (count($said) < 2 || !preg_match("/^\s*SELECT .* FROM wp_$said[0] /s", $query) || 'once' === $said[1] && $failed++) { return $query; }
		return 'SELECT no_such_column FROM wp_users';
	});`

// A query that fails reads as a user who is gone, or who has no metadata: another fingerprint. Neither may end a session.
func TestADatabaseThatFailsEndsNoSession(t *testing.T) {
	mustUse(t, "a-failing-database.php", failingDatabase)
	afterwards(t)
	php(t, `CoCartGateway\end_sessions(2);`) // There is an epoch, which is metadata.
	g := startGateway(t, "embedded", "")
	access, refresh := g.login("alice", "wonderland-1")
	for said, want := range map[string]int{"users once": 200, "usermeta once": 200, "users always": 503, "usermeta always": 503} {
		r := g.cart(access, "X-Failing: "+said)
		if again := (want == 503); r.Status != want || again != (r.Header.Get("Retry-After") != "") || again && codeOf(r.Body) != "cocart_gateway_database_unavailable" {
			t.Errorf("%s: %d %s", said, r.Status, r.Body)
		}
		if got := g.cart(access).Status; got != 200 {
			t.Errorf("after %s: %d", said, got)
		}
	}
	if got := g.refresh(refresh).Status; got != 200 {
		t.Errorf("refresh: %d", got)
	}
}

// A session that begins in such a moment must not have the fingerprint of a user without metadata: its next use would end it.
func TestALoginWhileTheDatabaseFailsBeginsNoSessionThatEnds(t *testing.T) {
	mustUse(t, "a-failing-database.php", failingDatabase)
	afterwards(t)
	php(t, `CoCartGateway\end_sessions(2);`)
	g := startGateway(t, "embedded", "")
	access, _ := g.tokens(g.post("/wp-json/cocart/v2/login", aliceLogin, "X-Failing: usermeta once"))
	if got := g.cart(access).Status; got != 200 {
		t.Errorf("the metadata failed once: %d", got)
	}
	if r := g.post("/wp-json/cocart/v2/login", aliceLogin, "X-Failing: usermeta always"); r.Status != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the metadata always fail: %d %s", r.Status, r.Body)
	}
}

// The plugin reads the user again at the end of a request that stored something of the user.
func TestADatabaseThatFailsAfterAChangeOfTheUserEndsNoSession(t *testing.T) {
	mustUse(t, "a-failing-database.php", failingDatabase)
	mustUse(t, "neighbour.php", `<?php
		add_action('rest_post_dispatch', function ($response) {
			if (isset($_SERVER['HTTP_X_RENAME'])) {
				wp_update_user(array('ID' => 2, 'display_name' => $_SERVER['HTTP_X_RENAME']));
				$_SERVER['HTTP_X_FAILING'] = $_SERVER['HTTP_X_FAILS_THEN'];
				clean_user_cache(2);
			}
			return $response;
		});`)
	afterwards(t)
	php(t, `CoCartGateway\end_sessions(2);`)
	g := startGateway(t, "embedded", "")
	access, refresh := g.login("alice", "wonderland-1")
	for i, said := range []string{"users once", "usermeta once", "users always", "usermeta always"} {
		r := g.cart(access, fmt.Sprintf("X-Rename: Al %d", i), "X-Fails-Then: "+said)
		if got := g.cart(access).Status; r.Status != 200 || got != 200 {
			t.Errorf("%s: %d, then %d", said, r.Status, got)
		}
	}
	if got := g.refresh(refresh).Status; got != 200 {
		t.Errorf("refresh: %d", got)
	}
}
