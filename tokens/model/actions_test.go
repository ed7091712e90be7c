package model

import "fmt"

// What can go wrong with one request.
const (
	fine       = iota
	answerLost // all is done, and the client does not hear of it
	hashOnly   // the gateway dies when the hash is written and the log is not
	logOnly    // the log is written, and the server of the hash is away
)

var fates = []string{"", ", and the answer is lost", ", and the gateway dies before the log is written", ", and only the log is written"}

// event is what happened, with what is wrong about it.
type event struct {
	action   action
	violated string // the invariant; "" = none
	why      string
	outcome  string
}

// action is one thing that can happen.
type action struct {
	kind           string
	party, at, how int // how: a fate, or whose token is copied
}

func (a action) String() string {
	who := []string{"tab 1", "tab 2", "the thief"}[a.party]
	switch a.kind {
	case "refresh", "logout":
		return fmt.Sprintf("%s: %s at gateway %d%s", who, a.kind, a.at+1, fates[a.how])
	case "use":
		return fmt.Sprintf("%s: shops at gateway %d, and Redis learns of it", who, a.at+1)
	case "copy":
		return fmt.Sprintf("%s: takes the tokens of tab %d", who, a.how+1)
	case "read":
		return fmt.Sprintf("gateway %d reads the log", a.at+1)
	case "restart":
		return fmt.Sprintf("gateway %d starts again", a.at+1)
	case "grace":
		return "the grace passes"
	case "window":
		return "an access lifetime passes"
	case "snapshot":
		return "Redis saves its data"
	}
	return "Redis comes back with the data that it saved"
}

// bounds of a search.
type bounds struct {
	generations uint8
	faults      uint8
	thief       bool
	oneTab      bool // the owner has one tab
	window      bool // an access lifetime may pass between two steps
	losses      bool // it matters which tokens are from before a loss
}

// actions lists what can happen in a state.
func (b bounds) actions(s state) (all []action) {
	add := func(kind string, party, at, how int) { all = append(all, action{kind, party, at, how}) }
	faulty := s.faults < b.faults
	for p := range parties {
		if p == thief && !b.thief || p == tab2 && b.oneTab {
			continue
		}
		for from := range parties {
			if from != thief && from != p && s.holds[from] != s.holds[p] && (p == thief || s.holds[from] > s.holds[p]) {
				add("copy", p, 0, from)
			}
		}
		if s.holds[p] == 0 {
			continue
		}
		for g := range gateways {
			add("use", p, g, 0)
			add("refresh", p, g, fine)
			if p != thief && !s.logout {
				add("logout", p, g, fine)
			}
			if faulty && p != thief {
				for _, fate := range []int{answerLost, hashOnly, logOnly} {
					add("refresh", p, g, fate)
				}
				if !s.logout {
					add("logout", p, g, hashOnly)
				}
			}
		}
	}
	for g := range gateways {
		add("read", 0, g, 0)
		if faulty {
			add("restart", 0, g, 0)
		}
	}
	add("grace", 0, 0, 0)
	if b.window {
		add("window", 0, 0, 0)
	}
	if faulty && !s.has {
		add("snapshot", 0, 0, 0)
	}
	if faulty && s.has {
		add("loss", 0, 0, 0)
	}
	return all
}

// apply makes one thing happen.
func (r rules) apply(s state, a action, b bounds) (state, event) {
	e := event{action: a}
	switch a.kind {
	case "refresh":
		r.refresh(&s, a, &e)
	case "use":
		r.use(&s, a, &e)
	case "logout":
		r.logout(&s, a)
	case "copy":
		s.holds[a.party] = s.holds[a.how]
		s.granted[a.party] = max(s.granted[a.party], s.holds[a.how])
		s.since[a.party] = s.since[a.how]
	case "read":
		r.read(&s, a.at)
	case "restart":
		s.faults++
		s.start(a.at)
	case "grace":
		s.store, s.saved = s.store.later(), s.saved.later()
		for g := range s.view {
			s.view[g] = s.view[g].later()
		}
	case "window":
		s, _ = r.apply(s, action{kind: "grace"}, b)
		s.store.recent, s.saved.recent, s.slept = 0, 0, true
	case "snapshot":
		s.saved, s.has = s.store, true
	case "loss":
		s.faults++
		s.over = s.over || s.store.ended
		s.store, s.saved, s.has, s.lost = s.saved, store{}, false, true
		s.uses = [parties]uint8{}
		s.caught, s.marked, s.since = false, false, [parties]bool{}
		for g := range s.unaware {
			s.unaware[g] = true
		}
	}
	return s, e
}

