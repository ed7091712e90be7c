package attempts

import (
	"context"
	_ "embed" // the script
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed record.lua
var recordSource string

var recordScript = redis.NewScript(recordSource)

const (
	hashWidth   = 11 // hexadecimal digits: 44 bits
	dayWidth    = 5  // days since 1970, with leading zeros
	memberWidth = hashWidth + dayWidth
)

// recordKind is what a good record holds, how many at most, and for how long.
type recordKind struct {
	most int
	days int64
}

var (
	// networksOfAccount holds the networks that an account logged in from.
	networksOfAccount = recordKind{8, 90}
	// accountsOfNetwork holds the accounts that logged in from an address or a network.
	accountsOfNetwork = recordKind{500, 7}
)

const (
	// newNetworksPerDay bounds to how many networks that are new to it an account adds itself in a day. Otherwise a few
	// accounts of an attacker would give a good record to each of a thousand addresses.
	newNetworksPerDay = 4
	// trusted is how many accounts must have logged in from an address before the overall limit no longer applies to it.
	trusted = 10
)

// record is a good record: the accounts that logged in from a network, or the networks that an account logged in from. It
// is text as record.lua describes it.
type record string

// each calls do for the members that are not too old.
func (r record) each(kind recordKind, today int64, do func(hash string, day int64)) {
	for ; len(r) >= memberWidth; r = r[memberWidth:] {
		day, err := strconv.ParseInt(string(r[hashWidth:memberWidth]), 10, 64)
		if err == nil && day >= today-kind.days && day <= today+1 {
			do(string(r[:hashWidth]), day)
		}
	}
}

// day returns when a member was last added; 0 if it is not in the record.
func (r record) day(kind recordKind, today int64, hash string) (found int64) {
	r.each(kind, today, func(h string, day int64) {
		if h == hash[:hashWidth] {
			found = day
		}
	})
	return found
}

func (r record) count(kind recordKind, today int64) (n int) {
	r.each(kind, today, func(string, int64) { n++ })
	return n
}

// addedOn returns how many members were last added on a day.
func (r record) addedOn(kind recordKind, today int64) (n int) {
	r.each(kind, today, func(_ string, day int64) {
		if day == today {
			n++
		}
	})
	return n
}

// with returns the record with a member added. record.lua does the same in Redis.
func (r record) with(kind recordKind, today int64, hash string) record {
	var kept []string
	r.each(kind, today, func(h string, day int64) {
		if h != hash[:hashWidth] {
			kept = append(kept, member(h, day))
		}
	})
	kept = append(kept, member(hash, today))
	return record(strings.Join(kept[max(0, len(kept)-kind.most):], ""))
}

func member(hash string, day int64) string { return hash[:hashWidth] + dayText(day) }

func dayText(day int64) string { return fmt.Sprintf("%0*d", dayWidth, day) }

// addition is a member to be added to the record under a key.
type addition struct {
	key  string
	kind recordKind
	hash string
}

func (a addition) arguments(today int64) []any {
	life := time.Duration(a.kind.days) * 24 * time.Hour
	return []any{a.hash[:hashWidth], dayText(today), dayText(today - a.kind.days), a.kind.most, life.Milliseconds()}
}

func dayOf(now int64) int64 { return time.UnixMicro(now).Unix() / 86_400 }

func accountRecord(account string) string { return "a:record:" + account }

// additions returns what a login of an account adds to good records; own is the record of the account. It leaves out what
// was added today already.
func (a *Attempt) additions(account string, own record, now int64) []addition {
	today := dayOf(now)
	var all []addition
	seen := own.day(networksOfAccount, today, a.place.network)
	if seen != today {
		all = append(all, addition{accountRecord(account), networksOfAccount, a.place.network})
	}
	if seen == 0 && own.addedOn(networksOfAccount, today) >= newNetworksPerDay {
		return all
	}
	hash := a.g.namer.hash("account", account)
	for key, r := range map[string]record{a.place.crowdRecord(): a.crowd, a.place.networkRecord(): a.network} {
		if r.day(accountsOfNetwork, today, hash) != today {
			all = append(all, addition{key, accountsOfNetwork, hash})
		}
	}
	return all
}

// seenSize is how many pairs of an account and a network are remembered as noted today, so that refreshes cost one command a
// day.
const seenSize = 100_000

// Seen notes that a live session of a user is used from an address: it adds the network to the account's good record. It
// writes to Redis once a day for each account and network. If Redis is away, only this process remembers.
func (g *Guard) Seen(ctx context.Context, user int64, client netip.Addr) {
	if user <= 0 || g.cfg.AccountNetwork.Off() {
		return
	}
	now, network := g.now(), g.namer.place(client).network
	key := userName(user) + " " + network
	if day, ok := g.seen.Get(key); ok && day == dayOf(now) {
		return
	}
	g.seen.Put(key, dayOf(now))
	g.apply(ctx, batch{records: []addition{{accountRecord(userName(user)), networksOfAccount, network}}})
}
