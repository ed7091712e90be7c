package tokens

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Verdict is what a refresh came to: metric label and log word in one.
type Verdict string

// The closed list of verdicts.
const (
	VerdictRotated     Verdict = "rotated"     // the current token: a new pair
	VerdictConcurrent  Verdict = "concurrent"  // retired less than the grace ago: the current token again
	VerdictLostAnswer  Verdict = "lost_answer" // the parent, by Config.LostAnswer: the current token again
	VerdictSameClient  Verdict = "same_client" // an older one from the session's own client, by Config.ReuseBySameClient: the current token again
	VerdictSuperseded  Verdict = "superseded"  // the same, refused: 401, and the session goes on
	VerdictHeld        Verdict = "held"        // more than 32 rotations within the grace: the current token again
	VerdictAhead       Verdict = "ahead"       // Redis lost its last write in a failover: a new pair
	VerdictAdopted     Verdict = "adopted"     // a token of the PHP plugin: a session of ours
	VerdictHandedBack  Verdict = "handed_back" // one of ours, while sessions go back: a pair of the PHP plugin
	VerdictPassedOn    Verdict = "passed_on"   // a token of the PHP plugin, while sessions go back: that plugin's answer
	VerdictKept        Verdict = "kept"        // one of ours that the PHP plugin gave nothing for: a new pair of ours
	VerdictReuse       Verdict = "reuse"       // a spent token: the session was ended
	VerdictEnded       Verdict = "ended"       // the session had been ended before
	VerdictExpired     Verdict = "expired"     // the session's idle or absolute limit has passed
	VerdictUnknown     Verdict = "unknown"     // no such session
	VerdictRefused     Verdict = "refused"     // malformed, or not made by us
	VerdictUnavailable Verdict = "unavailable" // Redis did not answer, or WordPress where it was asked
)

// Verdicts returns the closed list, for metrics and documentation.
func Verdicts() []Verdict {
	return []Verdict{VerdictRotated, VerdictConcurrent, VerdictLostAnswer, VerdictSameClient, VerdictSuperseded, VerdictHeld, VerdictAhead, VerdictAdopted, VerdictHandedBack,
		VerdictPassedOn, VerdictKept, VerdictReuse, VerdictEnded, VerdictExpired, VerdictUnknown, VerdictRefused, VerdictUnavailable}
}

// step is the answer of rotate.lua.
type step struct {
	verdict    Verdict
	generation uint64 // the current one, after the step
	owed       string // what the revocation log does not have yet
}

// The modes of rotate.lua.
const (
	rotateMode = ""
	peekMode   = "peek" // decide, and write nothing
)

// ownClient stands for the client of the session's last refresh, whichever that was.
const ownClient = "own"

func (s store) rotate(ctx context.Context, t refreshToken, from Client, client string, cfg Config, mode string) (step, error) {
	answer, err := rotateScript.Run(ctx, s, []string{s.session(t.session)},
		t.generation, cfg.Now().UnixMilli(), milliseconds(cfg.RefreshGrace), string(cfg.LostAnswer),
		milliseconds(cfg.RefreshTTL), milliseconds(cfg.SessionTTL), from.Address, from.Device,
		milliseconds(outlives), milliseconds(cfg.tombstone()), mode,
		client, string(cfg.ReuseBySameClient), milliseconds(cfg.reuseWindow())).StringSlice()
	if err != nil {
		return step{}, err
	}
	if len(answer) != 3 {
		return step{}, fmt.Errorf("the rotation script answered %d values instead of 3", len(answer))
	}
	generation, err := strconv.ParseUint(answer[1], 10, 64)
	return step{verdict: Verdict(answer[0]), generation: generation, owed: answer[2]}, err
}

// rejection is the error of a step that hands out no token.
func (v Verdict) rejection() error {
	switch v {
	case VerdictUnknown:
		return Unknown
	case VerdictExpired:
		return Expired
	case VerdictEnded:
		return Ended
	case VerdictReuse:
		return Reused
	case VerdictSuperseded:
		return Superseded
	}
	return nil
}

// verdictOf says what an error means for the refresh.
func verdictOf(err error) Verdict {
	var r Rejection
	if !errors.As(err, &r) {
		return VerdictUnavailable
	}
	switch r {
	case Unknown:
		return VerdictUnknown
	case Expired:
		return VerdictExpired
	case Ended:
		return VerdictEnded
	case Reused:
		return VerdictReuse
	case Superseded:
		return VerdictSuperseded
	}
	return VerdictRefused
}
