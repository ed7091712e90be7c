// Package shoptest holds what tests of several packages do with the shop: requests with passwords and cart keys that were
// recorded, the customers and the watcher that they need, and a client that writes requests byte for byte.
package shoptest

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Versions are those of CoCart whose answers were recorded.
var Versions = []string{"3.0.17", "3.12.0", "4.1.1", "4.2.2", "4.4.0", "4.6.4", "4.7.0"}

// Recording is a request that may hold a password or a cart key, and what shops with several versions of CoCart answered
// (WordPress 7.1, WooCommerce 10.1.2).
type Recording struct {
	Name string
	Request
	Answers []Answer
}

// Answer is what the versions in CoCart answered.
type Answer struct {
	CoCart []string
	Status int
	Code   string
	// Checked lists whose password was compared, and the result: "carol:wrong".
	Checked []string
	User    string   // who was logged in when the answer was made
	Cart    string   // whose cart the answer holds: a name, "new guest", or the key
	Items   []string // what it shows of carol's cart
}

// Recordings reads them from a file of lines of JSON. In a body ⟨x×3⟩ stands for xxx.
func Recordings(t testing.TB, file string) []Recording {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var all []Recording
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var r Recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		r.Body = expand(r.Body)
		all = append(all, r)
	}
	if err := lines.Err(); err != nil || len(all) < 100 {
		t.Fatalf("%d recordings, %v", len(all), err)
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

// By returns what a version answered; false if that was not recorded.
func (r Recording) By(version string) (Answer, bool) {
	i := slices.IndexFunc(r.Answers, func(a Answer) bool { return slices.Contains(a.CoCart, version) })
	if i < 0 {
		return Answer{}, false
	}
	return r.Answers[i], true
}

// Customers are those of the recordings, by user id. Mallory's login name is Carol's phone number.
var Customers = map[string]string{"2": "alice", "4": "carol", "5": "dave", "9": "mallory"}

// InstallCustomers is PHP that brings the customers into the shop.
const InstallCustomers = `
global $wpdb;
$people = array( 4 => array( 'carol', 'plainpass1', '5550004444' ), 5 => array( 'dave', 'dave-pass-1', '' ), 9 => array( '5550004444', 'mal-pass-1', '' ) );
foreach ( $people as $id => list( $login, $password, $phone ) ) {
	get_userdata( $id ) || $wpdb->insert( $wpdb->users, array( 'ID' => $id, 'user_login' => $login, 'user_nicename' => "person-$id" ) );
	clean_user_cache( $id );
	$wpdb->update( $wpdb->users, array( 'user_pass' => wp_hash_password( $password ), 'user_email' => ( 9 === $id ? 'mallory' : $login ) . '@example.com' ), array( 'ID' => $id ) );
	clean_user_cache( $id );
	( new WP_User( $id ) )->set_role( 'customer' );
	$phone ? update_user_meta( $id, 'billing_phone', $phone ) : delete_user_meta( $id, 'billing_phone' );
}
`

// FillCarts is PHP that puts one item into Carol's cart and empties the others.
const FillCarts = `
$GLOBALS['wpdb']->query( 'DELETE FROM ' . cocart_standin_carts_table() );
cocart_standin_write_cart( '4', array( 14 => 1 ), time() + 86400 );
`
