package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens/checkup"
	"cocart-gateway/tokens/epoch"
	"cocart-gateway/upstream/clock"
)

const permissionAdvice = "Give it the ACL rule of deploy/docs/redis.md."

func (r *Report) redis(ctx context.Context, cfg *config.Config) {
	checks := []string{"reachable", "version", "permissions", "role", "eviction", "persistence", "memory", "latency", "clock", "data", "lockouts"}
	if cfg.Redis.Embedded() {
		r.skip("the store is embedded", checks...)
		return
	}
	client, closeStore, err := store.Open(cfg.Redis)
	if err != nil {
		r.problem("reachable", err.Error(), "")
		r.skip("Redis did not answer", checks[1:]...)
		return
	}
	defer closeStore()
	address := strings.Join(cfg.Redis.Addresses, ", ")
	found, err := r.examineRedis(ctx, client, cfg.Redis.Prefix)
	if err != nil {
		r.redisUnreachable(address, err)
		r.skip("Redis did not answer", checks[1:]...)
		return
	}
	r.ok("reachable", "Redis answers at %s.", address)
	r.permissions(found.Denied)
	for _, s := range found.Servers {
		r.server(s, len(found.Servers) > 1)
	}
	r.data(ctx, client, cfg)
	r.lockouts(ctx, cfg, client)
}

// data reports a loss that no operator confirmed.
func (r *Report) data(ctx context.Context, client redis.UniversalClient, cfg *config.Config) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := epoch.Read(ctx, client, cfg.Redis.Prefix)
	r.decide("data",
		row{err != nil, Unchecked, "Redis does not say whether it lost data.", ""},
		row{s.Open(), Warning, fmt.Sprintf("Redis lost data (%s, found %s): sessions that ended may be alive in it. revocation.on_loss is %s.",
			s.Why, s.Lost.UTC().Format(time.RFC3339), cfg.Revocation.OnLoss),
			"Check persistence. Then confirm the data with cocart-gateway sessions keep, or end all sessions with sessions end --all."},
		row{otherwise, OK, "No loss of data is open.", ""},
	)
}

func (r *Report) examineRedis(ctx context.Context, client redis.UniversalClient, prefix string) (*checkup.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return checkup.Examine(ctx, client, prefix, r.Now)
}

// redisUnreachable reports why, as far as Redis says it to a client without permissions.
func (r *Report) redisUnreachable(address string, err error) {
	text := err.Error()
	late := errors.Is(err, context.DeadlineExceeded) || strings.Contains(text, "i/o timeout")
	r.decide("reachable",
		row{strings.Contains(text, "WRONGPASS"), Problem, "Redis at " + address + " refuses this user or password.",
			"Correct redis.username and redis.password."},
		row{strings.Contains(text, "NOAUTH"), Problem, "Redis at " + address + " requires a password.",
			"Write redis.password, and redis.username for an ACL user."},
		row{strings.Contains(text, "NOPERM"), Problem, "The user of redis.username lacks permission for PING at " + address + ".",
			permissionAdvice},
		row{late, Problem, "Redis at " + address + " does not answer in time.",
			"Check the address, the firewall, and whether redis.tls is right for that port."},
		row{badCertificate(err), Problem, "The certificate of Redis at " + address + " is not trusted: " + cause(err) + ".",
			certificateAdvice("redis")},
		row{otherwise, Problem, "Redis at " + address + " cannot be reached: " + cause(err) + ".",
			"Start it, or correct redis.address and redis.tls. Until then no customer can log in or refresh."},
	)
}

func (r *Report) permissions(denied []string) {
	r.decide("permissions",
		row{len(denied) == 0, OK, "The Redis user has all permissions that the gateway needs.", ""},
		row{otherwise, Problem, "The Redis user lacks permissions that the gateway needs: " + strings.Join(denied, " ") + ".", permissionAdvice},
	)
}

// serverReport adds the checks of one Redis server to a report.
type serverReport struct {
	*Report
	checkup.Server
	several bool // the server is one of several: the checks name it
}

func (r *Report) server(s checkup.Server, several bool) {
	one := serverReport{r, s, several}
	one.version()
	one.role()
	one.eviction()
	one.persistence()
	one.memory()
	one.latency()
	one.decide("clock", clockRows(redisClock, s.Clock)...)
}

func (s serverReport) decide(id string, rows ...row) {
	if s.several {
		id += "-" + s.Addr
		for i := range rows {
			rows[i].found = s.Addr + ": " + rows[i].found
		}
	}
	s.Report.decide(id, rows...)
}

