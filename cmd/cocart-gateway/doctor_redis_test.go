package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/checkup"
	"cocart-gateway/tokens/tokenstest"
)

func TestTheDoctorSaysWhatIsWrongWithRedisOnRealRedis(t *testing.T) {
	closed := tokenstest.Redis(t, "--appendonly", "yes")
	if err := closed.Client().ConfigSet(t.Context(), "requirepass", "a password of Redis").Err(); err != nil {
		t.Fatal(err)
	}
	cache := tokenstest.Redis(t, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "no", "--save", "")
	gone := freeAddress(t)
	for name, row := range map[string]struct {
		redis string
		want  string
	}{
		"it is down": {fmt.Sprintf("{address: %q}", gone),
			"problem redis.reachable: Redis at " + gone + " cannot be reached: connection refused. → Start it, or correct redis.address and redis.tls. Until then nobody can log in or refresh."},
		"another password": {fmt.Sprintf("{address: %q, password: wrong}", closed.Addr()),
			"problem redis.reachable: Redis at " + closed.Addr() + " takes neither this user nor this password. → Correct redis.username and redis.password."},
		"no password": {fmt.Sprintf("{address: %q}", closed.Addr()),
			"problem redis.reachable: Redis at " + closed.Addr() + " wants a password. → Write redis.password, and redis.username for an ACL user."},
		"a cache, and not a store": {fmt.Sprintf("{address: %q}", cache.Addr()),
			"problem redis.eviction: When its memory is full it drops sessions and revocations (maxmemory-policy allkeys-lru). → Set maxmemory-policy noeviction; share no Redis with a cache.\n" +
				"warning redis.persistence: It saves nothing: its restart logs every customer out. → Set appendonly yes."},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPractice(t)
			p.redis = row.redis
			p.expect(t, 1, strings.Split(row.want, "\n")...)
		})
	}
}

func TestTheDoctorNamesWhatRedisDeniesOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--appendonly", "yes")
	acl := []any{"ACL", "SETUSER", "gateway", "on", ">a-long-password", "~cocart:*", "+@all", "-xadd", "-eval"}
	if err := server.Client().Do(t.Context(), acl...).Err(); err != nil {
		t.Fatal(err)
	}
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q, username: gateway, password: a-long-password}", server.Addr())
	p.expect(t, 1, "problem redis.permissions: Redis denies its user what the gateway needs: +eval +xadd. → Give it the ACL rule in deploy/docs/redis.md.")
}

