package tokens

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// append adds an entry to the log and, once Redis has it, to this process's view. In that order: a logout that
// Redis did not take must leave the customer able to ask again.
func (a *Authority) append(ctx context.Context, e revocation.Entry) error {
	err := a.store.XAdd(ctx, &redis.XAddArgs{Stream: a.store.log(), Values: e.Values()}).Err()
	if err != nil {
		return unavailable("writing revocation", err)
	}
	now := a.cfg.Now()
	a.revoked.Apply(e, now)
	a.follower.own.add(e, now)
	return nil
}

// ownEntries are the latest entries this process wrote. A failover can lose what Redis had acknowledged; whoever
// wrote it still has it and writes it again.
type ownEntries struct {
	mu      sync.Mutex // guards entries
	entries []ownEntry
}

type ownEntry struct {
	entry revocation.Entry
	at    time.Time
}

const (
	ownKept  = 4096            // entries remembered at most
	ownLife  = time.Minute     // and how long: replication lags by seconds at worst
	overlap  = 5 * time.Minute // read again after a gap
	oneBatch = 1000            // entries read at once
)

func (o *ownEntries) add(e revocation.Entry, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.entries) >= ownKept {
		o.entries = append(o.entries[:0], o.entries[ownKept/2:]...)
	}
	o.entries = append(o.entries, ownEntry{e, now})
}

// recent returns what was written less than ownLife ago and drops the rest.
func (o *ownEntries) recent(now time.Time) (out []revocation.Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.entries[:0]
	for _, e := range o.entries {
		if now.Sub(e.at) < ownLife {
			kept, out = append(kept, e), append(out, e.entry)
		}
	}
	o.entries = kept
	return out
}

// repeat writes the latest own entries again. Applying one twice changes nothing.
func (a *Authority) repeat(ctx context.Context) error {
	entries := a.follower.own.recent(a.cfg.Now())
	if len(entries) == 0 {
		return nil
	}
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range entries {
			p.XAdd(ctx, &redis.XAddArgs{Stream: a.store.log(), Values: e.Values()})
		}
		return nil
	})
	return err
}

// noteLifetime records, about once a minute, that access tokens with our lifetime are being issued. When an operator
// shortens the lifetime, revocations must still be kept as long as the tokens of the old one live.
func (a *Authority) noteLifetime(ctx context.Context, p redis.Pipeliner) {
	now := a.cfg.Now().UnixMilli()
	last := a.lifetimeNoted.Load()
	if last != 0 && now-last < milliseconds(time.Minute) || !a.lifetimeNoted.CompareAndSwap(last, now) {
		return
	}
	p.ZAdd(ctx, a.store.lifetimes(), redis.Z{Score: float64(now), Member: milliseconds(a.cfg.AccessTTL)})
}

// lifetimeSlack covers the minute in which a lifetime is not noted again, and clocks that differ.
const lifetimeSlack = 5 * time.Minute

// retention is how long revocations must be kept: until the last access token of any lifetime in use has expired.
func (a *Authority) retention(ctx context.Context) (time.Duration, error) {
	longest := a.cfg.AccessTTL
	if a.cfg.Plugin != nil {
		longest = max(longest, a.cfg.Plugin.MaxLife())
	}
	noted, err := a.store.ZRangeWithScores(ctx, a.store.lifetimes(), 0, -1).Result()
	if err != nil {
		return 0, err
	}
	now := a.cfg.Now().UnixMilli()
	for _, z := range noted {
		text, _ := z.Member.(string)
		life := time.Duration(number(text)) * time.Millisecond
		if int64(z.Score)+milliseconds(life+lifetimeSlack+a.cfg.Leeway) > now {
			longest = max(longest, life)
		} else if err := a.store.ZRem(ctx, a.store.lifetimes(), text).Err(); err != nil {
			return 0, err
		}
	}
	return longest + a.cfg.Leeway + lifetimeSlack, nil
}

// trim drops entries older than the retention. Ids in the log are Redis' own time, so Redis is asked for it.
func (a *Authority) trim(ctx context.Context, retention time.Duration) error {
	now, err := a.store.Time(ctx).Result()
	if err != nil {
		return err
	}
	oldest := now.Add(-retention).UnixMilli()
	if oldest <= 0 {
		return nil
	}
	return a.store.XTrimMinIDApprox(ctx, a.store.log(), decimal(oldest), 0).Err()
}

// lastID is the newest entry of the log; "" when it is empty.
func (a *Authority) lastID(ctx context.Context) (string, error) {
	newest, err := a.store.XRevRangeN(ctx, a.store.log(), "+", "-", 1).Result()
	if err != nil || len(newest) == 0 {
		return "", missing(err)
	}
	return newest[0].ID, nil
}

// earlier is the id that lies so much before; the start of the log when that is before its time.
func earlier(id string, by time.Duration) string {
	ms, _ := splitID(id)
	return decimal(max(0, ms-milliseconds(by)))
}

// before compares two ids of log entries.
func before(a, b string) bool {
	aTime, aSeq := splitID(a)
	bTime, bSeq := splitID(b)
	return aTime < bTime || aTime == bTime && aSeq < bSeq
}

func splitID(id string) (ms, seq int64) {
	left, right, _ := strings.Cut(id, "-")
	return number(left), number(right)
}

var errForeignEntry = errors.New("revocation log: an entry was not understood and left out")

func (a *Authority) applyMessages(messages []redis.XMessage) {
	now := a.cfg.Now()
	for _, m := range messages {
		e, ok := revocation.ParseEntry(m.Values)
		if !ok {
			a.cfg.Log.Warn(errForeignEntry.Error(), "id", m.ID, "kind", fmt.Sprintf("%.20q", m.Values["kind"]))
			continue
		}
		a.revoked.Apply(e, now)
	}
}
