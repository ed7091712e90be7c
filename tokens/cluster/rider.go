package cluster

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Rider is what one package must send to Redis and another one takes along in a round trip of its own. A Rider is sent once.
type Rider interface {
	// Queue adds the commands to a pipeline.
	Queue(ctx context.Context, pipe redis.Pipeliner)
	// Arrived is called after the pipeline was executed, whatever came of it.
	Arrived(ctx context.Context)
}

// Board queues the riders.
func Board(ctx context.Context, pipe redis.Pipeliner, riders []Rider) {
	for _, r := range riders {
		r.Queue(ctx, pipe)
	}
}

// Leave lets the riders look at their answers.
func Leave(ctx context.Context, riders []Rider) {
	for _, r := range riders {
		r.Arrived(ctx)
	}
}
