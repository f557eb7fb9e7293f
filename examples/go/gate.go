package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const maxBodyBytes = 4 << 20

// Gate decides about each request before anything behind it sees a byte.
type Gate struct {
	metadata Metadata
	verifier *Verifier
	limits   *Limits
}

// action is what a message wants done: a tool, if it calls one; and the body with that and nothing else in it.
type action struct {
	method, tool string
	body         []byte
}

// denial is how a request is refused.
type denial struct {
	status           int
	code, words      string
	scope            string
	retryAfter       time.Duration
	isForCredentials bool
}

func (d *denial) Error() string { return d.words }

// protect lets through what a good token, the limit of its user and the scope of the tool allow.
func (g *Gate) protect(read func([]byte) (action, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, err := g.authenticate(r)
		if err == nil {
			err = g.admit(w, r, identity, read)
		}
		var denied *denial
		switch {
		case errors.As(err, &denied):
			g.deny(w, denied)
		case err != nil:
			g.deny(w, &denial{status: http.StatusBadRequest, code: "invalid_request", words: err.Error()})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (g *Gate) authenticate(r *http.Request) (Identity, error) {
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	token, err := presentedToken(r.Header)
	if err != nil {
		record("denied", "status", http.StatusUnauthorized, "reason", "no token", "address", address)
		return Identity{}, err
	}
	identity, err := g.verifier.verify(token)
	switch {
	case errors.Is(err, errUnavailable):
		record("denied", "status", http.StatusServiceUnavailable, "reason", err.Error())
		return Identity{}, &denial{
			status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			words: "The issuer cannot be reached.", retryAfter: 5 * time.Second,
		}
	case err != nil:
		fingerprint := sha256.Sum256([]byte(token))
		record("denied", "status", http.StatusUnauthorized, "reason", reasonOf(err),
			"token", hex.EncodeToString(fingerprint[:6]), "address", address)
		return Identity{}, &denial{
			status: http.StatusUnauthorized, code: "invalid_token",
			words: "The access token is not valid here.", isForCredentials: true,
		}
	}
	return identity, nil
}

// presentedToken reads the one Authorization header (RFC 6750, section 2.1).
func presentedToken(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) > 1 {
		return "", &denial{status: http.StatusBadRequest, code: "invalid_request", words: "Send one Authorization header."}
	}
	missing := &denial{status: http.StatusUnauthorized, words: "An access token is required.", isForCredentials: true}
	if len(values) == 0 {
		return "", missing
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", missing
	}
	return strings.TrimLeft(token, " "), nil
}

// admit judges what the request wants, and gives the request the body that was judged.
func (g *Gate) admit(w http.ResponseWriter, r *http.Request, caller Identity, read func([]byte) (action, error)) error {
	facts := []any{"issuer", caller.Issuer, "subject", caller.Subject, "client", caller.Client}
	if wait := g.limits.wait(caller.User, time.Now()); wait > 0 {
		record("denied", append(facts, "status", http.StatusTooManyRequests)...)
		return &denial{
			status: http.StatusTooManyRequests, code: "too_many_requests", words: "Too many calls.", retryAfter: wait,
		}
	}
	if r.Method != http.MethodPost {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		return &denial{
			status: http.StatusRequestEntityTooLarge, code: "invalid_request",
			words: fmt.Sprintf("Send at most %d bytes.", maxBodyBytes),
		}
	}
	wanted, err := read(body)
	if err != nil {
		return err
	}
	// A tool that is not in the table does not exist, which the SDK says itself.
	if scope, known := scopesOfTools[wanted.tool]; known && !slices.Contains(caller.Scopes, scope) {
		record("denied", append(facts, "status", http.StatusForbidden, "tool", wanted.tool, "scope", scope)...)
		return &denial{
			status: http.StatusForbidden, code: "insufficient_scope",
			words: "Token missing required scope: " + scope, scope: scope, isForCredentials: true,
		}
	}
	record("allowed", append(facts, "method", wanted.method, "tool", wanted.tool)...)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(wanted.body)), int64(len(wanted.body))
	return nil
}

func (g *Gate) deny(w http.ResponseWriter, denied *denial) {
	headers := w.Header()
	headers.Set("Cache-Control", "no-store")
	if denied.isForCredentials {
		headers.Set("WWW-Authenticate", g.challenge(denied))
	}
	if denied.retryAfter > 0 {
		headers.Set("Retry-After", strconv.Itoa(int(math.Ceil(denied.retryAfter.Seconds()))))
	}
	body := map[string]string{"error": denied.code, "error_description": denied.words}
	if denied.code == "" {
		body["error"] = "unauthorized"
	}
	if denied.scope != "" {
		body["scope"] = denied.scope
	}
	writeJSON(w, denied.status, body)
}

// challenge names no error where no token was presented (RFC 6750, section 3.1).
func (g *Gate) challenge(denied *denial) string {
	var parameters []string
	if denied.code != "" {
		parameters = append(parameters, `error="`+denied.code+`"`, `error_description="`+denied.words+`"`)
	}
	scope := denied.scope
	if scope == "" {
		scope = strings.Join(firstScopes, " ")
	}
	parameters = append(parameters, `scope="`+scope+`"`, `resource_metadata="`+g.metadata.url()+`"`)
	return "Bearer " + strings.Join(parameters, ", ")
}

// readMessage takes the one JSON-RPC message of a body, and writes it anew: what was judged is what runs, whatever
// another parser would have seen.
func readMessage(body []byte) (action, error) {
	message, err := readObject(body)
	if err != nil {
		return action{}, err
	}
	known := map[string]json.RawMessage{}
	for _, name := range []string{"jsonrpc", "id", "method", "params", "result", "error"} {
		if value, ok := message[name]; ok {
			known[name] = value
		}
	}
	var wanted action
	_ = json.Unmarshal(known["method"], &wanted.method) // What is no text is no method, which the SDK says itself.
	if wanted.method == "tools/call" {
		call, err := readPlainCall(known["params"])
		if err != nil {
			return action{}, err
		}
		wanted.tool, known["params"] = call.tool, call.body
	}
	wanted.body, err = json.Marshal(known)
	return wanted, err
}

// readPlainCall takes the name and arguments of a call.
func readPlainCall(body []byte) (action, error) {
	call, err := readObject(body)
	if err != nil {
		return action{}, err
	}
	for name := range call {
		if name != "name" && strings.EqualFold(name, "name") {
			return action{}, errors.New(`write "name" in lower case`)
		}
	}
	wanted := action{method: "tools/call"}
	if err := json.Unmarshal(call["name"], &wanted.tool); err != nil {
		return action{}, errors.New("the name of the tool is missing")
	}
	wanted.body, err = json.Marshal(call)
	return wanted, err
}

func readNothing([]byte) (action, error) { return action{}, nil }

func readObject(body []byte) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, errors.New("send one JSON object")
	}
	return object, nil
}

// reasonOf holds nothing of the token: the words of some errors quote it.
func reasonOf(err error) string {
	for _, known := range []error{
		jwt.ErrTokenMalformed, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet,
		jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer,
		jwt.ErrTokenRequiredClaimMissing, errNoKey,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if errors.Is(err, jwt.ErrTokenUnverifiable) || errors.Is(err, jwt.ErrTokenInvalidClaims) {
		return "cannot be verified"
	}
	return err.Error()
}
