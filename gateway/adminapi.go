package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"

	"cocart-gateway/tokens"
)

// AdminConfig says what the private listener offers beyond metrics and probes.
type AdminConfig struct {
	// Token protects the administration API; empty switches it off.
	Token string
	// OAuth adds the endpoints of RFC 7009 and RFC 7662. They need Token.
	OAuth bool
}

// addAPI is the administration API, JSON in and out, for whoever holds the
// token:
//
//	GET    /sessions[?user=N]         the live sessions
//	GET    /sessions/{id}             one, also for some days after its end
//	DELETE /sessions/{id}             end it
//	DELETE /sessions?user=N           end all of a user's
//	DELETE /sessions?all=true         end everybody's
func (a *Admin) addAPI(cfg AdminConfig) {
	if cfg.Token == "" {
		return
	}
	guard := guardian(cfg.Token)
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /sessions":         a.listSessions,
		"GET /sessions/{id}":    a.showSession,
		"DELETE /sessions/{id}": a.endSession,
		"DELETE /sessions":      a.endSessions,
	} {
		a.mux.Handle(pattern, guard(handle))
	}
	if cfg.OAuth {
		a.mux.Handle("POST /oauth/revoke", guard(a.revoke))
		a.mux.Handle("POST /oauth/introspect", guard(a.introspect))
	}
}

// guardian lets only holders of the token in: as Bearer, or as the password of
// Basic, which is how OAuth clients authenticate (RFC 6749 section 2.3.1).
// Digests of equal length are compared, so that time tells nothing.
func guardian(token string) func(func(http.ResponseWriter, *http.Request) error) http.Handler {
	want := sha256.Sum256([]byte(token))
	return func(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			given, err := bearerToken(r.Header)
			if _, password, ok := r.BasicAuth(); ok {
				given = password
			}
			got := sha256.Sum256([]byte(given))
			if err == nil && subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				err = &Failure{Status: http.StatusUnauthorized, Code: "cocart_gateway_admin_token", Message: "The administration token is missing or wrong.",
					Challenge: `Bearer realm="cocart-gateway administration"`}
			}
			if err == nil {
				err = handle(w, r)
			}
			if err != nil {
				writeFailure(w, r, adminFailure(err))
			}
		})
	}
}

// adminFailure may say more than a customer is told.
func adminFailure(err error) *Failure {
	var f *Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, tokens.Unknown):
		return &Failure{Status: http.StatusNotFound, Code: "cocart_gateway_no_such_session", Message: "There is no such session."}
	case errors.Is(err, tokens.Malformed):
		return badRequest("This is not the id of a session.")
	case errors.Is(err, tokens.ErrUnavailable):
		return &Failure{Status: http.StatusServiceUnavailable, Code: "cocart_gateway_store_unavailable", Message: err.Error(), RetryAfter: 5}
	default:
		return &Failure{Status: http.StatusInternalServerError, Code: "cocart_gateway_error", Message: err.Error()}
	}
}

func badRequest(message string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "cocart_gateway_bad_request", Message: message}
}

func (a *Admin) listSessions(w http.ResponseWriter, r *http.Request) error {
	user, err := userParameter(r)
	if err != nil {
		return err
	}
	list := []tokens.Session{}
	for s, err := range a.authority.Sessions(r.Context(), user) {
		if err != nil {
			return err
		}
		list = append(list, s)
	}
	writeJSON(w, r, http.StatusOK, map[string]any{"sessions": list})
	return nil
}

// userParameter is 0 when no user is named.
func userParameter(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("user")
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, badRequest("user must be the number of a WordPress user.")
	}
	return id, nil
}

func (a *Admin) showSession(w http.ResponseWriter, r *http.Request) error {
	s, err := a.authority.Session(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, r, http.StatusOK, s)
	return nil
}

func (a *Admin) endSession(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.authority.Session(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	if err := a.authority.EndSession(r.Context(), r.PathValue("id"), tokens.CauseAdmin); err != nil {
		return err
	}
	writeJSON(w, r, http.StatusOK, map[string]int{"ended": 1})
	return nil
}

// endSessions needs to be told whose, so that a forgotten parameter logs nobody
// out.
func (a *Admin) endSessions(w http.ResponseWriter, r *http.Request) error {
	user, err := userParameter(r)
	all := r.URL.Query().Get("all") == "true"
	switch {
	case err != nil:
		return err
	case all == (user != 0):
		return badRequest("Say whose sessions to end: user=N or all=true.")
	case all:
		if err := a.authority.EndAll(r.Context(), tokens.CauseAdmin); err != nil {
			return err
		}
		writeJSON(w, r, http.StatusOK, map[string]string{"ended": "all"})
		return nil
	}
	n, err := a.authority.EndUser(r.Context(), user, "", tokens.CauseAdmin)
	if err != nil {
		return err
	}
	writeJSON(w, r, http.StatusOK, map[string]int{"ended": n})
	return nil
}
