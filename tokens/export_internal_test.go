package tokens

import "context"

// KeysApart makes an Authority use each key by itself, as on a cluster.
func KeysApart(a *Authority) { a.store.apart.Store(true) }

// WriteNotes writes what Run would write.
func WriteNotes(a *Authority) error { return a.writeNotes(context.Background()) }
