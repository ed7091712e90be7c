package revocationlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/rediserror"
	"cocart-gateway/tokens/revocation"
)

// CatchUp reads the log to its end, once.
func (l *Log) CatchUp(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.catchUpLocked(ctx)
}

func (l *Log) catchUpLocked(ctx context.Context) error {
	if err := l.closeGap(ctx); err != nil {
		l.gap = true
		return l.cfg.Unavailable("catching up with revocations", err)
	}
	for {
		n, err := l.read(ctx, doNotBlock)
		if err != nil {
			l.gap = true
			return l.cfg.Unavailable("reading revocations", err)
		}
		if n < oneBatch {
			return nil
		}
	}
}

// Follow waits for new entries and reads them. After an interruption it catches up first.
func (l *Log) Follow(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gap || !l.CaughtUp() {
		return l.catchUpLocked(ctx)
	}
	if _, err := l.read(ctx, blockFor); err != nil {
		l.gap = true
		return l.cfg.Unavailable("following revocations", err)
	}
	if len(l.ends) >= manyBatches {
		return l.lookBackLocked(ctx)
	}
	return nil
}

// ownConnections is more than the connections that a follower fails to open in any outage. After as many failures as a pool
// has connections the client library opens none for a second; the requests of customers soon reach that number.
const ownConnections = 10_000

// ReadByItself gives the log a client of its own until the end of Run, so that it is read again as soon as Redis is back.
func (l *Log) ReadByItself() (end func()) {
	own := l.openReader()
	if own == nil {
		return func() {}
	}
	l.setReader(own)
	return func() {
		l.setReader(l.cfg.Client)
		_ = own.Close() // nothing is left to be lost
	}
}

// openReader returns nil for a cluster, whose client asks by itself which server has the log.
func (l *Log) openReader() redis.UniversalClient {
	if l.cfg.Reader != nil {
		return l.cfg.Reader()
	}
	one, ok := l.cfg.Client.(*redis.Client)
	if !ok {
		return nil
	}
	options := *one.Options()
	options.PoolSize = ownConnections
	own := redis.NewClient(&options)
	own.AddHook(rediserror.Unquoted())
	return own
}

func (l *Log) setReader(client redis.UniversalClient) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reader = client
}

// read reads one batch after the position.
func (l *Log) read(ctx context.Context, block time.Duration) (int, error) {
	return l.readBy(ctx, l.reader, block)
}

func (l *Log) readBy(ctx context.Context, client redis.UniversalClient, block time.Duration) (int, error) {
	began := l.moment()
	found, err := l.entries(ctx, client, l.position, block)
	if err != nil {
		return 0, err
	}
	if len(found) > 0 {
		l.apply(found)
		l.position = found[len(found)-1].ID
		l.readTo.Store(&found[len(found)-1].ID)
		l.ends = append(l.ends, l.position)
	}
	if len(found) < oneBatch {
		l.readAt.Store(began)
	}
	return len(found), nil
}

// entries returns a batch of what is behind an id.
func (l *Log) entries(ctx context.Context, client redis.UniversalClient, after string, block time.Duration) ([]redis.XMessage, error) {
	streams, err := client.XRead(ctx, &redis.XReadArgs{Streams: []string{l.cfg.Key, after}, Count: oneBatch, Block: block}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	var all []redis.XMessage
	for _, s := range streams {
		all = append(all, s.Messages...)
	}
	return all, nil
}

var errForeignEntry = errors.New("revocation log: unknown entry skipped")

func (l *Log) apply(messages []redis.XMessage) {
	now := l.cfg.Now()
	for _, m := range messages {
		e, ok := revocation.ParseEntry(m.Values)
		if !ok {
			l.cfg.Logger.Warn(errForeignEntry.Error(), "id", m.ID, "kind", fmt.Sprintf("%.20q", m.Values["kind"]))
			continue
		}
		l.cfg.View.Apply(e, now)
	}
}
