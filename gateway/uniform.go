package gateway

import (
	"context"
	"encoding/json"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
)

// uniformRefusal stands in for CoCart's texts, of which one says that the user is
// unknown and the other that the password is wrong.
const uniformRefusal = "Authentication failed. Please check your login details and try again."

// refusalStep is what the time of a refusal is rounded up to, from the beginning
// of the request. CoCart hashes a password for a known user only, which takes 10
// to 150 ms, and so would tell who is one. WordPress answers a wrong password
// within half a second even on a slow host; where it takes longer than one step
// the difference hides in the second one. People do not notice a second after
// they mistyped their password.
const refusalStep = time.Second

// waitForRefusal returns at the next whole step since the attempt began.
func (g *Gateway) waitForRefusal(ctx context.Context, x *exchange) error {
	elapsed := max(0, g.cfg.Guarding.now().Sub(x.attempt.began))
	rest := refusalStep - elapsed%refusalStep
	if wait := g.cfg.Guarding.Wait; wait != nil {
		return wait(ctx, rest)
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// uniform replaces the text of CoCart's refusal, and leaves its code and data. An
// answer of another shape is none of CoCart's refusals.
func uniform(text []byte) ([]byte, bool) {
	members, err := wprequest.ParseObject(text)
	if err != nil || respond.Code(members.Text("code")) != respond.Authentication || !members.Has(func(name string) bool { return name == "message" }) {
		return nil, false
	}
	message, _ := json.Marshal(uniformRefusal) // a string always encodes
	for i := range members {
		if members[i].Name == "message" {
			members[i].Value = message
		}
	}
	return members.Encode(), true
}
