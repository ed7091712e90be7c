package revocationlog

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// closeGap steps back after an interruption, so that nothing is skipped that a failover reordered. If Redis lost what was
// read of the log, it writes back what is known and steps back to the start: the log may hold other entries now.
func (l *Log) closeGap(ctx context.Context) error {
	if !l.gap {
		return nil
	}
	lost, err := l.lostSome(ctx)
	if err != nil {
		return err
	}
	if lost || l.lost {
		if err := l.cfg.Restore(ctx); err != nil {
			return err
		}
		l.position, l.ends, l.lost = "0", nil, false
	} else {
		l.position = earlier(l.position, overlap)
	}
	if err := l.repeat(ctx); err != nil {
		return err
	}
	l.gap, l.endAgain = false, true
	return nil
}

// lostSome reports whether the log lost what was read of it. A batch shows the log at one moment, so whatever was lost since
// took the end of a batch along; the last one alone shows nothing, if it came after the loss. An entry that may have been
// trimmed says nothing. The caller holds mu.
func (l *Log) lostSome(ctx context.Context) (bool, error) {
	trimmed := l.trimmedTo.Load()
	if trimmed > 0 {
		trimmed += trimSlack.Milliseconds()
	}
	var found []*redis.XMessageSliceCmd
	pipe := l.cfg.Client.Pipeline()
	for _, id := range l.ends {
		if milliseconds(id) > trimmed {
			found = append(found, pipe.XRevRangeN(ctx, l.cfg.Key, id, id, 1))
		}
	}
	if len(found) == 0 {
		return false, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, err
	}
	for _, one := range found {
		if len(one.Val()) == 0 {
			return true, nil
		}
	}
	l.ends = append(l.ends[:0], l.ends[len(l.ends)-1])
	return false, nil
}

// LookBack notes a gap if the log lost what was read of it.
func (l *Log) LookBack(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lookBackLocked(ctx)
}

func (l *Log) lookBackLocked(ctx context.Context) error {
	lost, err := l.lostSome(ctx)
	if err != nil {
		return l.cfg.Unavailable("looking at revocations", err)
	}
	l.gap = l.gap || lost
	if l.gap {
		return nil
	}
	if l.endAgain { // if it fails, the next look back tries again; a server of a cluster that is down must not keep the log from being read
		l.endAgain = l.cfg.EndAgain(ctx, l.own.recent(l.cfg.Now())) != nil
	}
	// The connection of the reader may lead to a master that was demoted, and is behind until it follows the new one.
	if _, err := l.readBy(ctx, l.cfg.Client, doNotBlock); err != nil {
		l.gap = true
		return l.cfg.Unavailable("reading revocations", err)
	}
	return nil
}

// LostData makes the next reading write back what is known, and begin at the start of the log.
func (l *Log) LostData() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap, l.lost = true, true
}

// Newest returns the id of the entry that was read last; "" if none was.
func (l *Log) Newest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ends) == 0 {
		return ""
	}
	return l.ends[len(l.ends)-1]
}

// ReadAgain makes the next reading begin at the start of the log.
func (l *Log) ReadAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position = "0"
}

// repeat writes the latest own entries again. Applying one twice changes nothing. What depends on them is written by the next
// LookBack.
func (l *Log) repeat(ctx context.Context) error {
	entries := l.own.recent(l.cfg.Now())
	if len(entries) == 0 {
		return nil
	}
	_, err := l.cfg.Client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range entries {
			p.XAdd(ctx, l.Command(e))
		}
		return nil
	})
	return err
}

// earlier returns the id that is so much before another, or the start of the log.
func earlier(id string, by time.Duration) string {
	return strconv.FormatInt(max(0, milliseconds(id)-by.Milliseconds()), 10)
}
