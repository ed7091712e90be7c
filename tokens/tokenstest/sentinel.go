package tokenstest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// SentinelMaster is the name the Sentinels know the master by.
const SentinelMaster = "shop"

// RedisSentinel is a real master with a replica, watched by three Sentinels.
type RedisSentinel struct {
	t         testing.TB
	Master    *Server
	Replica   *Server
	Sentinels []*Server
}

// Sentinel starts the trio and what it watches, and waits until they know each other. With Certificates they speak TLS
// among themselves. All ends with the test.
func Sentinel(t testing.TB, certificates ...*Certificates) *RedisSentinel {
	t.Helper()
	start := func(options ...string) *Server {
		return launch(t, &Server{t: t, dir: t.TempDir(), options: options, certificates: first(certificates)})
	}
	s := &RedisSentinel{t: t, Master: start("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")}
	s.Replica = start("--replicaof", "127.0.0.1 "+s.Master.meets())
	Eventually(t, "the replica follows its master", func() bool { return linked(s.Replica) })
	for range 3 {
		s.Sentinels = append(s.Sentinels, s.watch())
	}
	for _, one := range s.Sentinels {
		Eventually(t, "the Sentinels know each other", func() bool { return ready(one) })
	}
	return s
}

func (s *RedisSentinel) watch() *Server {
	s.t.Helper()
	conf := filepath.Join(s.t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]s 2\nsentinel down-after-milliseconds %[1]s %[3]d\nsentinel failover-timeout %[1]s 2000\n",
		SentinelMaster, s.Master.meets(), patience.Milliseconds())
	must(s.t, os.WriteFile(conf, []byte(text), 0o600))
	return launch(s.t, &Server{t: s.t, dir: s.t.TempDir(), watches: conf, certificates: s.Master.certificates})
}

// ready reports whether a Sentinel knows the other two and the replica.
func ready(sentinel *Server) bool {
	info := sentinel.Client().Info(context.Background(), "sentinel").Val()
	return strings.Contains(info, "slaves=1,sentinels=3")
}

// Client connects through the Sentinels. It is closed with the test.
func (s *RedisSentinel) Client() *redis.Client {
	c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: SentinelMaster, SentinelAddrs: s.addrs(),
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience})
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *RedisSentinel) addrs() (all []string) {
	for _, one := range s.Sentinels {
		all = append(all, one.Addr())
	}
	return all
}

// FailOver kills the master as a power cut would, once its replica has all of it, and waits until the Sentinels have
// made the replica the master. Only meanwhile they take a server for dead that is silent for half a second: before
// and after, it may be no more than slow.
func (s *RedisSentinel) FailOver() {
	s.t.Helper()
	catchUp(s.t, s.Master, s.Replica)
	s.Master.Kill()
	s.deadAfter(500 * time.Millisecond)
	replica := s.Replica.Client()
	Eventually(s.t, "the replica took over", func() bool {
		return strings.Contains(replica.Info(context.Background(), "replication").Val(), "role:master")
	})
	s.deadAfter(patience)
}

func (s *RedisSentinel) deadAfter(silence time.Duration) {
	s.t.Helper()
	for _, one := range s.Sentinels {
		must(s.t, one.Client().Do(context.Background(), "SENTINEL", "SET", SentinelMaster, "down-after-milliseconds", silence.Milliseconds()).Err())
	}
}

// Settle waits until each Sentinel names the new master; until then one may still send a client to the dead one.
func (s *RedisSentinel) Settle() {
	s.t.Helper()
	for _, one := range s.Sentinels {
		Eventually(s.t, "the Sentinels name the new master", func() bool {
			named := one.Client().Do(context.Background(), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelMaster)
			addr, err := named.StringSlice()
			return err == nil && slices.Equal(addr, []string{"127.0.0.1", s.Replica.meets()})
		})
	}
}
