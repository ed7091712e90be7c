// Package listing filters, sorts and pages the live sessions, for the administration API and the command line.
package listing

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"cocart-gateway/tokens"
)

// Sorts are the words for the order of a list; the first is the default. "user_id" is by user, then by login time.
var Sorts = []string{"user_id", "created", "last_used"}

// MaxLimit is the largest number of sessions of one page.
const MaxLimit = 1000

// Query says which sessions are listed, in which order, and which part of them.
type Query struct {
	UserID     int64  // 0: of all users
	Login      string // of this login name, in any case of letters; "": any
	Address    string // from this address or network; "": any
	Device     string // whose User-Agent contains this, in any case of letters; "": any
	Sort       string // one of Sorts; "": the first
	Descending bool
	Limit      int    // sessions of one page, up to MaxLimit; 0: all
	After      string // Page.Next of the page before
	// Read is called for each session that was read, also for those that do not match. Nil: nothing is called.
	Read func()
}

// Page is a part of a list.
type Page struct {
	Sessions []tokens.Session `json:"sessions"`
	Total    int              `json:"total"`          // that match, on all pages
	Next     string           `json:"next,omitempty"` // the parameter after of the next page; "": this is the last one
}

// Errors of a query.
var (
	ErrSort    = errors.New("sort must be " + strings.Join(Sorts[:len(Sorts)-1], ", ") + " or " + Sorts[len(Sorts)-1])
	ErrAddress = errors.New("address must be an IP address or a network such as 192.0.2.0/24")
	ErrLimit   = fmt.Errorf("limit must be a number from 1 to %d", MaxLimit)
	ErrAfter   = errors.New("after must be the value next of the page before, with the same sort")
)

// Sessions returns one page. Without a user it goes through all sessions for each page, and keeps no more of them in memory
// than two pages. Errors are those of this package, and tokens.ErrUnavailable.
func Sessions(ctx context.Context, a *tokens.Authority, q Query) (Page, error) {
	c, err := q.compile()
	if err != nil {
		return Page{}, err
	}
	var page Page
	kept := []tokens.Session{}
	for s, err := range a.Sessions(ctx, q.UserID) {
		if err != nil {
			return Page{}, err
		}
		if q.Read != nil {
			q.Read()
		}
		if !c.matches(s) {
			continue
		}
		page.Total++
		if q.After != "" && c.compare(keyOf(c.sort, s), c.after) <= 0 {
			continue
		}
		if kept = append(kept, s); q.Limit > 0 && len(kept) > 2*q.Limit+1 {
			kept = c.first(kept, q.Limit+1)
		}
	}
	kept = c.first(kept, len(kept))
	if q.Limit > 0 && len(kept) > q.Limit {
		kept = kept[:q.Limit]
		page.Next = keyOf(c.sort, kept[q.Limit-1]).String()
	}
	page.Sessions = kept
	return page, nil
}

// Check reports what is wrong with a query: one of the errors of this package, or nil.
func (q Query) Check() error {
	_, err := q.compile()
	return err
}

// compiled is a checked query.
type compiled struct {
	Query
	sort    string
	network netip.Prefix
	after   key
}

func (q Query) compile() (compiled, error) {
	c := compiled{Query: q, sort: cmp.Or(q.Sort, Sorts[0])}
	if !slices.Contains(Sorts, c.sort) {
		return c, ErrSort
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		return c, ErrLimit
	}
	if q.Address != "" {
		var err error
		if c.network, err = parseNetwork(q.Address); err != nil {
			return c, ErrAddress
		}
	}
	if q.After != "" {
		var ok bool
		if c.after, ok = parseKey(q.After); !ok || c.after.sort != c.sort {
			return c, ErrAfter
		}
	}
	return c, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func (c compiled) matches(s tokens.Session) bool {
	switch {
	case c.Login != "" && !strings.EqualFold(c.Login, s.Login):
		return false
	case c.Device != "" && !strings.Contains(strings.ToLower(s.Device), strings.ToLower(c.Device)):
		return false
	case c.network.IsValid():
		address, err := netip.ParseAddr(s.Address)
		return err == nil && c.network.Contains(address.Unmap())
	}
	return true
}

// first sorts the sessions and returns the first n.
func (c compiled) first(list []tokens.Session, n int) []tokens.Session {
	slices.SortFunc(list, func(a, b tokens.Session) int { return c.compare(keyOf(c.sort, a), keyOf(c.sort, b)) })
	return list[:min(n, len(list))]
}

func (c compiled) compare(a, b key) int {
	order := cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.second, b.second), cmp.Compare(a.id, b.id))
	if c.Descending {
		return -order
	}
	return order
}

// key is the place of a session in a list. No two sessions have the same.
type key struct {
	sort          string
	first, second int64
	id            string
}

func keyOf(sort string, s tokens.Session) key {
	switch sort {
	case "created":
		return key{sort, s.Created.UnixMilli(), 0, s.ID}
	case "last_used":
		return key{sort, s.LastUsed.UnixMilli(), 0, s.ID}
	}
	return key{sort, s.UserID, s.Created.UnixMilli(), s.ID}
}

// String returns the key in characters that need no escape in a URL.
func (k key) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %d %s", k.sort, k.first, k.second, k.id))
}

func parseKey(text string) (k key, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.Split(string(raw), " ")
	if err != nil || len(parts) != 4 {
		return key{}, false
	}
	first, notFirst := strconv.ParseInt(parts[1], 10, 64)
	second, notSecond := strconv.ParseInt(parts[2], 10, 64)
	return key{parts[0], first, second, parts[3]}, notFirst == nil && notSecond == nil
}
