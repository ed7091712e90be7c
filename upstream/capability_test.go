package upstream

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCapabilitiesOfTheVectorsAreUnderstood(t *testing.T) {
	for _, v := range readVectors(t).Capabilities {
		var c struct {
			Sub, Sid, By string
			Act          Act
		}
		if err := json.Unmarshal(v.Claims, &c); err != nil {
			t.Fatal(err)
		}
		got, err := speaker(t, v).Capability(v.Token)
		if want := (Capability{UserID: mustInt(t, c.Sub), Act: c.Act, Target: c.Sid, By: mustInt(t, c.By)}); err != nil || got != want {
			t.Errorf("%s: got %+v %v, want %+v", v.Name, got, err, want)
		}
	}
}

func TestBadCapabilitiesOfTheVectorsAreRefused(t *testing.T) {
	for _, v := range readVectors(t).BadCapabilities {
		if got, err := speaker(t, v).Capability(v.Token); !errors.Is(err, ErrBadCapability) || got != (Capability{}) {
			t.Errorf("%s: %+v %v", v.Why, got, err)
		}
	}
}

// A capability that was changed in one place, or that is in another spelling, does not count.
func FuzzNoOtherTextIsACapability(f *testing.F) {
	good := readVectors(f).Capabilities[0]
	for _, text := range []string{"", "..", good.Token[1:], good.Token + "=", strings.ToUpper(good.Token), strings.Repeat("a", 5000), good.Token + "."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := speaker(t, good).Capability(text); (err == nil) != (text == good.Token) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
