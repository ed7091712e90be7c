package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
)

// Config says what the private listener offers beyond metrics and probes.
type Config struct {
	// Token protects the administration API; empty switches it off.
	Token string
	// OAuth adds the endpoints of RFC 7009 and RFC 7662. They need Token.
	OAuth bool
	// Hosts are the names by which the listener may be asked for, besides addresses,
	// loopback names and names of one label; *.example.com is any below example.com.
	Hosts []string
	// DryRun says in /readyz that the gateway enforces nothing.
	DryRun bool
	// Started tells whether the gateway has begun to serve as it should; /servez
	// fails before. It is asked from several goroutines at once. Nil means that it
	// has.
	Started func() bool
	// Configuration adds what shows and reloads it; needs Token, too.
	Configuration Configuration
	// Now is the clock by which answers of readiness grow old; nil means time.Now.
	Now func() time.Time
	// Log hears what was done with the token, and from where; nil: nobody does.
	Log *slog.Logger
}

// apiHandler answers one call of the API, or returns the error that is answered.
type apiHandler func(http.ResponseWriter, *http.Request) error

// addAPI is the administration API, JSON in and out, for whoever holds the
// token:
//
//	GET    /sessions[?user=N]         the live sessions
//	GET    /sessions/{id}             one, also for some days after its end
//	DELETE /sessions/{id}             end it
//	DELETE /sessions?user=N           end all of a user's
//	DELETE /sessions?all=true         end everybody's
//	POST   /tokens                    {"user": N[, "fingerprint": "…", "login": "…"]}: start a session
//	POST   /tokens/inspect            {"token": "…"}: what it says, whether it is good, and if not why
//	GET    /config                    the configuration in force, as YAML, secrets hidden
//	POST   /reload                    read it again; see adminconfig.go
func (a *Handler) addAPI(cfg Config) {
	if cfg.Token == "" {
		return
	}
	protected := a.protect(cfg.Token)
	for pattern, handle := range map[string]apiHandler{
		"GET /sessions":         a.listSessions,
		"GET /sessions/{id}":    a.showSession,
		"DELETE /sessions/{id}": a.endSession,
		"DELETE /sessions":      a.endSessions,
		"POST /tokens":          a.createTokens,
		"POST /tokens/inspect":  a.inspectToken,
	} {
		a.mux.Handle(pattern, protected(handle))
	}
	a.addConfiguration(cfg.Configuration, protected)
	if cfg.OAuth {
		a.mux.Handle("POST /oauth/revoke", protected(a.revoke))
		a.mux.Handle("POST /oauth/introspect", protected(a.introspect))
	}
}

// protect returns the middleware that admits only requests with the token.
func (a *Handler) protect(token string) func(apiHandler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return func(handle apiHandler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := a.checkToken(r, want)
			if err == nil {
				err = handle(w, r)
			}
			if err != nil {
				respond.Error(w, r, failureOf(err))
			}
		})
	}
}

// checkToken compares digests of equal length, so that the time it takes does not depend on the token.
func (a *Handler) checkToken(r *http.Request, want [sha256.Size]byte) error {
	if wait := a.wrong.wait(r, a.now()); wait > 0 {
		f := respond.Fail(respond.AdminLimited)
		f.RetryAfter = int(wait/time.Second) + 1
		return f
	}
	got := sha256.Sum256([]byte(presentedToken(r)))
	if subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
		return nil
	}
	message := "administration refused"
	if a.wrong.count(r, a.now()) {
		message = "administration refused, as the rest of this minute from this address"
	}
	a.logFrom(r, slog.LevelWarn, message)
	return respond.Fail(respond.AdminToken)
}

// presentedToken returns the token of a request: of the Bearer scheme, or the password of the Basic scheme, with which OAuth
// clients authenticate (RFC 6749 section 2.3.1).
func presentedToken(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(token, " ")
}

// did tells the log of a change: whoever has the token can become any customer.
// Nothing that somebody typed may be among the attributes.
func (a *Handler) did(r *http.Request, what string, about ...slog.Attr) {
	a.logFrom(r, slog.LevelInfo, "administration", append([]slog.Attr{slog.String("did", what)}, about...)...)
}

