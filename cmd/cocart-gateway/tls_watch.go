package main

import (
	"context"
	"time"
)

// watchEvery is how often the files of certificates are looked at, whatever reload says: a renewal changes no
// configuration. Their content is compared, because tools replace them in many ways: by renaming, through symbolic
// links (Kubernetes), on file systems that tell nobody.
const watchEvery = 10 * time.Second

// watch takes changed files into use until ctx ends.
func (c *certificateSet) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	c.follow(ctx, ticker.C)
}

// follow looks at each tick. Of a bad file it says so once.
func (c *certificateSet) follow(ctx context.Context, tick <-chan time.Time) {
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		if !c.changed() {
			c.metrics.good(false)
			said = ""
			continue
		}
		err := c.Reload()
		if err != nil && err.Error() != said {
			said = err.Error()
			c.log.Error("certificates not changed: the ones from before stay in use", "cause", said)
		}
	}
}
