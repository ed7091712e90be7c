package tokens

import (
	"context"
	"time"
)

// KeysApart makes an Authority use each key by itself, as on a cluster.
func KeysApart(a *Authority) { a.store.apart.Store(true) }

// WriteNotes writes what Run would write.
func WriteNotes(a *Authority) error { return a.writeNotes(context.Background()) }

// LookBack looks whether the log lost what was read of it.
func LookBack(a *Authority) error { return a.log.LookBack(context.Background()) }

// TrimmedTo trims the entries of the log up to a time.
func TrimmedTo(a *Authority, at time.Time) error { return a.log.Trim(context.Background(), at, 0) }

// Tend does the housekeeping of Run.
func Tend(a *Authority) error { return a.tend(context.Background()) }

// ClockWatch is for tests of it.
type ClockWatch = clockWatch

// Stepped calls its method.
func Stepped(w *ClockWatch, wall, steady time.Time) bool { return w.stepped(wall, steady) }

// LookForLoss renews the mark in Redis and looks what became of it.
func LookForLoss(a *Authority) error { return a.lookForLoss(context.Background()) }
