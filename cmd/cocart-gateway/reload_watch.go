package main

import (
	"time"

	"github.com/fsnotify/fsnotify"
)

// A file is often written in several steps: it is read once it has been left alone for a moment, but also if it never
// is.
const (
	quiet    = 250 * time.Millisecond
	patience = 2 * time.Second
)

// startReloading follows SIGHUP and, with reload: watch, the files, until stop, which waits for a reload under way and
// lets no other begin.
func (p *program) startReloading() (stop func()) {
	if p.from == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	w := p.watchFiles()
	go func() {
		defer close(ended)
		defer w.close()
		p.followReloads(done, w)
	}()
	return func() {
		close(done)
		<-ended
		p.mu.Lock()
		defer p.mu.Unlock()
		p.closed = true
	}
}

func (p *program) watchFiles() *watch {
	w := &watch{}
	if p.cfg.Reload != ReloadWatch {
		return w
	}
	var err error
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		p.log.Warn("files cannot be watched, so changes take effect on SIGHUP only", "error", err)
	}
	return w
}

func (p *program) followReloads(done <-chan struct{}, w *watch) {
	look := p.settleWatch(w) // what changed before it was watched
	for {
		select {
		case <-done:
			return
		case <-p.from.hangups:
			p.hangup()
			look = p.settleWatch(w)
		case event := <-w.events():
			look = w.heard(event, look)
		case err := <-w.errors(): // lost events are among them
			p.log.Warn("watching the configuration", "error", err)
			look = w.soon(look)
		case <-look.due():
			if p.from.Changed() {
				p.reload("file")
			}
			look = p.settleWatch(w)
		}
	}
}

func (p *program) hangup() {
	if p.cfg.Reload == ReloadOff {
		p.log.Warn("SIGHUP changes nothing: reload is off")
		p.notify.reloading() // or systemctl reload would wait
		p.notify.reloaded("serving; nothing was reloaded, since reload is off")
		return
	}
	p.reload("signal")
}

// settleWatch watches what the configuration consists of now, and looks again if it changed before that was watched.
func (p *program) settleWatch(w *watch) lookout {
	files := p.from.Files()
	if err := w.follow(files); err != nil {
		p.log.Warn("the configuration cannot be watched, so changes take effect on SIGHUP only", "error", err)
	}
	if w.notify != nil && p.from.Changed() {
		return w.soon(lookout{})
	}
	return lookout{}
}

// watch hears of changes of some files, however they come about. Without a notifier it hears nothing.
type watch struct {
	notify *fsnotify.Watcher
	places map[string]bool // what decides which bytes the files have
	dirs   map[string]bool
}

// follow watches the folders of all places, and no others any more. Files themselves are not watched: editors and
// Kubernetes put another file in their place.
func (w *watch) follow(files []string) error {
	if w.notify == nil {
		return nil
	}
	places, dirs := trails(files)
	var failed error
	for dir := range dirs {
		// Added again each time: a folder may have gone and come back, and this is cheap.
		if err := w.notify.Add(dir); err != nil {
			failed = err
		}
	}
	for dir := range w.dirs {
		if !dirs[dir] {
			_ = w.notify.Remove(dir) // it may be gone already
		}
	}
	w.places, w.dirs = places, dirs
	return failed
}

func (w *watch) events() <-chan fsnotify.Event {
	if w.notify == nil {
		return nil
	}
	return w.notify.Events
}

func (w *watch) errors() <-chan error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Errors
}

func (w *watch) close() {
	if w.notify != nil {
		_ = w.notify.Close() // nothing is left to be heard
	}
}

func (w *watch) heard(event fsnotify.Event, look lookout) lookout {
	if w.places[event.Name] || w.dirs[event.Name] {
		return w.soon(look)
	}
	return look
}

// lookout is when to look at the files; its zero value is never.
type lookout struct {
	timer *time.Timer
	last  time.Time
}

func (l lookout) due() <-chan time.Time {
	if l.timer == nil {
		return nil
	}
	return l.timer.C
}

// soon is once it is quiet, or at the end of patience.
func (w *watch) soon(l lookout) lookout {
	if l.timer == nil {
		return lookout{time.NewTimer(quiet), time.Now().Add(patience)}
	}
	l.timer.Reset(max(0, min(quiet, time.Until(l.last))))
	return l
}
