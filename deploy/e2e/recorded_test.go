package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/deploy/demo/shop/shoptest"
)

// generous limits count and refuse nothing; one comes back in an hour, so a counter tells how many were taken.
const generous = `limits: {login: {account: 500/500h, account_network: 500/500h, address: 500/500h, network: 500/500h, overall: 500/500h}}
`

// noting is a must-use plugin that notes in the data base, at once, which passwords were compared for which request: an
// answer that the gateway makes itself could not say so.
const noting = `<?php
add_filter( 'check_password', function ( $fits, $password, $hash, $id ) {
	$user = $id ? get_userdata( $id ) : false;
	if ( $user && ( $fits || $user->user_pass === $hash ) && isset( $_SERVER['HTTP_X_COCART_REQUEST_ID'] ) ) {
		global $wpdb;
		$check = $id . ( $fits ? ':right ' : ':wrong ' );
		$wpdb->query( $wpdb->prepare( "INSERT INTO {$wpdb->options} (option_name, option_value, autoload) VALUES (%s, %s, 'no')
			ON DUPLICATE KEY UPDATE option_value = CONCAT(option_value, VALUES(option_value))", 'noted_' . $_SERVER['HTTP_X_COCART_REQUEST_ID'], $check ) );
	}
	return $fits;
}, PHP_INT_MAX, 4 );
add_filter( 'rest_post_dispatch', function ( $response ) {
	header( 'X-Noted-User: ' . get_current_user_id() );
	return $response;
}, PHP_INT_MAX );
`

const (
	readNotes   = `global $wpdb; echo json_encode( $wpdb->get_results( "SELECT option_name AS name, option_value AS checks FROM {$wpdb->options} WHERE option_name LIKE 'noted\\_%'" ) );`
	forgetNotes = `global $wpdb; $wpdb->query( "DELETE FROM {$wpdb->options} WHERE option_name LIKE 'noted\\_%'" );`
	otherCarts  = `echo $GLOBALS['wpdb']->get_var( 'SELECT GROUP_CONCAT(cart_key) FROM ' . cocart_standin_carts_table() . " WHERE cart_key <> '4' AND cart_value <> '{}'" );`
)

// Each password that WordPress compares is counted once, for the account it was compared for, in whatever form it came;
// what makes WordPress compare none is no wrong password of anybody; and no answer shows the cart of another customer.
func TestRecordedRequestsAreCountedByWhatWordPressChecks(t *testing.T) {
	rows := shoptest.Recordings(t, "../demo/shop/testdata/credentials.jsonl")
	afterwards(t)
	php(t, shoptest.InstallCustomers)
	if err := theShop.MustUse("noting.php", []byte(noting)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theShop.MustUse("noting.php", nil) })
	for _, version := range shoptest.Versions {
		t.Run("CoCart "+version, func(t *testing.T) {
			reconfigure(t, func(c *shop.Config) { c.CoCart = version })
			php(t, forgetNotes+shoptest.FillCarts)
			store := realRedis(t)
			g := startGateway(t, store, generous)
			replays := replayAll(t, g, rows, version)
			counted := countedIn(t, store)
			g.stop() // The log is complete.
			notes, events := notes(t), refusals(t, g)
			total := map[string]int{}
			for _, r := range replays {
				r.checked, r.counted = notes[r.id], events[r.id]
				r.judge(t, version)
				for _, account := range r.counted {
					total[account]++
				}
			}
			if got, want := fmt.Sprint(counted), fmt.Sprint(users(total)); got != want {
				t.Errorf("the counters of accounts hold %s, the log of attempts %s", got, want)
			}
			if got := php(t, otherCarts); got != "" {
				t.Errorf("items of another customer are now in the carts %s", got)
			}
		})
	}
}

// notChecked are requests whose password WordPress compared when they came to it directly, and does not compare behind
// the gateway, and why.
var notChecked = map[string]string{
	"conflicts 03": "the dead token beside the password is refused first",
	"conflicts 20": "it is no route of CoCart's, where WordPress takes no such password",
}

// replay is a recorded request that went through the gateway.
type replay struct {
	shoptest.Recording
	id      string
	answer  shoptest.Response
	checked []string // "4:wrong", each once: CoCart compares a wrong password twice by itself
	counted []string // accounts that a wrong password was counted for
}

// replayAll sends the requests. Those with a right password go first: a right password forgives wrong ones.
func replayAll(t *testing.T, g *gateway, rows []shoptest.Recording, version string) []*replay {
	t.Helper()
	var replays []*replay
	right := func(r shoptest.Recording) bool {
		a, _ := r.By(version)
		return slices.ContainsFunc(a.Checked, func(c string) bool { return strings.HasSuffix(c, ":right") })
	}
	for i, row := range rows {
		replays = append(replays, &replay{Recording: row, id: fmt.Sprintf("row-%d", i)})
	}
	sort.SliceStable(replays, func(i, j int) bool { return right(replays[i].Recording) && !right(replays[j].Recording) })
	first := slices.IndexFunc(replays, func(r *replay) bool { return !right(r.Recording) })
	for _, part := range [][]*replay{replays[:first], replays[first:]} {
		sendAll(t, g, part)
	}
	return replays
}

