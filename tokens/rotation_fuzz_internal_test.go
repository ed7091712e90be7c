package tokens

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// model is one session by the rules of the design's table, without Redis, hashes or a revocation log.
type model struct {
	policy     LostAnswer
	generation uint64
	used       uint64
	ended      bool
	active     time.Time
	by         string // the client of the last refresh
	ofClient   ReuseBySameClient
	retired    map[uint64]time.Time
}

func (m model) copy() model {
	m.retired = maps.Clone(m.retired)
	return m
}

const (
	modelGrace = 30 * time.Second
	modelIdle  = 720 * time.Hour
	// modelWindow is how long the session's own client is answered for a spent token: an access lifetime, its leeway and
	// the grace.
	modelWindow = 240*time.Hour + 30*time.Second + modelGrace
)

// present says what a generation must be answered; nil means that the (then) current token is handed out.
func (m *model) present(g uint64, now time.Time, by string) error {
	at, known := m.retired[g]
	young := known && now.Sub(at) < modelGrace
	switch {
	case m.ended:
		return Ended
	case now.Sub(m.active) >= modelIdle:
		return Expired
	case g == m.generation && m.fresh(now) < 32:
		m.retire(now)
	case g == m.generation, young:
	case g+1 == m.generation && (m.policy == Always || m.policy == UntilUsed && m.used < m.generation):
	case m.ofClient != EndReuse && m.ownClient(g, now, by):
		if m.ofClient == RefuseReuse {
			return Superseded
		}
	case g > m.generation:
		for m.generation <= g {
			m.retire(now)
		}
	default:
		m.ended = true
		return Reused
	}
	m.active, m.by = now, by
	return nil
}

// ownClient tells whether g is one of the last 64 generations, retired within the window, and comes from the client of
// the last refresh.
func (m *model) ownClient(g uint64, now time.Time, by string) bool {
	at, known := m.retired[g]
	return known && g+64 >= m.generation && now.Sub(at) < modelWindow && by != "" && by == m.by
}

func (m *model) retire(now time.Time) {
	m.retired[m.generation] = now
	m.generation++
}

func (m *model) fresh(now time.Time) (n int) {
	for _, at := range m.retired {
		if now.Sub(at) < modelGrace {
			n++
		}
	}
	return n
}

// play is the real thing beside its model, and the clients and the thief that hold its tokens.
type play struct {
	t       *testing.T
	a       *Authority
	m       *miniredis.Miniredis
	now     *time.Time
	model   model
	session string
	tokens  map[uint64]string    // the one refresh token of each generation
	died    map[uint64]time.Time // when the access tokens of a generation die; model of the log
	access  []Pair
	gens    []uint64 // of access
	clients [4]uint64
	before  func() // undoes the last step, as a failover to a replica that lags does
}

// Property: after any sequence of refreshes, lost answers, thefts, uses, failovers and waits, every answer is the
// table's, every generation has exactly one refresh token, and every access token is judged as the rules say.
func FuzzRotation(f *testing.F) {
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(m.Close)
	for policy := range byte(9) {
		f.Add([]byte{policy, 0, 0, 0, 1, 2, 3})
		f.Add([]byte{policy, 0, 52, 4, 0, 52, 0, 20, 0})         // a lost answer, the wait, the parent
		f.Add([]byte{policy, 0, 36, 0, 52, 32, 0, 1, 44, 0, 1})  // uses and thefts
		f.Add([]byte{policy, 0, 40, 0, 1, 2, 40, 0, 1, 2, 3})    // failovers
		f.Add([]byte{policy, 0, 54, 0, 55, 0, 55, 55, 55, 0, 1}) // long waits
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) == 0 || len(script) > 200 {
			return
		}
		m.FlushAll()
		p := newPlay(t, m, script[0])
		for _, b := range script[1:] {
			p.step(b)
		}
	})
}

// newPlay takes the policies from one byte.
func newPlay(t *testing.T, m *miniredis.Miniredis, policies byte) *play {
	policy := []LostAnswer{UntilUsed, Always, Never}[policies%3]
	ofClient := []ReuseBySameClient{ConvergeReuse, RefuseReuse, EndReuse}[policies/3%3]
	now := time.Unix(1_800_000_000, 0)
	p := &play{t: t, m: m, now: &now, tokens: map[uint64]string{}, died: map[uint64]time.Time{}}
	p.a = memoryShop(t, m, &now, 240*time.Hour)
	p.a.cfg.LostAnswer, p.a.cfg.ReuseBySameClient = policy, ofClient
	pair := issued(t, p.a, 2)
	p.session = pair.Session
	p.model = model{policy: policy, ofClient: ofClient, generation: 1, active: now, retired: map[uint64]time.Time{}}
	p.take(pair)
	p.clients = [4]uint64{1, 1, 1, 1}
	return p
}

