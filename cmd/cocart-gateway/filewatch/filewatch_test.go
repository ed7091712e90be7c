package filewatch_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/filewatch"
)

// file is a source of one file, which has another text at each look.
type file struct {
	texts  []string
	at     int
	loaded string
}

func (f *file) Current() string {
	text := f.texts[f.at]
	f.at++
	return text
}

func (f *file) Loaded() string { return f.loaded }

func TestFilesAreLoadedOnceTheyStopChanging(t *testing.T) {
	for name, row := range map[string]struct{ looks, loaded string }{
		"unchanged":                  {"a a a a", ""},
		"one change":                 {"a b b b", "b"},
		"changed before the start":   {"b b b", "b"},
		"a change and back":          {"a b b a a", "b a"},
		"gone back before it was in": {"a b a a", ""},
		"changing at each look":      {"a b c d e e e", "e"},
		"unreadable for a time":      {"a unreadable unreadable unreadable a a", "unreadable a"},
	} {
		t.Run(name, func(t *testing.T) {
			f, tick, loads := &file{texts: strings.Fields(row.looks), loaded: "a"}, make(chan time.Time), []string(nil)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				filewatch.Follow(ctx, tick, f, func() {
					f.loaded = f.texts[f.at-1]
					loads = append(loads, f.loaded)
				})
			}()
			for range strings.Fields(row.looks) {
				tick <- time.Time{}
			}
			stop()
			<-ended
			if want := strings.Fields(row.loaded); !slices.Equal(loads, want) {
				t.Errorf("loaded %q, want %q", loads, want)
			}
		})
	}
}
