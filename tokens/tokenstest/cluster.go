package tokenstest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisCluster is a real cluster: three masters, and a replica of the first one.
type RedisCluster struct {
	t       testing.TB
	Masters []*Server
	Replica *Server // of Masters[0]
}

const (
	slots    = 16384
	busPorts = 4
)

// Cluster starts a cluster and waits until all of it agrees. With Certificates the servers speak TLS among themselves.
// It ends with the test.
func Cluster(t testing.TB, certificates ...*Certificates) *RedisCluster {
	t.Helper()
	c := &RedisCluster{t: t}
	buses := make([]string, busPorts)
	for i := range buses {
		buses[i] = freePort(t)
		options := []string{"--cluster-enabled", "yes", "--cluster-port", buses[i], "--cluster-node-timeout", "1000",
			"--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}
		node := &Server{t: t, dir: t.TempDir(), options: options, certificates: first(certificates)}
		c.Masters = append(c.Masters, launch(t, node))
	}
	c.Masters, c.Replica = c.Masters[:3], c.Masters[3]
	c.meet(buses)
	c.share()
	c.deadAfter(patience) // from now on a replica can take over
	c.replicate()
	return c
}

// Client connects to the cluster. It is closed with the test.
func (c *RedisCluster) Client() *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{c.Masters[0].Addr(), c.Masters[1].Addr(), c.Masters[2].Addr()},
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience})
	c.t.Cleanup(func() { client.Close() })
	return client
}

func (c *RedisCluster) nodes() []*Server { return append(c.Masters[:3:3], c.Replica) }

// deadAfter sets how long a live server may be silent. Too short a time makes a replica the master on a busy machine
// although no server died.
func (c *RedisCluster) deadAfter(silence time.Duration) {
	c.t.Helper()
	for _, node := range c.nodes() {
		if node.process != nil {
			must(c.t, node.Client().ConfigSet(context.Background(), "cluster-node-timeout", strconv.FormatInt(silence.Milliseconds(), 10)).Err())
		}
	}
}

func (c *RedisCluster) meet(buses []string) {
	c.t.Helper()
	first := c.Masters[0].Client()
	for i, node := range c.nodes()[1:] {
		must(c.t, first.Do(context.Background(), "CLUSTER", "MEET", "127.0.0.1", node.meets(), buses[i+1]).Err())
	}
	for _, node := range c.nodes() {
		Eventually(c.t, "all cluster nodes know each other", func() bool { return c.info(node, "cluster_known_nodes:4") })
	}
}

// share gives each master a third of the slots.
func (c *RedisCluster) share() {
	c.t.Helper()
	for i, node := range c.Masters {
		must(c.t, node.Client().ClusterAddSlotsRange(context.Background(), i*slots/3, (i+1)*slots/3-1).Err())
	}
	c.whole(c.Masters)
}

func (c *RedisCluster) whole(nodes []*Server) {
	c.t.Helper()
	for _, node := range nodes {
		Eventually(c.t, "the cluster is whole", func() bool { return c.info(node, "cluster_state:ok") && c.info(node, "cluster_size:3") })
	}
}

func (c *RedisCluster) replicate() {
	c.t.Helper()
	ctx := context.Background()
	id := c.Masters[0].Client().Do(ctx, "CLUSTER", "MYID").Val().(string)
	must(c.t, c.Replica.Client().ClusterReplicate(ctx, id).Err())
	c.whole(c.nodes())
	Eventually(c.t, "the replica follows its master", func() bool { return linked(c.Replica) })
	Eventually(c.t, "the master counts on its replica", func() bool {
		nodes := c.Masters[1].Client().ClusterNodes(ctx).Val()
		return strings.Contains(nodes, "slave "+id)
	})
}

func (c *RedisCluster) info(node *Server, line string) bool {
	return strings.Contains(node.Client().ClusterInfo(context.Background()).Val(), line+"\r\n")
}

// FailOver kills the first master as a power cut would, once its replica has all of it, and waits until that has taken
// over.
func (c *RedisCluster) FailOver() {
	c.t.Helper()
	catchUp(c.t, c.Masters[0], c.Replica)
	c.Masters[0].Kill()
	c.deadAfter(time.Second)
	replica := c.Replica.Client()
	Eventually(c.t, "the replica took over", func() bool {
		return strings.Contains(replica.Info(context.Background(), "replication").Val(), "role:master") && c.info(c.Replica, "cluster_state:ok")
	})
	c.deadAfter(patience)
}

// Settle waits until each master knows that the replica took over; until then one may still send a client to the dead
// one.
func (c *RedisCluster) Settle() {
	c.t.Helper()
	id := c.Replica.Client().Do(context.Background(), "CLUSTER", "MYID").Val().(string)
	for _, node := range c.nodes()[1:] {
		Eventually(c.t, "the masters know the new one", func() bool {
			lines := strings.Split(node.Client().ClusterNodes(context.Background()).Val(), "\n")
			return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, id) && strings.Contains(l, " connected 0-") })
		})
	}
	c.whole(c.nodes()[1:])
}

// catchUp waits until a replica has carried out what its master has: a master that dies takes the rest with it.
func catchUp(t testing.TB, master, replica *Server) {
	t.Helper()
	said := func(s *Server, what string) string {
		return s.Client().InfoMap(context.Background(), "replication").Item("Replication", what)
	}
	written, err := strconv.Atoi(said(master, "master_repl_offset"))
	must(t, err)
	Eventually(t, "the replica has all of it", func() bool {
		has, err := strconv.Atoi(said(replica, "slave_repl_offset"))
		return err == nil && has >= written
	})
}

// linked reports whether a replica has all that its master has.
func linked(replica *Server) bool {
	return strings.Contains(replica.Client().Info(context.Background(), "replication").Val(), "master_link_status:up")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
