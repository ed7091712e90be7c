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
	buses := make([]int, busPorts)
	for i := range buses {
		buses[i] = freePort(t)
		options := []string{"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(buses[i]), "--cluster-node-timeout", "1000",
			"--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}
		node := &Server{t: t, dir: t.TempDir(), options: options, certificates: first(certificates)}
		c.Masters = append(c.Masters, launch(t, node))
	}
	c.Masters, c.Replica = c.Masters[:3], c.Masters[3]
	c.meet(buses)
	c.share()
	c.replicate()
	return c
}

// Client connects to the cluster. It is closed with the test.
func (c *RedisCluster) Client() *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{c.Masters[0].Addr(), c.Masters[1].Addr(), c.Masters[2].Addr()},
		DialTimeout: time.Second})
	c.t.Cleanup(func() { client.Close() })
	return client
}

func (c *RedisCluster) nodes() []*Server { return append(c.Masters[:3:3], c.Replica) }

func (c *RedisCluster) meet(buses []int) {
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
}

func (c *RedisCluster) replicate() {
	c.t.Helper()
	ctx := context.Background()
	id := c.Masters[0].Client().Do(ctx, "CLUSTER", "MYID").Val().(string)
	must(c.t, c.Replica.Client().ClusterReplicate(ctx, id).Err())
	for _, node := range c.nodes() {
		Eventually(c.t, "the cluster is whole", func() bool { return c.info(node, "cluster_state:ok") && c.info(node, "cluster_size:3") })
	}
	Eventually(c.t, "the replica follows its master", func() bool { return linked(c.Replica) })
	Eventually(c.t, "the master counts on its replica", func() bool {
		nodes := c.Masters[1].Client().ClusterNodes(ctx).Val()
		return strings.Contains(nodes, "slave "+id)
	})
}

func (c *RedisCluster) info(node *Server, line string) bool {
	return strings.Contains(node.Client().ClusterInfo(context.Background()).Val(), line+"\r\n")
}

// FailOver kills the first master as a power cut would, and waits until its replica has taken over.
func (c *RedisCluster) FailOver() {
	c.t.Helper()
	c.Masters[0].Kill()
	replica := c.Replica.Client()
	Eventually(c.t, "the replica took over", func() bool {
		return strings.Contains(replica.Info(context.Background(), "replication").Val(), "role:master") && c.info(c.Replica, "cluster_state:ok")
	})
}

// Settle waits until each master knows that the replica took over; until then one may still send a client to the dead
// one.
func (c *RedisCluster) Settle() {
	c.t.Helper()
	id := c.Replica.Client().Do(context.Background(), "CLUSTER", "MYID").Val().(string)
	for _, node := range append(c.Masters[1:len(c.Masters):len(c.Masters)], c.Replica) {
		Eventually(c.t, "the masters know the new one", func() bool {
			shards := node.Client().ClusterShards(context.Background()).Val()
			return slices.ContainsFunc(shards, func(s redis.ClusterShard) bool {
				return slices.ContainsFunc(s.Nodes, func(n redis.Node) bool { return n.ID == id && n.Role == "master" })
			})
		})
	}
}

// linked tells whether a replica has all that its master has.
func linked(replica *Server) bool {
	return strings.Contains(replica.Client().Info(context.Background(), "replication").Val(), "master_link_status:up")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