// start reads the log, and looks for a loss, before the first request.
func (s *state) start(g int) {
	s.view[g], s.unaware[g] = s.store.log, false
	s.marked = s.lost
	s.seen[g] = s.view[g].ended
}

// learn adds to what a gateway knows.
func (s *state) learn(g int, k knowledge) {
	s.view[g] = s.view[g].with(k)
	s.seen[g] = s.seen[g] || s.view[g].ended
}

func (r rules) read(s *state, g int) {
	if s.unaware[g] {
		s.unaware[g], s.marked = false, true
		if !r.nothingBack {
			s.store.log = s.store.log.with(s.view[g])
			if s.view[g].ended && !s.store.ended {
				s.store.finish()
				s.store.owes = owesNothing
			}
		}
	}
	s.learn(g, s.store.log)
}

// settle writes what the hash owes to the log, which the gateway that wrote it knows at once.
func (s *state) settle(g int) {
	k := s.store.owed()
	s.store.owes = owesNothing
	s.store.log = s.store.log.with(k)
	s.learn(g, k)
}

func (r rules) logout(s *state, a action) {
	s.logout = true
	if !s.store.ended {
		s.store.finish()
	}
	if a.how == hashOnly {
		s.faults++
		if r.nothingOwed {
			s.store.owes = owesNothing
		}
		s.start(a.at)
		return
	}
	s.store.owes = owesEnd
	s.settle(a.at)
}

func (r rules) use(s *state, a action, e *event) {
	g := s.holds[a.party]
	if !s.view[a.at].accepts(g) && !r.viewUnasked {
		return
	}
	if r.refusesAccess(*s, a.at, a.party) {
		return
	}
	switch {
	case s.seen[a.at]:
		e.violated, e.why = seenEnd, "its access token is accepted"
	case r.judged == endStays && s.over && s.aware(a.at):
		e.violated, e.why = endStays, "its access token is accepted"
	case r.judged == refreshedSince && s.aware(a.at) && !s.since[a.party]:
		e.violated, e.why = refreshedSince, "an access token from before the loss is accepted"
	}
	s.uses[a.party] = max(s.uses[a.party], g)
	if !s.store.ended {
		s.store.used = max(s.store.used, g)
	}
}

// refresh is one request with a refresh token.
func (r rules) refresh(s *state, a action, e *event) {
	before, p, g := *s, a.party, s.holds[a.party]
	if r.refusesRefresh(before, a.at) {
		e.outcome = dataLost
		return
	}
	if a.how == logOnly {
		foretold := s.store
		r.step(&foretold, g, clientOf(p))
		s.faults++
		s.store.log = s.store.log.with(foretold.owed())
		return
	}
	e.outcome = r.step(&s.store, g, clientOf(p))
	if a.how == hashOnly {
		s.faults++
		if r.nothingOwed {
			s.store.owes = owesNothing
		}
		s.start(a.at)
		if answered(e.outcome) {
			s.granted[p] = max(s.granted[p], s.store.gen)
		}
		return
	}
	s.settle(a.at)
	if answered(e.outcome) && s.view[a.at].ended && !r.viewUnasked {
		s.store.finish()
		s.settle(a.at)
		e.outcome = ended
	}
	if floor := s.view[a.at].dead; answered(e.outcome) && s.store.gen < floor && !r.floorUnasked {
		r.step(&s.store, floor, clientOf(p))
		s.settle(a.at)
	}
	if a.how == answerLost {
		s.faults++
	}
	r.judge(before, s, a, e)
	if answered(e.outcome) {
		s.granted[p] = max(s.granted[p], s.store.gen)
		if a.how == fine {
			s.holds[p], s.since[p] = s.store.gen, s.marked
		}
	}
}
