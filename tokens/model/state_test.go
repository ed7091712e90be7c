package model

// The parties of a session: two tabs of its owner, and a thief elsewhere who copied a refresh token.
const (
	tab1 = iota
	tab2
	thief
	parties
)

const gateways = 2

// set is a set of generations.
type set uint16

func (s set) has(g uint8) bool { return s>>g&1 == 1 }

// clients of a step, as rotate.lua tells them apart by network and User-Agent.
const (
	fromNowhere = iota
	fromOwner
	fromThief
)

func clientOf(party int) uint8 {
	if party == thief {
		return fromThief
	}
	return fromOwner
}

// What a session's hash owes the revocation log.
const (
	owesNothing = iota
	owesGenerations
	owesEnd
)

// knowledge is what entries of the revocation log say of the session. Entries change nothing when they are applied twice or
// in another order, so their sum is enough.
type knowledge struct {
	ended bool
	dead  uint8 // generations below are dead
	dying uint8 // generations below die when the grace is over
}

func (k knowledge) with(other knowledge) knowledge {
	return knowledge{k.ended || other.ended, max(k.dead, other.dead), max(k.dying, other.dying)}
}

func (k knowledge) later() knowledge { return knowledge{k.ended, max(k.dead, k.dying), 0} }

func (k knowledge) rank(unaware bool) (n int) {
	n = int(k.dead)<<8 | int(k.dying)<<2
	if k.ended {
		n |= 2
	}
	if unaware {
		n |= 1
	}
	return n
}

func (k knowledge) accepts(g uint8) bool { return !k.ended && g >= k.dead }

// store is what Redis has: the session's hash and the revocation log.
type store struct {
	gen, used uint8
	fresh     set // retired less than the grace ago
	recent    set // retired less than the window ago
	by        uint8
	ended     bool
	owes      uint8
	log       knowledge
}

func (s store) later() store { s.fresh, s.log = 0, s.log.later(); return s }

// state is everything. It is a key of the search, so it has no pointers.
type state struct {
	store   store
	saved   store // the older data that a loss brings back
	has     bool  // saved is set
	view    [gateways]knowledge
	seen    [gateways]bool // the running gateway saw the end of the session
	unaware [gateways]bool // has not noticed the loss yet
	holds   [parties]uint8 // the generation whose tokens a party has; 0 = none
	granted [parties]uint8 // the newest one that was answered to it, though the answer may be lost
	uses    [parties]uint8 // the newest one whose use Redis knows
	faults  uint8
	lost    bool          // Redis came back with older data
	marked  bool          // a gateway noticed that, and noted when in Redis
	since   [parties]bool // the tokens of a party were handed out after that time
	over    bool          // the session had ended in Redis before it came back with older data
	logout  bool          // the owner asked for the end
	caught  bool          // a spent token was refused after a theft
	slept   bool          // an access lifetime passed between two steps
}

// aware reports whether a gateway noticed the loss.
func (s state) aware(g int) bool { return s.lost && !s.unaware[g] }

func (s state) front(p int) uint8 {
	if p == thief {
		return s.granted[thief]
	}
	return max(s.granted[tab1], s.granted[tab2])
}

// otherUsed is the newest generation that the other side used: the owner for the thief, the thief for the owner.
func (s state) otherUsed(p int) uint8 {
	if p == thief {
		return max(s.uses[tab1], s.uses[tab2])
	}
	return s.uses[thief]
}

func (s state) newest() uint8 {
	return max(s.store.gen, s.front(tab1), s.front(thief), s.holds[tab1], s.holds[tab2])
}

// key returns what is the same for states that differ in nothing that matters: in which tab or gateway is called the
// first, and in what no action within the bounds will look at.
func (s state) key(b bounds) state {
	if !b.thief {
		s.granted, s.uses = [parties]uint8{}, [parties]uint8{}
	}
	if s.faults >= b.faults {
		s.saved, s.has = store{}, false
	}
	if !b.losses {
		s.marked, s.since, s.over = false, [parties]bool{}, false
	}
	if s.holds[tab1] > s.holds[tab2] || s.holds[tab1] == s.holds[tab2] && s.uses[tab1] > s.uses[tab2] {
		s.holds[tab1], s.holds[tab2] = s.holds[tab2], s.holds[tab1]
		s.uses[tab1], s.uses[tab2] = s.uses[tab2], s.uses[tab1]
		s.granted[tab1], s.granted[tab2] = s.granted[tab2], s.granted[tab1]
		s.since[tab1], s.since[tab2] = s.since[tab2], s.since[tab1]
	}
	if s.view[0].rank(s.unaware[0]) > s.view[1].rank(s.unaware[1]) {
		s.view[0], s.view[1] = s.view[1], s.view[0]
		s.seen[0], s.seen[1] = s.seen[1], s.seen[0]
		s.unaware[0], s.unaware[1] = s.unaware[1], s.unaware[0]
	}
	return s
}