// playClients are two tabs of one browser, another browser behind the same address, and a client that says nothing.
var playClients = [4]Client{
	{Address: "2001:db8:1:2::3", Device: "Browser/1"}, {Address: "2001:db8:1:2::4", Device: "Browser/1"},
	{Address: "2001:db8:1:2::3", Device: "Thief/1"}, {},
}

// step does one thing: the two low bits say who, the others what.
func (p *play) step(b byte) {
	who := int(b % 4)
	switch (b / 4) % 14 {
	case 0, 1, 2, 3, 4:
		p.refresh(who, true)
	case 5, 6:
		p.refresh(who, false)
	case 7, 8:
		p.clients[who] = p.clients[(who+1)%4] // a thief copies, or a tab reads what another stored
	case 9:
		p.use(who)
	case 10:
		p.failover()
	case 11:
		*p.now = p.now.Add(time.Second)
	case 12:
		*p.now = p.now.Add(20 * time.Second)
	case 13:
		*p.now = p.now.Add([]time.Duration{29, 31, 240 * 3600, 720 * 3600}[who] * time.Second)
	}
	p.judgeAll()
}

func (p *play) refresh(who int, answerArrives bool) {
	presented := p.clients[who]
	p.remember()
	old := p.model.generation
	from := playClients[who]
	want := p.model.present(presented, *p.now, from.digest())
	pair, _, err := p.a.Refresh(context.Background(), p.tokens[presented], from)
	if !errors.Is(err, want) {
		p.t.Fatalf("generation %d presented, %d current, used %d: answered %v, the rules say %v", presented, old, p.model.used, err, want)
	}
	if err != nil {
		return
	}
	if p.model.generation > old {
		p.kill(p.model.generation, p.now.Add(modelGrace))
	}
	p.take(pair)
	if answerArrives {
		p.clients[who] = p.model.generation
	}
}

// kill notes when the access tokens below a generation die; the earliest word about each counts.
func (p *play) kill(below uint64, at time.Time) {
	for g := range below {
		if died, known := p.died[g]; !known || at.Before(died) {
			p.died[g] = at
		}
	}
}

func (p *play) take(pair Pair) {
	g := p.model.generation
	if known, ok := p.tokens[g]; ok && known != pair.Refresh {
		p.t.Fatalf("generation %d has two refresh tokens", g)
	}
	p.tokens[g] = pair.Refresh
	p.access, p.gens = append(p.access, pair), append(p.gens, g)
}

// use has an access token of the client's generation seen by Verify, and the note of it written down.
func (p *play) use(who int) {
	for i, g := range p.gens {
		if g != p.clients[who] {
			continue
		}
		if _, err := p.a.Verify(p.access[i].Access); err == nil && !p.model.ended {
			p.model.used = max(p.model.used, g)
		}
	}
	p.write()
}

func (p *play) write() {
	if err := p.a.writeNotes(context.Background()); err != nil {
		p.t.Fatal(err)
	}
}

// remember makes the next failover lose exactly the step that follows.
func (p *play) remember() {
	key := p.a.store.prefix + "s:" + p.session
	was, err := p.a.store.HGetAll(context.Background(), key).Result()
	if err != nil {
		p.t.Fatal(err)
	}
	model := p.model.copy()
	p.before = func() {
		p.m.Del(key)
		for field, value := range was {
			p.m.HSet(key, field, value)
		}
		p.model = model
	}
}

// failover loses the last write of the session, unless it was its end: that is in the log as well.
func (p *play) failover() {
	if p.before != nil && !p.model.ended {
		p.before()
		p.before = nil
	}
}

// judgeAll judges every access token ever handed out, without leaving a note.
func (p *play) judgeAll() {
	for i, pair := range p.access {
		_, err := p.a.check(pair.Access, *p.now)
		died, known := p.died[p.gens[i]]
		var want error
		switch {
		case !p.now.Before(pair.AccessExpiry.Add(p.a.cfg.Leeway)):
			want = Expired
		case p.model.ended, known && !p.now.Before(died):
			want = Revoked
		}
		if !errors.Is(err, want) {
			p.t.Fatalf("an access token of generation %d is judged %v, the rules say %v", p.gens[i], err, want)
		}
	}
}
