package listing_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway/admin/listing"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// crowd has three sessions of each of four users, from two networks.
func crowd(t *testing.T) *tokens.Authority {
	t.Helper()
	clock := tokenstest.NewClock()
	client := redis.NewClient(&redis.Options{Addr: tokenstest.Redis(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	a := tokenstest.Authority(t, client, clock)
	for n := range 12 {
		user := int64(n%4 + 1)
		client := tokens.Client{Address: fmt.Sprintf("192.0.2.%d", n), Device: "Firefox/1"}
		if n >= 6 {
			client = tokens.Client{Address: fmt.Sprintf("2001:db8::%d", n), Device: "Shop App"}
		}
		if _, err := a.Issue(t.Context(), tokens.Identity{UserID: user, Login: fmt.Sprintf("User%d", user)}, client); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
	}
	return a
}

func TestPagesHoldEachSessionOnce(t *testing.T) {
	a := crowd(t)
	for _, sort := range listing.Sorts {
		for _, descending := range []bool{false, true} {
			whole, err := listing.Sessions(t.Context(), a, listing.Query{Sort: sort, Descending: descending})
			if err != nil || len(whole.Sessions) != 12 || whole.Total != 12 || whole.Next != "" {
				t.Fatalf("%s: %+v, %v", sort, whole, err)
			}
			var paged []tokens.Session
			q := listing.Query{Sort: sort, Descending: descending, Limit: 5}
			for {
				page, err := listing.Sessions(t.Context(), a, q)
				if err != nil || page.Total != 12 {
					t.Fatalf("%s: %+v, %v", sort, page, err)
				}
				paged = append(paged, page.Sessions...)
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			same := slices.EqualFunc(paged, whole.Sessions, func(a, b tokens.Session) bool { return a.ID == b.ID })
			ordered := slices.IsSortedFunc(whole.Sessions, func(a, b tokens.Session) int { return a.Created.Compare(b.Created) })
			if !same || sort == "created" && ordered == descending {
				t.Errorf("%s, descending %v: pages hold %d of %d, in order %v", sort, descending, len(paged), len(whole.Sessions), ordered)
			}
		}
	}
}

func TestEachSessionThatIsReadIsReported(t *testing.T) {
	read := 0
	page, err := listing.Sessions(t.Context(), crowd(t), listing.Query{Login: "user1", Limit: 1, Read: func() { read++ }})
	if err != nil || page.Total != 3 || read != 12 {
		t.Errorf("%d reported, %d match, %v", read, page.Total, err)
	}
}

func TestFilters(t *testing.T) {
	a := crowd(t)
	for query, want := range map[string]int{
		"":                                   12,
		"user_id=2":                          3,
		"user_id=9":                          0,
		"login=user3":                        3,
		"address=192.0.2.3":                  1,
		"address=192.0.2.0/24":               6,
		"address=2001:db8::/32":              6,
		"device=shop":                        6,
		"device=shop&user_id=1":              1,
		"login=user1&address=192.0.2.0%2F24": 2,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := listing.Parse(values)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if page, err := listing.Sessions(t.Context(), a, q); err != nil || page.Total != want || len(page.Sessions) != want {
			t.Errorf("%s: %d, want %d (%v)", query, page.Total, want, err)
		}
	}
}
