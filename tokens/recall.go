package tokens

import "context"

// Recall fills in what an identity lacks, login name and fingerprint, from the user's newest live session. Where there
// is none both stay as they were: only WordPress can compute a fingerprint, and that is on purpose, because the secrets
// of the gateway alone must not be enough to become a customer. ErrUnavailable when Redis is gone.
func (a *Authority) Recall(ctx context.Context, who Identity) (Identity, error) {
	var newest Session
	for s, err := range a.Sessions(ctx, who.UserID) {
		if err != nil {
			return who, err
		}
		if s.Fingerprint != "" && s.Created.After(newest.Created) {
			newest = s
		}
	}
	if who.Fingerprint == "" {
		who.Fingerprint = newest.Fingerprint
	}
	if who.Login == "" {
		who.Login = newest.Login
	}
	return who, nil
}
