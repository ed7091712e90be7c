package shop_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// recorded is a request that may hold a password or a cart key, and what shops with several versions of CoCart answered
// (WordPress 7.1, WooCommerce 10.1.2).
type recorded struct {
	Name           string
	Method, Target string
	Headers        [][2]string
	Body           string // ⟨x×3⟩ stands for xxx
	Answers        []recordedAnswer
}

type recordedAnswer struct {
	CoCart []string // the versions that answered so
	Status int
	Code   string
	// Checked lists whose password was compared, and the result: "carol:wrong".
	Checked []string
	User    string   // who was logged in when the answer was made
	Cart    string   // whose cart the answer holds: a name, "new guest", or the key
	Items   []string // what it shows of carol's cart
}

// recordings reads testdata/credentials.jsonl.
func recordings(t *testing.T) []recorded {
	t.Helper()
	file, err := os.Open("testdata/credentials.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []recorded
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		r.Body = expand(r.Body)
		all = append(all, r)
	}
	if err := lines.Err(); err != nil || len(all) < 100 {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	return all
}

var repeated = regexp.MustCompile(`⟨(.+?)×(\d+)⟩`)

func expand(body string) string {
	return repeated.ReplaceAllStringFunc(body, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[2]) // digits
		return strings.Repeat(m[1], n)
	})
}

func (r recorded) by(version string) (recordedAnswer, bool) {
	i := slices.IndexFunc(r.Answers, func(a recordedAnswer) bool { return slices.Contains(a.CoCart, version) })
	if i < 0 {
		return recordedAnswer{}, false
	}
	return r.Answers[i], true
}

// customers of the recordings, beside alice: mallory's login name is carol's phone number.
const customers = `
global $wpdb;
$people = array( 4 => array( 'carol', 'plainpass1', '5550004444' ), 5 => array( 'dave', 'dave-pass-1', '' ), 9 => array( '5550004444', 'mal-pass-1', '' ) );
foreach ( $people as $id => list( $login, $password, $phone ) ) {
	get_userdata( $id ) || $wpdb->insert( $wpdb->users, array( 'ID' => $id, 'user_login' => $login, 'user_nicename' => "person-$id" ) );
	clean_user_cache( $id );
	$wpdb->update( $wpdb->users, array( 'user_pass' => wp_hash_password( $password ), 'user_email' => ( 9 === $id ? 'mallory' : $login ) . '@example.com' ), array( 'ID' => $id ) );
	clean_user_cache( $id );
	( new WP_User( $id ) )->set_role( 'customer' );
	update_user_meta( $id, 'billing_phone', $phone );
}
`

// watcher is a must-use plugin that says in headers what cannot be seen from outside.
const watcher = `<?php
$GLOBALS['watched'] = array();
add_filter( 'check_password', function ( $fits, $password, $hash, $id ) {
	$user = $id ? get_userdata( $id ) : false;
	if ( $user && ( $fits || $user->user_pass === $hash ) ) {
		$GLOBALS['watched'][] = $id . ':' . ( $fits ? 'right' : 'wrong' );
	}
	return $fits;
}, PHP_INT_MAX, 4 );
add_action( 'init', function () {
	if ( isset( $_GET['fill_carts'] ) ) {
		$GLOBALS['wpdb']->query( 'DELETE FROM ' . cocart_standin_carts_table() );
		cocart_standin_write_cart( '4', array( 14 => 1 ), time() + 86400 );
		exit;
	}
} );
add_filter( 'rest_post_dispatch', function ( $response ) {
	header( 'X-Watched-Checks: ' . implode( ' ', array_unique( $GLOBALS['watched'] ) ) );
	header( 'X-Watched-User: ' . get_current_user_id() );
	return $response;
}, PHP_INT_MAX );
`

var people = map[string]string{"2": "alice", "4": "carol", "5": "dave", "9": "mallory"}

func TestTheStandInAnswersAsRecorded(t *testing.T) {
	rows := recordings(t)
	freshShop(t)
	php(t, customers)
	if err := theShop.MustUse("watcher.php", []byte(watcher)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theShop.MustUse("watcher.php", nil); freshShop(t) })
	for _, version := range []string{"3.0.17", "3.12.0", "4.1.1", "4.2.2", "4.4.0", "4.6.4", "4.7.0"} {
		t.Run(version, func(t *testing.T) {
			configure(t, func(c *shop.Config) { c.CoCart = version })
			fillCarts(t)
			for _, row := range rows {
				want, known := row.by(version)
				if !known {
					continue
				}
				if strings.HasPrefix(row.Name, "cart key") {
					fillCarts(t)
				}
				if got := seen(t, row, want); got != want.String() {
					t.Errorf("%s: got  %s\n%s want %s", row.Name, got, strings.Repeat(" ", len(row.Name)+4), want)
				}
			}
		})
	}
}

// fillCarts puts a mug into carol's cart and empties the others.
func fillCarts(t *testing.T) {
	t.Helper()
	get("/?fill_carts=1").send(t)
}

func (a recordedAnswer) String() string {
	return fmt.Sprintf("%d %q checked %v user %q cart %q items %v", a.Status, a.Code, a.Checked, a.User, a.Cart, a.Items)
}

// seen sends a row and words the answer as the recordings do. What they leave open is left open.
func seen(t *testing.T, row recorded, want recordedAnswer) string {
	t.Helper()
	a := request{row.Method, row.Target, row.Headers, row.Body}.send(t)
	got := recordedAnswer{Status: a.Status, Checked: want.Checked, Cart: want.Cart}
	if checks, there := a.Header["X-Watched-Checks"]; there {
		got.Checked, got.User = nil, people[a.Header.Get("X-Watched-User")]
		for _, check := range strings.Fields(checks[0]) {
			id, result, _ := strings.Cut(check, ":")
			got.Checked = append(got.Checked, people[id]+":"+result)
		}
	}
	var body struct {
		Code  string
		Key   string `json:"cart_key"`
		Body  struct{ Code string }
		Items json.RawMessage
	}
	_ = json.Unmarshal([]byte(a.Body), &body) // anything else has none of these
	got.Code = body.Code
	if body.Body.Code != "" {
		got.Code = body.Body.Code
	}
	if key := body.Key; want.Cart != "" && key != "" {
		got.Cart = owner(key)
	}
	if len(body.Items) > len("[]") {
		got.Items = []string{"Mug 14"}
	}
	if len(got.Checked) == 0 && len(want.Checked) == 0 {
		got.Checked = want.Checked
	}
	return got.String()
}

func owner(key string) string {
	switch {
	case people[key] != "":
		return people[key]
	case freshKey.MatchString(key):
		return "new guest"
	}
	return key
}

var freshKey = regexp.MustCompile(`^(t_[0-9a-f]{30}|[0-9a-f]{32})$`)