func TestTheDoctorNamesAServerOfOursThatIsLockedOutOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t, "--appendonly", "yes")
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q}", server.Addr())
	p.more = "limits: {refresh: 1/1h}\n"
	p.expect(t, exitOK)
	cfg, err := loadConfig(p.write(t), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGuard(cfg, server.Client(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Allow(t.Context(), attempts.Refresh, netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	p.expect(t, 0, "warning redis.lockouts: Addresses or networks locked out after too many wrong passwords or requests: 1, among them 127.0.0.1. → If a server of yours logs customers in for them, list it in trusted_proxies and let it send X-Forwarded-For, or raise limits.login.address and limits.login.network; then run lockouts clear --address ADDRESS. Otherwise somebody guesses passwords: see deploy/docs/runbook.md.")
}

// What a real Redis cannot be made to say at will.
func TestTheDoctorJudgesARedis(t *testing.T) {
	good := checkup.Server{Version: "7.0.15", Role: "master", Policy: "noeviction", AOF: true, Latency: time.Millisecond}
	for name, row := range map[string]struct {
		spoil func(*checkup.Server)
		want  string
	}{
		"all is well":    {func(*checkup.Server) {}, ""},
		"too old":        {func(s *checkup.Server) { s.Version = "6.0.16" }, "problem version: Redis 6.0.16 is too old: the gateway needs 6.2. → Upgrade Redis."},
		"ten is newer":   {func(s *checkup.Server) { s.Version = "10.0.0" }, ""},
		"no version":     {func(s *checkup.Server) { s.Version = "" }, "warning version: This Redis does not say its version. → Make sure that it is 6.2 or newer."},
		"a replica":      {func(s *checkup.Server) { s.Role = "slave" }, "problem role: This Redis is a replica and takes no writes: nobody can log in. → Write the address of its master, or use Sentinel (redis.mode)."},
		"no policy":      {func(s *checkup.Server) { s.Policy = "" }, "warning eviction: This Redis does not say what it does when its memory is full. → Make sure that maxmemory-policy is noeviction."},
		"a full disk":    {func(s *checkup.Server) { s.SaveFailed = true }, "problem persistence: The last attempt to save its data failed; by default it then refuses writes. → Look into the log of Redis; most often its disk is full."},
		"snapshots only": {func(s *checkup.Server) { s.AOF, s.Snapshots, s.SnapshotsKnown = false, true, true }, "warning persistence: It saves snapshots only: a crash logs out whoever logged in since the last one. → Set appendonly yes."},
		"who knows":      {func(s *checkup.Server) { s.AOF = false }, "warning persistence: appendonly is off, and whether it saves snapshots our user may not ask. → Set appendonly yes."},
		"evicting":       {func(s *checkup.Server) { s.Evicted = 12 }, "warning memory: It has dropped 12 keys for lack of memory since it was started. → Raise maxmemory."},
		"full":           {func(s *checkup.Server) { s.Used, s.Limit = 101<<20, 100<<20 }, "problem memory: Its memory is full, 101.0 MiB of 100.0 MiB: it takes no writes, and nobody can log in. → Raise maxmemory."},
		"full, of a cache": {func(s *checkup.Server) { s.Used, s.Limit, s.Policy = 101<<20, 100<<20, "allkeys-lru" },
			"problem eviction: When its memory is full it drops sessions and revocations (maxmemory-policy allkeys-lru). → Set maxmemory-policy noeviction; share no Redis with a cache.\n" +
				"warning memory: It uses 101.0 MiB of 100.0 MiB. → Raise maxmemory: once it is full nobody can log in."},
		"nearly full":    {func(s *checkup.Server) { s.Used, s.Limit = 95<<20, 100<<20 }, "warning memory: It uses 95.0 MiB of 100.0 MiB. → Raise maxmemory: once it is full nobody can log in."},
		"far away":       {func(s *checkup.Server) { s.Latency = 80 * time.Millisecond }, "warning latency: It answers in 80ms at best. → Put it into the same data centre as the gateway."},
		"a clock ahead":  {func(s *checkup.Server) { s.Clock = 4 * time.Second }, "warning clock: The clock of Redis is 4s ahead of ours. → Let both machines keep time by NTP (timedatectl)."},
		"a clock behind": {func(s *checkup.Server) { s.Clock = -time.Hour }, "problem clock: The clock of Redis is 1h behind ours. → Let both machines keep time by NTP (timedatectl)."},
	} {
		r, s := &report{OK: true, group: "redis"}, good
		row.spoil(&s)
		r.server(s, false)
		var got []string
		for _, c := range r.Checks {
			if c.Status != statusOK {
				got = append(got, fmt.Sprintf("%s %s: %s → %s", c.Status, strings.TrimPrefix(c.ID, "redis."), c.Found, c.Advice))
			}
		}
		if strings.Join(got, "\n") != row.want {
			t.Errorf("%s: %s\nwant %s", name, strings.Join(got, "\n"), row.want)
		}
	}
}

// In a cluster each master is judged by itself.
func TestTheDoctorNamesTheServerOfACluster(t *testing.T) {
	r := &report{group: "redis"}
	r.server(checkup.Server{Addr: "10.0.0.7:6379", Version: "7.0.15", Policy: "volatile-lru"}, true)
	want := finding{"redis.eviction-10.0.0.7:6379", "redis", statusProblem,
		"10.0.0.7:6379: When its memory is full it drops sessions and revocations (maxmemory-policy volatile-lru).", "Set maxmemory-policy noeviction; share no Redis with a cache."}
	if got := r.Checks[2]; got != want {
		t.Errorf("got %+v", got)
	}
}
