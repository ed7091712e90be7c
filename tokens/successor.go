package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// A login at the PHP plugin that a session of ours was handed back to is that session's next generation. Its use is
// noted as such, so that a token of ours that comes after it is known for a copy.

// handedTo names the key that tells of which session a login at the PHP plugin is the successor. By a digest: where the
// plugin's secret can be guessed, its name of a login is all that a forger lacks.
func (s store) handedTo(pat string) string {
	sum := sha256.Sum256([]byte(pat))
	return s.prefix + "t:" + hex.EncodeToString(sum[:])
}

func successorOf(id revocation.SessionID, generation uint64) string {
	return id.String() + " " + strconv.FormatUint(generation+1, 10)
}

// parseSuccessor reads what successorOf wrote.
func parseSuccessor(text string) (id revocation.SessionID, generation uint64, ok bool) {
	session, after, _ := strings.Cut(text, " ")
	id, ok = revocation.ParseSessionID(session)
	generation, err := strconv.ParseUint(after, 10, 64)
	return id, generation, ok && err == nil
}

// endSuccessors ends what a session was handed back for with it: all of the plugin's tokens of its user, since they cannot
// be told apart for long. Those that a logout has ended already are left at that: the customer may have logged in since.
func (a *Authority) endSuccessors(ctx context.Context, userID, handed int64, cause Cause) error {
	if a.revoked.LatestCutoff(userID, PluginFingerprint) >= handed {
		return nil
	}
	_, err := a.EndUser(ctx, userID, PluginFingerprint, cause)
	return err
}

// addLogin notes the use of a token of the plugin's; of which session it is the successor is asked later.
func (n *useNotes) addLogin(pat string, seen int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.logins == nil {
		n.logins = map[string]int64{}
	}
	if _, known := n.logins[pat]; known || len(n.logins) < mostNotes {
		n.logins[pat] = max(n.logins[pat], seen)
	}
}

// takeLogins hands over up to one batch.
func (n *useNotes) takeLogins() map[string]int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return takeBatch(n.logins)
}

// noteSuccessors turns the uses of the plugin's tokens into those of sessions.
func (a *Authority) noteSuccessors(ctx context.Context) error {
	for batch := a.notes.takeLogins(); len(batch) > 0; batch = a.notes.takeLogins() {
		found, err := a.store.successors(ctx, batch)
		if err != nil {
			for pat, seen := range batch {
				a.notes.addLogin(pat, seen)
			}
			return unavailable("finding whose a used token of the plugin is", err)
		}
		for id, one := range found {
			a.notes.add(id, one)
		}
	}
	return nil
}

func (s store) successors(ctx context.Context, batch map[string]int64) (map[revocation.SessionID]note, error) {
	answers := make(map[*redis.StringCmd]int64, len(batch))
	_, err := s.Pipelined(ctx, func(p redis.Pipeliner) error {
		for pat, seen := range batch {
			answers[p.Get(ctx, s.handedTo(pat))] = seen
		}
		return nil
	})
	if missing(err) != nil {
		return nil, err
	}
	found := map[revocation.SessionID]note{}
	for answer, seen := range answers {
		if id, generation, ok := parseSuccessor(answer.Val()); ok {
			found[id] = note{generation, seen}
		}
	}
	return found, nil
}
