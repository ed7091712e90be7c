// Package checkup examines a Redis server before sessions are in it: its version, role, memory, persistence, latency and
// clock (checkup.go), and whether the ACL user has the permissions that the gateway needs (permissions.go).
package checkup

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cocart-gateway/tokens/cluster"

	"github.com/redis/go-redis/v9"
)

// OldestRedis is the oldest release that has all commands the gateway uses.
const OldestRedis = "6.2"

// Report is what an operator should know of a Redis before sessions are in it.
type Report struct {
	// Servers are those that are written to: one, or each master of a cluster.
	Servers []Server
	// Denied lists what the gateway needs and the ACL user may not do, in the words of an ACL rule: commands, or the
	// keys, as in ~cocart:*.
	Denied []string
}

// Server is one Redis server as it describes itself. What it does not say is empty, or 0.
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
	// Snapshots says that the data set is saved from time to time. SnapshotsKnown is false if the ACL user may not read
	// the setting, and no snapshot was made yet that would show it.
	Snapshots, SnapshotsKnown bool
	SaveFailed                bool          // the last attempt to save did not work
	Latency                   time.Duration // the shortest of some round trips
	Clock                     time.Duration // how far its clock is ahead
}

// Examine asks Redis about itself and tries each command that the gateway uses, on keys below the prefix that expire
// within seconds. It needs no permission beyond those of the ACL rule in deploy/docs/redis.md. An error means that
// Redis did not answer, or refused the user or password.
func Examine(ctx context.Context, client redis.UniversalClient, prefix string, now func() time.Time) (*Report, error) {
	r := &Report{}
	var mu sync.Mutex // guards r.Servers: the masters of a cluster are asked at once
	err := cluster.EachMaster(ctx, client, func(ctx context.Context, one redis.UniversalClient) error {
		s, err := examine(ctx, one, now)
		mu.Lock()
		defer mu.Unlock()
		r.Servers = append(r.Servers, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("examining Redis: %w", err)
	}
	slices.SortFunc(r.Servers, func(a, b Server) int { return strings.Compare(a.Addr, b.Addr) })
	r.Denied = denied(ctx, client, prefix)
	return r, nil
}

const pings = 5 // the first one also connects

func examine(ctx context.Context, client redis.UniversalClient, now func() time.Time) (Server, error) {
	s := Server{}
	if one, ok := client.(*redis.Client); ok {
		s.Addr = one.Options().Addr
	}
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
		return s, nil // denied reports a missing permission
	}
	s.read(facts(info))
	s.readSaving(ctx, client, facts(info))
	return s, nil
}

// facts returns the lines of INFO.
func facts(info string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

func (s *Server) read(info map[string]string) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(info[name], 10, 64) // missing: 0
		return n
	}
	s.Version, s.Role, s.Policy = info["redis_version"], info["role"], info["maxmemory_policy"]
	s.Replicas, s.Used, s.Limit, s.Evicted = int(number("connected_slaves")), number("used_memory"), number("maxmemory"), number("evicted_keys")
	s.AOF = info["aof_enabled"] == "1"
	s.SaveFailed = info["rdb_last_bgsave_status"] == "err" || s.AOF && info["aof_last_write_status"] == "err"
}

// readSaving asks for the setting, which the documented ACL rule denies. Then only a snapshot that was made since the
// start shows it.
func (s *Server) readSaving(ctx context.Context, client redis.UniversalClient, info map[string]string) {
	if saving, err := client.ConfigGet(ctx, "save").Result(); err == nil {
		s.Snapshots, s.SnapshotsKnown = saving["save"] != "", true
		return
	}
	saved, _ := strconv.ParseInt(info["rdb_last_save_time"], 10, 64)
	up, _ := strconv.ParseInt(info["uptime_in_seconds"], 10, 64)
	clock, _ := strconv.ParseInt(info["server_time_usec"], 10, 64)
	started := clock/1_000_000 - up // a Redis that never saved names this as its last save
	s.Snapshots = clock > 0 && saved > started+1
	s.SnapshotsKnown = s.Snapshots
}

// EvictionPolicy returns what Redis does when its memory is full; "" if it does not say. Any policy but "noeviction"
// can drop sessions and revocations.
func EvictionPolicy(ctx context.Context, client redis.UniversalClient) (string, error) {
	info, err := client.Info(ctx, "memory").Result()
	if err != nil {
		return "", fmt.Errorf("asking Redis for its eviction policy: %w", err)
	}
	return facts(info)["maxmemory_policy"], nil
}

func isDenied(err error) bool { return err != nil && strings.Contains(err.Error(), "NOPERM ") }
