package checkup

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// scratchLife bounds how long the keys that [Examine] writes exist.
const scratchLife = 5 * time.Second

// denied tries the commands of the ACL rule in deploy/docs/redis.md. It leaves out hello and client, which only the
// client library uses and can do without. Redis checks permissions before anything else, so an error of any other kind
// does not matter here.
func denied(ctx context.Context, client redis.UniversalClient, prefix string) []string {
	key := prefix + "doctor:"
	if isDenied(client.PExpire(ctx, key+"none", scratchLife).Err()) {
		return keysOrCommand(ctx, client, prefix) // stop here: without PEXPIRE what is written would stay
	}
	hash, text, sorted, stream := key+"h", key+"t", key+"z", key+"x"
	tried := []struct {
		command string
		try     redis.Cmder
	}{
		{"ping", client.Ping(ctx)},
		{"info", client.Info(ctx, "server")},
		{"time", client.Time(ctx)},
		{"evalsha", client.EvalSha(ctx, strings.Repeat("0", 40), []string{hash})},
		{"eval", client.Eval(ctx, "return 1", []string{hash})},
		{"hset", client.HSet(ctx, hash, "a", "b")},
		{"pexpire", client.PExpire(ctx, hash, scratchLife)},
		{"hmget", client.HMGet(ctx, hash, "a")},
		{"hget", client.HGet(ctx, hash, "a")},
		{"hdel", client.HDel(ctx, hash, "a")},
		{"set", client.Set(ctx, text, "a", scratchLife)},
		{"get", client.Get(ctx, text)},
		{"getdel", client.GetDel(ctx, text)},
		{"zadd", client.ZAdd(ctx, sorted, redis.Z{Score: 1, Member: "a"})},
		{"pexpire", client.PExpire(ctx, sorted, scratchLife)},
		{"zrange", client.ZRange(ctx, sorted, 0, 0)},
		{"zrem", client.ZRem(ctx, sorted, "a")},
		{"xadd", client.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []any{"a", "b"}})},
		{"pexpire", client.PExpire(ctx, stream, scratchLife)},
		{"xread", client.XRead(ctx, &redis.XReadArgs{Streams: []string{stream, "0"}, Count: 1, Block: -1})},
		{"xrevrange", client.XRevRangeN(ctx, stream, "+", "-", 1)},
		{"xtrim", client.XTrimMaxLen(ctx, stream, 0)},
		{"scan", client.Scan(ctx, 0, prefix+"doctor:*", 1)},
	}
	var commands []string
	for _, t := range tried {
		if isDenied(t.try.Err()) {
			commands = append(commands, "+"+t.command)
		}
	}
	return commands
}

// keysOrCommand returns whether the keys are denied or PEXPIRE is.
func keysOrCommand(ctx context.Context, client redis.UniversalClient, prefix string) []string {
	err := client.HGet(ctx, prefix+"doctor:none", "none").Err()
	if isDenied(err) && strings.Contains(err.Error(), "key") {
		return []string{"~" + prefix + "*"}
	}
	return []string{"+pexpire"}
}
