package tokens

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/tokens/keys"
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

// over reports whether no refresh can succeed any more.
func (m *model) over(now time.Time) bool { return m.ended || now.Sub(m.active) >= modelIdle }

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

// stage is the real thing. One process plays on one stage, since beginning a client and an Authority takes longer than a play.
type stage struct {
	rdb   *redis.Client
	a     *Authority
	now   time.Time
	users int64 // each play has a user and a session of its own, and so keys of its own
}

func newStage(t testing.TB, options *redis.Options) *stage {
	t.Helper()
	s := &stage{rdb: redis.NewClient(options)}
	t.Cleanup(func() { s.rdb.Close() })
	key, err := keys.NewHMAC("k1", "HS256", []byte("a-secret-for-tests-only-0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	s.a, err = New(Config{Issuer: "i", Keys: []keys.Key{key}, AccessTTL: 240 * time.Hour, Now: func() time.Time { return s.now }},
		s.rdb, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fuzzRedis starts a redis-server that only this process can reach, as package tokenstest cannot here: it needs package
// tokens. The embedded store, which stands in for it with -short, compiles a script each time that it runs.
func fuzzRedis(f testing.TB) *redis.Options {
	f.Helper()
	if testing.Short() {
		return &redis.Options{Addr: miniredis.RunT(f).Addr()}
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		f.Fatal("redis-server is missing: install it (Debian package redis-server)")
	}
	dir := f.TempDir()
	socket := filepath.Join(dir, "socket")
	p, err := child.Start(child.Program{Name: "redis-server", Dir: dir, Log: filepath.Join(dir, "log"),
		Args: []string{program, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"}}, make(chan error, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = p.Stop() })
	options := &redis.Options{Network: "unix", Addr: socket}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	if err := p.Ready(f.Context(), func() bool { return rdb.Ping(f.Context()).Err() == nil }); err != nil {
		f.Fatal(err)
	}
	return options
}

// playsKept is after how many plays the stage is cleared. Doing it after each one would cost a round trip.
const playsKept = 512

// clear removes what the plays before left behind.
func (s *stage) clear() error {
	if s.users%playsKept != 0 {
		return nil
	}
	s.a.revoked.Forget(s.now.Add(100 * 365 * 24 * time.Hour))
	return s.rdb.FlushDB(context.Background()).Err()
}

// play is the real thing beside its model, and the clients and the thief that hold its tokens.
type play struct {
	t       *testing.T
	a       *Authority
	rdb     *redis.Client
	now     *time.Time
	model   model
	session string
	tokens  map[uint64]string    // the one refresh token of each generation
	died    map[uint64]time.Time // when the access tokens of a generation die; model of the log
	access  []Pair
	proven  []*verified // access, as its signature and contents were found good
	gens    []uint64    // of access
	clients [4]uint64
	before  func() // undoes the last refresh, as a failover to a replica that lags does
}

// Property: after any sequence of refreshes, lost answers, thefts, uses, failovers and waits, every answer is the
// table's, every generation has exactly one refresh token, and every access token is judged as the rules say.
func FuzzRotation(f *testing.F) {
	s := newStage(f, fuzzRedis(f))
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // a play leaves little, and collecting it took a seventh of the time
	for policy := range byte(9) {
		f.Add([]byte{policy, 0, 0, 0, 1, 2, 3})
		f.Add([]byte{policy, 0, 52, 4, 0, 52, 0, 20, 0})         // a lost answer, the wait, the parent
		f.Add([]byte{policy, 0, 36, 0, 52, 32, 0, 1, 44, 0, 1})  // uses and thefts
		f.Add([]byte{policy, 0, 40, 0, 1, 2, 40, 0, 1, 2, 3})    // failovers
		f.Add([]byte{policy, 0, 54, 0, 55, 0, 55, 55, 55, 0, 1}) // long waits
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) == 0 || len(script) > longestPlay {
			return
		}
		s.play(t, script)
	})
}

// The plays of FuzzRotation are short, so that there are many. These rotate more often than a session remembers its
// parents, and then present the first refresh token of all.
func TestLongPlaysFollowTheRules(t *testing.T) {
	s := newStage(t, fuzzRedis(t))
	step := func(kind, who byte) byte { return 4*kind + who }
	rotation := []byte{step(0, 0), step(11, 0)}                        // and a second
	used := []byte{step(0, 0), step(9, 0), step(11, 0)}                // its access token is used
	lost := []byte{step(5, 0), step(12, 0), step(12, 0), step(0, 0)}   // the answer is lost; the parent comes after a while
	undone := []byte{step(0, 0), step(10, 0), step(0, 0), step(11, 0)} // by a failover
	old := []byte{step(0, 3), step(0, 1), step(0, 2), step(0, 0), step(9, 0)}
	for policy := range byte(9) {
		for name, part := range map[string][]byte{"rotations": rotation, "uses": used, "lost answers": lost, "failovers": undone} {
			t.Run(fmt.Sprintf("%s, policy %d", name, policy), func(t *testing.T) {
				s.play(t, slices.Concat([]byte{policy}, bytes.Repeat(part, 70), old))
			})
		}
	}
}

// play plays a script to its end, or until its session has been over for some steps.
func (s *stage) play(t *testing.T, script []byte) {
	p := newPlay(t, s, script[0])
	left := stepsAfterEnd
	for i, b := range script[1:] {
		p.step(b, undone(script[i+2:]))
		if p.model.over(*p.now) {
			left--
		}
		if left == 0 {
			return
		}
	}
}

const (
	// longestPlay has room for some dozen rotations and the waits and thefts between them.
	longestPlay = 40
	// stepsAfterEnd is how long a play goes on after its session is over. Nothing can begin it again, so a long rest of a
	// script would only repeat that.
	stepsAfterEnd = 6
)

// undone reports whether a failover comes before the next refresh.
func undone(rest []byte) bool {
	next := slices.IndexFunc(rest, func(b byte) bool { return kindOf(b) <= 6 || kindOf(b) == 10 })
	return next >= 0 && kindOf(rest[next]) == 10
}

// newPlay takes the policies from one byte.
func newPlay(t *testing.T, s *stage, policies byte) *play {
	if err := s.clear(); err != nil {
		t.Fatal(err)
	}
	policy := []LostAnswer{UntilUsed, Always, Never}[policies%3]
	ofClient := []ReuseBySameClient{ConvergeReuse, RefuseReuse, EndReuse}[policies/3%3]
	s.now = time.Unix(1_800_000_000, 0)
	s.users++
	s.a.cfg.LostAnswer, s.a.cfg.ReuseBySameClient = policy, ofClient
	p := &play{t: t, a: s.a, rdb: s.rdb, now: &s.now, tokens: map[uint64]string{}, died: map[uint64]time.Time{}}
	pair := issued(t, p.a, s.users)
	p.session = pair.Session
	p.model = model{policy: policy, ofClient: ofClient, generation: 1, active: s.now, retired: map[uint64]time.Time{}}
	p.take(pair)
	p.clients = [4]uint64{1, 1, 1, 1}
	return p
}

// playClients are two tabs of one browser, another browser behind the same address, and a client that says nothing.
var playClients = [4]Client{
	{Address: "2001:db8:1:2::3", Device: "Browser/1"}, {Address: "2001:db8:1:2::4", Device: "Browser/1"},
	{Address: "2001:db8:1:2::3", Device: "Thief/1"}, {},
}

// kindOf is what a step does.
func kindOf(b byte) byte { return (b / 4) % 14 }

// step does one thing: the two low bits say who, the others what. What is undone later is remembered.
func (p *play) step(b byte, undone bool) {
	who := int(b % 4)
	switch kindOf(b) {
	case 0, 1, 2, 3, 4:
		p.refresh(who, true, undone)
	case 5, 6:
		p.refresh(who, false, undone)
	case 7, 8:
		p.clients[who] = p.clients[(who+1)%4] // a thief copies, or a tab reads what another stored
		return                                // nothing that decides about a token changed
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

func (p *play) refresh(who int, answerArrives, undone bool) {
	presented := p.clients[who]
	p.before = nil
	if undone {
		p.remember()
	}
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
	if floor := p.floor(); p.model.generation < floor { // Redis lost rotations that the log has: see pastRevoked
		for p.model.generation <= floor {
			p.model.retire(*p.now)
		}
	}
	if p.model.generation > old {
		p.kill(p.model.generation, p.now.Add(modelGrace))
	}
	p.take(pair)
	if answerArrives {
		p.clients[who] = p.model.generation
	}
}

// floor is the first generation whose access tokens are not dead.
func (p *play) floor() (first uint64) {
	for g, died := range p.died {
		if !p.now.Before(died) {
			first = max(first, g+1)
		}
	}
	return first
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
	if slices.ContainsFunc(p.access, func(known Pair) bool { return known.Access == pair.Access }) {
		return // two requests within a second
	}
	v, err := p.a.examine(pair.Access, *p.now)
	if err != nil {
		p.t.Fatalf("an access token of generation %d that was just issued: %v", g, err)
	}
	p.access, p.proven, p.gens = append(p.access, pair), append(p.proven, v), append(p.gens, g)
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
	was, err := p.rdb.HGetAll(context.Background(), key).Result()
	if err != nil {
		p.t.Fatal(err)
	}
	model := p.model.copy()
	p.before = func() {
		_, err := p.rdb.Pipelined(context.Background(), func(pipe redis.Pipeliner) error {
			pipe.Del(context.Background(), key)
			pipe.HSet(context.Background(), key, was)
			return nil
		})
		if err != nil {
			p.t.Fatal(err)
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

// judgeAll judges every access token ever handed out, without leaving a note. What cannot change about one was checked before.
func (p *play) judgeAll() {
	for i, pair := range p.access {
		err := p.a.current(p.proven[i], *p.now)
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
