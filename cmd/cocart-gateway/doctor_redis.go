package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens/checkup"
)

func (r *report) redis(ctx context.Context, cfg *config.Config) {
	checks := []string{"reachable", "version", "permissions", "role", "eviction", "persistence", "memory", "latency", "clock", "lockouts"}
	if cfg.Redis.Embedded() {
		r.skip("the store is embedded", checks...)
		return
	}
	where := strings.Join(cfg.Redis.Addresses, ", ")
	found, err := examineRedis(ctx, cfg.Redis)
	if err != nil {
		r.redisAway(where, err)
		r.skip("Redis did not answer", checks[1:]...)
		return
	}
	r.ok("reachable", "Redis answers at %s.", where)
	r.permissions(found.Denied)
	for _, s := range found.Servers {
		r.server(s, len(found.Servers) > 1)
	}
	r.lockouts(ctx, cfg)
}

func examineRedis(ctx context.Context, cfg config.Redis) (*checkup.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	redis.SetLogger(libraryLog{slog.New(slog.DiscardHandler)})
	client, closeStore, err := store.Open(cfg)
	if err != nil {
		return nil, err
	}
	defer closeStore()
	return checkup.Examine(ctx, client, cfg.Prefix, now)
}

// redisAway says why, as far as Redis says anything to a stranger.
func (r *report) redisAway(where string, err error) {
	text := err.Error()
	switch {
	case strings.Contains(text, "WRONGPASS"):
		r.problem("reachable", "Redis at "+where+" takes neither this user nor this password.", "Correct redis.username and redis.password.")
	case strings.Contains(text, "NOAUTH"):
		r.problem("reachable", "Redis at "+where+" wants a password.", "Write redis.password, and redis.username for an ACL user.")
	case strings.Contains(text, "NOPERM"):
		r.problem("reachable", "The user that redis.username names may not even ask Redis at "+where+" for a sign of life.", allowAdvice)
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(text, "i/o timeout"):
		r.problem("reachable", "Redis at "+where+" does not answer in time.", "Check the address, the firewall, and whether redis.tls is right for that port.")
	case badCertificate(err):
		r.problem("reachable", "Redis at "+where+" has a certificate that does not count: "+cause(err)+".", certificateAdvice("redis"))
	default:
		r.problem("reachable", "Redis at "+where+" cannot be reached: "+cause(err)+".", "Start it, or correct redis.address and redis.tls. Until then nobody can log in or refresh.")
	}
}

const allowAdvice = "Give it the ACL rule in deploy/docs/redis.md."

func (r *report) permissions(denied []string) {
	if len(denied) == 0 {
		r.ok("permissions", "The user of redis.username may do all that the gateway does.")
		return
	}
	r.problem("permissions", "Redis denies its user what the gateway needs: "+strings.Join(denied, " ")+".", allowAdvice)
}

func (r *report) server(s checkup.Server, many bool) {
	of, at := "", ""
	if many {
		of, at = "-"+s.Addr, s.Addr+": "
	}
	say := func(id string, st status, found, advice string) { r.add(id+of, st, at+found, advice) }
	judgeVersion(s, say)
	judgeRole(s, say)
	judgeEviction(s, say)
	judgePersistence(s, say)
	judgeMemory(s, say)
	judgeLatency(s, say)
	judgeClock(s.Clock, "Redis", say)
}

type sayer func(id string, s status, found, advice string)

func judgeVersion(s checkup.Server, say sayer) {
	switch {
	case s.Version == "":
		say("version", statusWarning, "This Redis does not say its version.", "Make sure that it is "+checkup.OldestRedis+" or newer.")
	case olderThan(s.Version, checkup.OldestRedis):
		say("version", statusProblem, "Redis "+s.Version+" is too old: the gateway needs "+checkup.OldestRedis+".", "Upgrade Redis.")
	default:
		say("version", statusOK, "Redis "+s.Version+".", "")
	}
}

// olderThan compares versions number by number; what is no number counts as 0.
func olderThan(a, b string) bool {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(left), len(right)) {
		var x, y int
		if i < len(left) {
			x, _ = strconv.Atoi(left[i])
		}
		if i < len(right) {
			y, _ = strconv.Atoi(right[i])
		}
		if x != y {
			return x < y
		}
	}
	return false
}