func (s serverReport) version() {
	s.decide("version",
		row{s.Version == "", Warning, "Redis does not report its version.", "Make sure that it is " + checkup.OldestRedis + " or newer."},
		row{Older(s.Version, checkup.OldestRedis), Problem, "Redis " + s.Version + " is too old: the gateway needs " + checkup.OldestRedis + " or newer.",
			"Upgrade Redis."},
		row{otherwise, OK, "Redis " + s.Version + ".", ""},
	)
}

func (s serverReport) role() {
	s.decide("role",
		row{s.Role == "slave", Problem, "This Redis is a replica and refuses writes: no customer can log in.",
			"Write the address of its master, or use Sentinel (redis.mode)."},
		row{s.Replicas == 0, OK, "Redis has no replica: if it is lost, so are the sessions since it last saved.", ""},
		row{otherwise, OK, fmt.Sprintf("Redis has %d %s.", s.Replicas, plural(s.Replicas, "replica")), ""},
	)
}

func (s serverReport) eviction() {
	s.decide("eviction",
		row{s.Policy == "", Warning, "Redis does not report what it does when its memory is full.",
			"Make sure that maxmemory-policy is noeviction."},
		row{s.Policy == "noeviction", OK, "Redis drops no keys when its memory is full (noeviction).", ""},
		row{otherwise, Problem, "When its memory is full, Redis drops sessions and revocations (maxmemory-policy " + s.Policy + ").",
			"Set maxmemory-policy noeviction, and use another Redis for caches."},
	)
}

func (s serverReport) persistence() {
	const advice = "Set appendonly yes; without a restart: redis-cli config set appendonly yes && redis-cli config rewrite"
	s.decide("persistence",
		row{s.SaveFailed, Problem, "Redis failed to save its data; by default it then refuses writes.",
			"Look into the log of Redis. The most frequent cause is a full disk."},
		row{s.AOF, OK, "Redis writes every change to a file (appendonly).", ""},
		row{s.Snapshots, Warning, "Redis saves snapshots only: a crash ends the sessions that began since the last one.", advice},
		row{s.SnapshotsKnown, Warning, "Redis saves nothing: its restart logs out every customer.", advice},
		row{otherwise, Warning, "appendonly is off, and the Redis user cannot read the setting save (no permission for CONFIG).", advice},
	)
}

func (s serverReport) memory() {
	used, limit := mebibytes(s.Used), mebibytes(s.Limit)
	s.decide("memory",
		row{s.Evicted > 0, Warning, fmt.Sprintf("Redis has dropped %d keys for lack of memory since it started.", s.Evicted), "Raise maxmemory."},
		row{s.Limit == 0, OK, "Redis uses " + used + ", without a limit.", ""},
		row{s.Used >= s.Limit && s.Policy == "noeviction", Problem,
			"The memory of Redis is full, " + used + " of " + limit + ": it refuses writes, and no customer can log in.", "Raise maxmemory."},
		row{s.Used > s.Limit/10*9, Warning, "Redis uses " + used + " of " + limit + ".", "Raise maxmemory: once it is full, no customer can log in."},
		row{otherwise, OK, "Redis uses " + used + " of " + limit + ".", ""},
	)
}

func mebibytes[T int | int64](n T) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// slowRedis is the latency from which customers notice a refresh, which takes three round trips at most.
const slowRedis = 20 * time.Millisecond

func (s serverReport) latency() {
	found := "Redis answers in " + s.Latency.Round(10*time.Microsecond).String() + " at best."
	s.decide("latency",
		row{s.Latency > slowRedis, Warning, found, "Run Redis in the same data centre as the gateway."},
		row{otherwise, OK, found, ""},
	)
}

// clockLimits are differences between the clocks of a server and of the gateway.
type clockLimits struct {
	server           string
	warning, problem time.Duration
}

var (
	redisClock     = clockLimits{"Redis", 3 * time.Second, 10 * time.Second}
	wordpressClock = clockLimits{"WordPress", clock.Notable, clock.Tolerance}
)

// clockRows returns the rows for a server whose clock is ahead of the gateway's; behind it, if ahead is negative.
func clockRows(of clockLimits, ahead time.Duration) []row {
	off := ahead.Abs().Round(time.Second)
	if off > 2*time.Minute {
		off = off.Round(time.Minute)
	}
	direction := "behind"
	if ahead > 0 {
		direction = "ahead of"
	}
	found := "The clock of " + of.server + " is " + schema.FormatDuration(off) + " " + direction + " the gateway's."
	const advice = "Synchronise both machines by NTP (timedatectl)."
	return []row{
		{off > of.problem, Problem, found, advice},
		{off > of.warning, Warning, found, advice},
		{otherwise, OK, "The clock of " + of.server + " agrees with the gateway's.", ""},
	}
}

// Older reports whether version a is older than b. It compares number by number; a part that is not a number counts as 0.
func Older(a, b string) bool {
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
