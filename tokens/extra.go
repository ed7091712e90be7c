package tokens

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func (s *record) setExtra(extra map[string]any) (err error) {
	if len(extra) == 0 {
		return nil
	}
	if s.extra, err = json.Marshal(extra, json.Deterministic(true)); err != nil {
		return fmt.Errorf("encoding extra claims: %w", err)
	}
	return nil
}

// ownMembers are those of data.user that the gateway answers for.
var ownMembers = []string{"id", "username", "ip", "device", "pat"}

// shopClaims are the extra claims that may stand in data.user. A second "id" would be an invitation to read the token
// in two ways, and an "ID" beside "id" one to every reader that takes no notice of case, as Go's own does.
func (s *record) shopClaims() (map[string]jsontext.Value, error) {
	if s.extra == nil {
		return nil, nil
	}
	var all map[string]jsontext.Value
	if err := json.Unmarshal(s.extra, &all); err != nil {
		return nil, fmt.Errorf("reading extra claims of session %s: %w", s.id, err)
	}
	maps.DeleteFunc(all, func(name string, _ jsontext.Value) bool {
		return slices.ContainsFunc(ownMembers, func(own string) bool { return strings.EqualFold(name, own) })
	})
	return all, nil
}
