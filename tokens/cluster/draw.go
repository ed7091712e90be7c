package cluster

import "github.com/redis/go-redis/v9"

// Draw is what is taken from one counter in the round trip of something else: package attempts counts, and package tokens
// runs the script.
type Draw struct {
	Function string        // Lua text that defines spend(key, arguments), for a script that does more
	Script   *redis.Script // the same by itself
	Key      string        // "" = nothing is counted
	Args     []any
}