func sendAll(t *testing.T, g *gateway, part []*replay) {
	t.Helper()
	places := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for _, r := range part {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			request := r.Request
			request.Headers = append([][2]string{{"X-Request-Id", r.id}, {"X-Forwarded-For", "203.0.113.7"}, {"X-Forwarded-Proto", "https"}, {"Accept-Language", "x-" + r.id}}, r.Headers...) // no two are the same: the second would be answered from memory
			r.answer = request.Send(t, g.url, "shop.example")
		})
	}
	wg.Wait()
}

// notes are the checks by request.
func notes(t *testing.T) map[string][]string {
	t.Helper()
	var all []struct{ Name, Checks string }
	if err := json.Unmarshal([]byte(php(t, readNotes)), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, n := range all {
		checks := strings.Fields(n.Checks)
		slices.Sort(checks)
		found[strings.TrimPrefix(n.Name, "noted_")] = slices.Compact(checks)
	}
	return found
}

// refusals are the accounts that the gateway counted wrong passwords for, by request.
func refusals(t *testing.T, g *gateway) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.Lines(g.logged()) {
		var e struct {
			Event, Account, Result string
			Request                string `json:"request_id"`
			Times                  int
		}
		if json.Unmarshal([]byte(line), &e) != nil || e.Event != "login_refused" {
			continue
		}
		if e.Result == "refused" {
			for range max(e.Times, 1) {
				found[e.Request] = append(found[e.Request], e.Account)
			}
		} else if e.Result != "unknown" || strings.HasPrefix(e.Account, "user:") {
			t.Errorf("%s is counted as %q for %s", e.Request, e.Result, e.Account)
		}
	}
	return found
}

// countedIn reads the counters of accounts.
func countedIn(t *testing.T, address string) map[string]int {
	t.Helper()
	store := redis.NewClient(&redis.Options{Addr: address})
	defer store.Close()
	found := map[string]int{}
	for id := range shoptest.Customers {
		keys, err := store.Keys(t.Context(), "*a:account:user:"+id).Result()
		if err != nil || len(keys) > 1 {
			t.Fatal(keys, err)
		}
		for _, key := range keys {
			full, err := strconv.ParseInt(store.Get(t.Context(), key).Val(), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			found["user:"+id] = int(time.Until(time.UnixMicro(full)).Round(time.Hour) / time.Hour)
		}
	}
	return found
}

func users(all map[string]int) map[string]int {
	found := map[string]int{}
	for account, n := range all {
		if strings.HasPrefix(account, "user:") {
			found[account] = n
		}
	}
	return found
}

func (r *replay) judge(t *testing.T, version string) {
	t.Helper()
	var want []string
	for _, check := range r.checked {
		if id, wrong := strings.CutSuffix(check, ":wrong"); wrong {
			want = append(want, "user:"+id)
		}
	}
	slices.Sort(r.counted)
	if !slices.Equal(want, r.counted) {
		t.Errorf("%s: WordPress checked %v, counted were %v (%d %.200s)", r.Name, r.checked, r.counted, r.answer.Status, r.answer.Body)
	}
	recorded, _ := r.By(version)
	if missing := r.missing(recorded); missing != "" && !r.refusedUnasked() && notChecked[r.Name] == "" {
		t.Errorf("%s: recorded %s, but WordPress checked %v (%d %.200s)", r.Name, missing, r.checked, r.answer.Status, r.answer.Body)
	}
	if user := r.answer.Header.Get("X-Noted-User"); showsItems(r.answer.Body) && user != "4" {
		t.Errorf("%s: user %q reads carol's cart: %.300s", r.Name, user, r.answer.Body)
	}
	if r.answer.Status == http.StatusInternalServerError && recorded.Status != http.StatusInternalServerError {
		t.Errorf("%s: 500 %.200s", r.Name, r.answer.Body)
	}
}

// missing is a recorded check that WordPress did not make behind the gateway.
func (r *replay) missing(recorded shoptest.Answer) string {
	for _, check := range recorded.Checked {
		name, result, _ := strings.Cut(check, ":")
		found := slices.ContainsFunc(r.checked, func(c string) bool {
			id, was, _ := strings.Cut(c, ":")
			return shoptest.Customers[id] == name && was == result
		})
		if !found {
			return check
		}
	}
	return ""
}

// refusedUnasked reports whether the gateway refused what it could not read as PHP does, or another customer's cart, by itself.
func (r *replay) refusedUnasked() bool {
	return len(r.checked) == 0 && slices.Contains([]int{400, 403, 413, 415}, r.answer.Status)
}

func showsItems(body string) bool {
	return strings.Contains(body, `"item_key"`) || strings.Contains(body, "Wooden Spoon")
}