func (a *Handler) logFrom(r *http.Request, level slog.Level, said string, about ...slog.Attr) {
	client := r.RemoteAddr // of a unix socket it is no address
	if peer, err := netip.ParseAddrPort(client); err == nil {
		client = peer.Addr().Unmap().String()
	}
	a.log.LogAttrs(r.Context(), level, said, append(about, slog.String("client", client))...)
}

// failureOf may say more than a customer is told.
func failureOf(err error) *respond.Failure {
	var f *respond.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, tokens.Unknown):
		return respond.Fail(respond.NoSuchSession)
	case errors.Is(err, tokens.Malformed):
		return badRequest("This is not the id of a session.")
	case errors.Is(err, tokens.ErrUnavailable):
		return respond.Fail(respond.StoreUnavailable).WithMessage(err.Error())
	default:
		return respond.Fail(respond.Internal).WithMessage(err.Error())
	}
}

func badRequest(message string) *respond.Failure {
	return respond.Fail(respond.BadRequest).WithMessage(message)
}

func (a *Handler) listSessions(w http.ResponseWriter, r *http.Request) error {
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
	respond.JSON(w, r, http.StatusOK, map[string]any{"sessions": list})
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

func (a *Handler) showSession(w http.ResponseWriter, r *http.Request) error {
	s, state, err := a.authority.SessionState(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if state == tokens.StateUnknown {
		return tokens.Unknown
	}
	respond.JSON(w, r, http.StatusOK, struct {
		tokens.Session
		State tokens.State `json:"state"`
	}{s, state})
	return nil
}

func (a *Handler) endSession(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.authority.Session(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	if err := a.authority.EndSession(r.Context(), r.PathValue("id"), tokens.CauseAdmin); err != nil {
		return err
	}
	a.did(r, "end session", slog.String("session", r.PathValue("id")))
	respond.JSON(w, r, http.StatusOK, map[string]int{"ended": 1})
	return nil
}

// endSessions needs to be told whose, so that a forgotten parameter logs nobody
// out.
func (a *Handler) endSessions(w http.ResponseWriter, r *http.Request) error {
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
		a.did(r, "end all sessions")
		respond.JSON(w, r, http.StatusOK, map[string]string{"ended": "all"})
		return nil
	}
	n, err := a.authority.EndUser(r.Context(), user, "", tokens.CauseAdmin)
	if err != nil {
		return err
	}
	a.did(r, "end sessions", slog.String("user", strconv.FormatInt(user, 10)), slog.Int("sessions", n))
	respond.JSON(w, r, http.StatusOK, map[string]int{"ended": n})
	return nil
}

// createTokens starts a session as cocart-gateway tokens create does. Without a
// fingerprint the user's newest live session has to tell it.
func (a *Handler) createTokens(w http.ResponseWriter, r *http.Request) error {
	var who struct {
		User               int64
		Fingerprint, Login string
	}
	if err := readJSON(r, &who); err != nil {
		return err
	}
	if who.User < 1 {
		return badRequest("user must be the number of a WordPress user.")
	}
	identity, err := a.authority.Recall(r.Context(), tokens.Identity{UserID: who.User, Login: who.Login, Fingerprint: who.Fingerprint})
	if err != nil {
		return err
	}
	if identity.Fingerprint == "" {
		return respond.Fail(respond.FingerprintNeeded)
	}
	pair, err := a.authority.Issue(r.Context(), identity, tokens.Client{Device: "cocart-gateway administration"})
	if err != nil {
		return err
	}
	a.did(r, "start session", slog.String("user", strconv.FormatInt(who.User, 10)), slog.String("session", pair.Session))
	respond.JSON(w, r, http.StatusCreated, map[string]any{
		"user_id": who.User, "session": pair.Session,
		"access_token": pair.Access, "access_expires": pair.AccessExpiry.UTC(),
		"refresh_token": pair.Refresh, "refresh_expires": pair.RefreshExpiry.UTC(),
	})
	return nil
}

func (a *Handler) inspectToken(w http.ResponseWriter, r *http.Request) error {
	var asked struct{ Token string }
	if err := readJSON(r, &asked); err != nil {
		return err
	}
	if asked.Token == "" {
		return badRequest("token is missing.")
	}
	inspection, err := a.authority.Inspect(r.Context(), asked.Token)
	if err != nil {
		return err
	}
	respond.JSON(w, r, http.StatusOK, struct {
		Good bool `json:"good"`
		tokens.Inspection
	}{inspection.Rejection == "", inspection})
	return nil
}
