package main

import (
	"context"
	"errors"
)

// watch follows revocations and the health of WordPress until ctx ends.
func (p *program) watch(ctx context.Context) error {
	checked := make(chan error, 1)
	go func() { checked <- p.wordpress.Run(ctx) }()
	return errors.Join(p.authority.Run(ctx), <-checked)
}