func judgeRole(s checkup.Server, say sayer) {
	switch {
	case s.Role == "slave":
		say("role", statusProblem, "This Redis is a replica and takes no writes: nobody can log in.", "Write the address of its master, or use Sentinel (redis.mode).")
	case s.Replicas == 0:
		say("role", statusOK, "It has no replica; if it is lost, so are the sessions since it last saved.", "")
	default:
		say("role", statusOK, fmt.Sprintf("It has %d replica%s.", s.Replicas, pick(s.Replicas == 1, "", "s")), "")
	}
}

func judgeEviction(s checkup.Server, say sayer) {
	switch s.Policy {
	case "":
		say("eviction", statusWarning, "This Redis does not say what it does when its memory is full.", "Make sure that maxmemory-policy is noeviction.")
	case "noeviction":
		say("eviction", statusOK, "It drops nothing when its memory is full (noeviction).", "")
	default:
		say("eviction", statusProblem, "When its memory is full it drops sessions and revocations (maxmemory-policy "+s.Policy+").",
			"Set maxmemory-policy noeviction; share no Redis with a cache.")
	}
}

func judgePersistence(s checkup.Server, say sayer) {
	switch {
	case s.SaveFailed:
		say("persistence", statusProblem, "The last attempt to save its data failed; by default it then refuses writes.", "Look into the log of Redis; most often its disk is full.")
	case s.AOF:
		say("persistence", statusOK, "It writes every change to a file (appendonly).", "")
	case s.Snapshots:
		say("persistence", statusWarning, "It saves snapshots only: a crash logs out whoever logged in since the last one.", "Set appendonly yes.")
	case s.SnapshotsKnown:
		say("persistence", statusWarning, "It saves nothing: its restart logs every customer out.", "Set appendonly yes.")
	default:
		say("persistence", statusWarning, "appendonly is off, and whether it saves snapshots our user may not ask.", "Set appendonly yes.")
	}
}

func judgeMemory(s checkup.Server, say sayer) {
	used := fmt.Sprintf("%.1f MiB", float64(s.Used)/(1<<20))
	switch {
	case s.Evicted > 0:
		say("memory", statusWarning, fmt.Sprintf("It has dropped %d keys for lack of memory since it was started.", s.Evicted), "Raise maxmemory.")
	case s.Limit == 0:
		say("memory", statusOK, "It uses "+used+", without a limit.", "")
	case s.Used >= s.Limit && s.Policy == "noeviction":
		say("memory", statusProblem, fmt.Sprintf("Its memory is full, %s of %.1f MiB: it takes no writes, and nobody can log in.", used, float64(s.Limit)/(1<<20)), "Raise maxmemory.")
	case s.Used > s.Limit/10*9:
		say("memory", statusWarning, fmt.Sprintf("It uses %s of %.1f MiB.", used, float64(s.Limit)/(1<<20)), "Raise maxmemory: once it is full nobody can log in.")
	default:
		say("memory", statusOK, fmt.Sprintf("It uses %s of %.1f MiB.", used, float64(s.Limit)/(1<<20)), "")
	}
}

// slowRedis is where a refresh, three round trips at most, begins to be felt.
const slowRedis = 20 * time.Millisecond

func judgeLatency(s checkup.Server, say sayer) {
	took := s.Latency.Round(10 * time.Microsecond).String()
	if s.Latency > slowRedis {
		say("latency", statusWarning, "It answers in "+took+" at best.", "Put it into the same data centre as the gateway.")
		return
	}
	say("latency", statusOK, "It answers in "+took+" at best.", "")
}

// Clocks: ten seconds are what assertions and replies allow (PROTOCOL.md).
const (
	clockWarning = 3 * time.Second
	clockProblem = 10 * time.Second
)

func judgeClock(ahead time.Duration, whose string, say sayer) {
	off := ahead.Abs().Round(time.Second)
	if off > 2*time.Minute {
		off = off.Round(time.Minute)
	}
	found := fmt.Sprintf("The clock of %s is %s %s ours.", whose, config.FormatDuration(off), pick(ahead > 0, "ahead of", "behind"))
	const advice = "Let both machines keep time by NTP (timedatectl)."
	switch {
	case off > clockProblem:
		say("clock", statusProblem, found, advice)
	case off > clockWarning:
		say("clock", statusWarning, found, advice)
	default:
		say("clock", statusOK, "The clock of "+whose+" agrees with ours.", "")
	}
}
