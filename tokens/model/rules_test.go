package model

// rules are those of tokens/rotate.lua and of the gateway around it. A variant without one of them must break an invariant.
type rules struct {
	policy   string // until_used, always, never
	ofClient string // converge, refuse, end
	onLoss   string // serve, refresh_only, deny; "" = serve

	judged string // an invariant of losses that is judged as well; "" = none, since not every onLoss keeps them

	noGrace      bool // a retired token is never answered because it is fresh
	endlessGrace bool // it is so for ever
	usesIgnored  bool // the parent counts as a lost answer though its successor was used
	aheadByOne   bool // a token further ahead is a theft
	reuseRefused bool // a spent token is refused, and the session goes on
	anyClient    bool // a tab in the background may be any client
	viewUnasked  bool // the gateway does not ask its view before it answers
	nothingOwed  bool // the hash does not keep what the log misses
	floorUnasked bool // the gateway hands out a generation that its view has as dead
	nothingBack  bool // a gateway does not write back what Redis lost
}

// Outcomes, as rotate.lua has them.
const (
	rotated    = "rotated"
	concurrent = "concurrent"
	lostAnswer = "lost_answer"
	sameClient = "same_client"
	superseded = "superseded"
	ahead      = "ahead"
	reuse      = "reuse"
	ended      = "ended"
	dataLost   = "data_lost" // nothing was asked of Redis
)

// refusesAccess reports whether a gateway refuses the access token of a party because of a loss that it noticed.
func (r rules) refusesAccess(s state, at, party int) bool {
	switch r.onLoss {
	case "refresh_only":
		return s.aware(at) && !s.since[party]
	case "deny":
		return s.aware(at)
	}
	return false
}

// refusesRefresh reports whether a gateway refuses refresh tokens because of a loss that it noticed: the session is older.
func (r rules) refusesRefresh(s state, at int) bool { return r.onLoss == "deny" && s.aware(at) }

// decide says what a presented generation means.
func (r rules) decide(s store, g uint8, client uint8) string {
	own := s.recent.has(g) && s.by == client || r.anyClient && s.recent.has(g)
	switch {
	case s.ended:
		return ended
	case g == s.gen:
		return rotated
	case s.fresh.has(g) && !r.noGrace, g < s.gen && r.endlessGrace:
		return concurrent
	case g+1 == s.gen && (r.policy == "always" || r.policy == "until_used" && (s.used < s.gen || r.usesIgnored)):
		return lostAnswer
	case own && r.ofClient == "converge":
		return sameClient
	case own && r.ofClient == "refuse":
		return superseded
	case g == s.gen+1, g > s.gen && !r.aheadByOne:
		return ahead
	}
	return reuse
}

// step makes one step of the session's hash. What it owes the log is in owes.
func (r rules) step(s *store, g uint8, client uint8) string {
	outcome := r.decide(*s, g, client)
	switch outcome {
	case ended, superseded:
		return outcome
	case reuse:
		if r.reuseRefused {
			return outcome
		}
		s.finish()
		return outcome
	case rotated:
		s.retire()
	case ahead:
		for s.gen <= g {
			s.retire()
		}
	}
	s.by = client
	return outcome
}

func (s *store) retire() {
	s.fresh |= 1 << s.gen
	s.recent |= 1 << s.gen
	s.gen++
	s.owes = owesGenerations
}

// finish makes a tombstone. What it does not have any more is zero, so that fewer states differ.
func (s *store) finish() {
	s.ended, s.owes = true, owesEnd
	s.fresh, s.recent, s.used, s.by = 0, 0, 0, 0
}

// owed is the entry that the log misses.
func (s store) owed() knowledge {
	switch s.owes {
	case owesGenerations:
		return knowledge{dying: s.gen}
	case owesEnd:
		return knowledge{ended: true}
	}
	return knowledge{}
}

func answered(outcome string) bool {
	switch outcome {
	case rotated, concurrent, lostAnswer, sameClient, ahead:
		return true
	}
	return false
}
