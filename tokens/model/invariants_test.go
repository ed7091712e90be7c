package model

// The invariants, as MODEL.md names them.
const (
	thiefOrOwner = "ThiefOrOwner"
	honestStays  = "HonestStays"
	goodPair     = "GoodPair"
	seenEnd      = "SeenEnd"
	endWritten   = "EndWritten"

	// Of these revocation.on_loss decides.
	endStays       = "EndStays"
	refreshedSince = "RefreshedSince"
)

// judge says what is wrong about the answer to a refresh.
func (r rules) judge(before state, s *state, a action, e *event) {
	if e.outcome == dataLost { // by the policy: the session did not end, and an operator may confirm the data yet
		return
	}
	p, g, ok := a.party, before.holds[a.party], answered(e.outcome)
	// Someone else went on with a later generation and used it, and the token in hand was spent longer ago than the grace:
	// two went on with one session. A loss that took the later generation along puts this off until Redis has it again.
	split := before.otherUsed(p) > before.front(p) && before.otherUsed(p) <= before.store.gen && g < before.store.gen && !before.store.fresh.has(g) && !before.store.ended
	honest := before.holds[thief] == 0 && !before.logout && !before.slept
	switch {
	case ok && before.seen[a.at]:
		e.violated, e.why = seenEnd, "its refresh token is accepted"
	case split && ok:
		e.violated, e.why = thiefOrOwner, "both go on"
	case split && !s.store.ended:
		e.violated, e.why = thiefOrOwner, "the session goes on after a theft was seen"
	case before.caught && ok:
		e.violated, e.why = thiefOrOwner, "a token of a session that ended for a theft is accepted"
	case honest && !ok:
		e.violated, e.why = honestStays, "it is answered "+e.outcome
	case ok && r.judged == endStays && before.over && before.aware(a.at):
		e.violated, e.why = endStays, "its refresh token is accepted"
	case ok && !s.view[a.at].accepts(s.store.gen):
		e.violated, e.why = goodPair, "the access token that it gets is refused"
	}
	s.caught = before.caught || split && !ok
}

// look says what is wrong about a state.
func (s state) look(e *event) {
	if s.store.ended && s.store.owes == owesNothing && !s.store.log.ended {
		e.violated, e.why = endWritten, "Redis has the end, and no gateway will hear of it"
	}
	for g, k := range s.view {
		if k.ended && !s.unaware[g] && !s.store.log.ended {
			e.violated, e.why = endWritten, "a gateway knows of the end and keeps it for itself"
		}
	}
}
