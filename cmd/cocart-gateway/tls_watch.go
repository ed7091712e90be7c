package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// watchEvery is how often the files of certificates are looked at. Their content is compared, because tools replace
// them in many ways: by renaming, through symbolic links (Kubernetes), on file systems that tell nobody.
const watchEvery = 10 * time.Second

// watch takes changed files into use until ctx ends, at each tick and at SIGHUP.
func (c *certificateSet) watch(ctx context.Context) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	c.follow(ctx, ticker.C, hangUp)
}

// follow says of a bad file once, not at each tick.
func (c *certificateSet) follow(ctx context.Context, tick <-chan time.Time, hangUp <-chan os.Signal) {
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			said = ""
		case <-tick:
		}
		if !c.changed() {
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
