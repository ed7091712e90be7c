package tokens

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// OldestRedis is the release without which some command or script of ours does not work.
const OldestRedis = "6.2"

// Checkup is what an operator should know of a Redis before sessions are in it.
type Checkup struct {
	// Servers are those that are written to: one, or each master of a cluster.
	Servers []Server
	// Denied are commands that the gateway needs and the ACL user may not use, in the words of an ACL rule; or the
	// keys, as in ~cocart:*.
	Denied []string
}

// Server is one Redis server, in its own words. What it does not say is empty, or 0.
type Server struct {
	Addr     string // where it was asked; "" if the client does not know
	Version  string // as in 7.0.15
	Role     string // "master", or "slave": it takes no writes
	Replicas int
	Policy   string // maxmemory-policy
	Used     int64  // bytes
	Limit    int64  // maxmemory in bytes; 0: none
	Evicted  int64  // keys dropped for lack of memory since it was started
	AOF      bool   // every write is appended to a file
	// Snapshots says that the data set is saved now and then; Asked is false where the ACL user may not ask for that,
	// and nothing was saved yet to tell it by.
	Snapshots, Asked bool
	SaveFailed       bool          // the last attempt to save did not work
	Latency          time.Duration // the shortest of some round trips
	Clock            time.Duration // how far its clock is ahead
}

// Examine asks Redis about itself and tries each command that an Authority and the counters of attempts use, on keys
// below the prefix that are gone seconds later. It needs no permission beyond those of the ACL rule in the package
// comment. An error means that Redis did not answer, or did not let us in.
func Examine(ctx context.Context, client redis.UniversalClient, prefix string, now func() time.Time) (*Checkup, error) {
	c := &Checkup{}
	var mu sync.Mutex // guards c.Servers: a cluster's masters are asked at once
	err := eachServer(ctx, client, func(ctx context.Context, one *redis.Client) error {
		s, err := examine(ctx, one, now)
		mu.Lock()
		defer mu.Unlock()
		c.Servers = append(c.Servers, s)
		return err
	})
	if err != nil {
		return nil, unavailable("examining Redis", err)
	}
	slices.SortFunc(c.Servers, func(a, b Server) int { return strings.Compare(a.Addr, b.Addr) })
	c.Denied = denied(ctx, client, prefix)
	return c, nil
}

func eachServer(ctx context.Context, client redis.UniversalClient, do func(context.Context, *redis.Client) error) error {
	switch c := client.(type) {
	case *redis.ClusterClient:
		return c.ForEachMaster(ctx, do)
	case *redis.Client:
		return do(ctx, c)
	}
	return errors.New("tokens: this kind of client cannot be examined")
}

const pings = 5 // the first one also connects

func examine(ctx context.Context, client *redis.Client, now func() time.Time) (Server, error) {
	s := Server{Addr: client.Options().Addr}
	for range pings {
		start := time.Now()
		if err := client.Ping(ctx).Err(); err != nil && !isDenied(err) {
			return s, err
		}
		if took := time.Since(start); s.Latency == 0 || took < s.Latency {
			s.Latency = took
		}
	}
	before := now()
	if theirs, err := client.Time(ctx).Result(); err == nil {
		s.Clock = theirs.Sub(before.Add(now().Sub(before) / 2))
	}
	info, err := client.Info(ctx).Result()
	if err != nil {
		return s, nil // what it is denied is told by denied
	}
	s.read(facts(info))
	s.readSaving(ctx, client, facts(info))
	return s, nil
}

// facts are the lines of INFO.
func facts(info string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

func (s *Server) read(said map[string]string) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(said[name], 10, 64) // not said: 0
		return n
	}
	s.Version, s.Role, s.Policy = said["redis_version"], said["role"], said["maxmemory_policy"]
	s.Replicas, s.Used, s.Limit, s.Evicted = int(number("connected_slaves")), number("used_memory"), number("maxmemory"), number("evicted_keys")
	s.AOF = said["aof_enabled"] == "1"
	s.SaveFailed = said["rdb_last_bgsave_status"] == "err" || s.AOF && said["aof_last_write_status"] == "err"
}

// readSaving asks for the configuration, which our own ACL rule denies. Then a snapshot that was made since the start
// is the only sign.
func (s *Server) readSaving(ctx context.Context, client *redis.Client, said map[string]string) {
	if saving, err := client.ConfigGet(ctx, "save").Result(); err == nil {
		s.Snapshots, s.Asked = saving["save"] != "", true
		return
	}
	saved, _ := strconv.ParseInt(said["rdb_last_save_time"], 10, 64)
	up, _ := strconv.ParseInt(said["uptime_in_seconds"], 10, 64)
	clock, _ := strconv.ParseInt(said["server_time_usec"], 10, 64)
	started := clock/1_000_000 - up // where a Redis that never saved says it last did
	s.Snapshots = clock > 0 && saved > started+1
	s.Asked = s.Snapshots
}

func isDenied(err error) bool { return err != nil && strings.Contains(err.Error(), "NOPERM ") }
