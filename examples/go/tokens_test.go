package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

const resource = "https://mcp.example/mcp"

// testIssuer answers as an issuer would, and counts how often its keys are asked for.
type testIssuer struct {
	*httptest.Server
	keys        map[string]*ecdsa.PrivateKey
	isAway      bool
	keyRequests int
}

func newTestIssuer(t *testing.T) *testIssuer {
	issuer := &testIssuer{keys: map[string]*ecdsa.PrivateKey{}}
	issuer.changeKey(t, "first")
	issuer.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case issuer.isAway:
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/.well-known/oauth-authorization-server":
			writeJSON(w, http.StatusOK, map[string]string{"issuer": issuer.URL, "jwks_uri": issuer.URL + "/.well-known/files/jwks"})
		default:
			issuer.keyRequests++
			writeJSON(w, http.StatusOK, issuer.published(t))
		}
	}))
	t.Cleanup(issuer.Close)
	return issuer
}

func (i *testIssuer) changeKey(t *testing.T, kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	i.keys[kid] = key
}

func (i *testIssuer) published(t *testing.T) map[string]any {
	members := []any{map[string]string{"kty": "oct", "k": "AAAA", "kid": "first"}}
	for kid, key := range i.keys {
		jwk, err := jwkset.NewJWKFromKey(&key.PublicKey, jwkset.JWKOptions{
			Metadata: jwkset.JWKMetadataOptions{KID: kid, ALG: jwkset.AlgES256, USE: jwkset.UseSig},
		})
		if err != nil {
			t.Error(err)
		}
		members = append(members, jwk.Marshal())
	}
	return map[string]any{"keys": members}
}

// sign gives a good token of both kinds, but for what is changed; nil takes a member out.
func (i *testIssuer) sign(t *testing.T, kid string, header, claims map[string]any) string {
	t.Helper()
	now := time.Now().Unix()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": i.URL, "aud": resource, "sub": "alice", "client_id": "client", "azp": "client",
		"iat": now, "exp": now + 60, "scope": "files:read", "tokenType": "access-token",
	})
	token.Header["kid"], token.Header["typ"] = kid, "at+jwt"
	change(token.Header, header)
	change(token.Claims.(jwt.MapClaims), claims)
	signed, err := token.SignedString(i.keys[kid])
	must(t, err)
	return signed
}

func change(members, changes map[string]any) {
	maps.Copy(members, changes)
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
}

func (i *testIssuer) verifier(kind TokenKind) *Verifier {
	return &Verifier{kind: kind, resource: resource, keys: newKeys(kind)}
}

type members = map[string]any

var asCasdoor = members{"typ": "JWT"}

func TestAGoodTokenOfEachKind(t *testing.T) {
	issuer := newTestIssuer(t)
	for _, row := range []struct {
		kind   TokenKind
		header members
	}{{StandardTokens{issuer.URL}, nil}, {CasdoorTokens{issuer.URL, "files", "client"}, asCasdoor}} {
		identity, err := issuer.verifier(row.kind).verify(issuer.sign(t, "first", row.header, nil))
		if got := fmt.Sprint(identity, err); got != fmt.Sprintf("{{%s alice} client [files:read]} <nil>", issuer.URL) {
			t.Errorf("%T: %s", row.kind, got)
		}
	}
}

func TestWhatDiffersInOneThingIsRefused(t *testing.T) {
	issuer := newTestIssuer(t)
	now := time.Now().Unix()
	standard, casdoor := StandardTokens{issuer.URL}, CasdoorTokens{issuer.URL, "files", "client"}
	for _, row := range []struct {
		kind           TokenKind
		header, claims members
	}{
		{standard, nil, members{"aud": "https://mcp.example"}},
		{standard, nil, members{"aud": nil}},
		{standard, nil, members{"iss": issuer.URL + "/"}},
		{standard, nil, members{"exp": nil}},
		{standard, nil, members{"exp": now - 31}},
		{standard, nil, members{"exp": "9999999999"}},
		{standard, nil, members{"nbf": now + 60}},
		{standard, nil, members{"sub": nil}},
		{standard, nil, members{"client_id": nil}},
		{standard, asCasdoor, nil},
		{standard, members{"typ": nil}, nil},
		{standard, members{"crit": []string{"exp"}}, nil},
		{standard, members{"kid": "../keys"}, nil},
		{standard, members{"kid": nil}, nil},
		{casdoor, asCasdoor, members{"tokenType": "refresh-token"}},
		{casdoor, asCasdoor, members{"TokenType": "refresh-token"}},
		{casdoor, asCasdoor, members{"tokenType": nil}},
		{casdoor, asCasdoor, members{"events": members{}}},
		{casdoor, asCasdoor, members{"azp": "other"}},
		{casdoor, asCasdoor, members{"aud": "client"}},
	} {
		_, err := issuer.verifier(row.kind).verify(issuer.sign(t, "first", row.header, row.claims))
		if err == nil || errors.Is(err, errUnavailable) {
			t.Errorf("%T, header %v, claims %v: %v", row.kind, row.header, row.claims, err)
		}
	}
}

func TestKeysAreFetchedForWhatTheyDoNotExplainButNotForEver(t *testing.T) {
	issuer := newTestIssuer(t)
	verifier := issuer.verifier(StandardTokens{issuer.URL})
	check := func(token, step string, wantRequests int) {
		t.Helper()
		if _, err := verifier.verify(token); err != nil {
			t.Errorf("%s: %v", step, err)
		}
		if issuer.keyRequests != wantRequests {
			t.Errorf("%s: keys were asked for %d times", step, issuer.keyRequests)
		}
	}
	for range 3 {
		check(issuer.sign(t, "first", nil, nil), "one fetch for all", 1)
	}
	issuer.changeKey(t, "second")
	check(issuer.sign(t, "second", nil, nil), "a new id", 2)
	issuer.changeKey(t, "second")
	check(issuer.sign(t, "second", nil, nil), "another key under the same id", 3)
	for number := range 20 {
		stranger := issuer.sign(t, "first", members{"kid": fmt.Sprint("made up ", number)}, nil)
		if _, err := verifier.verify(stranger); !errors.Is(err, errNoKey) {
			t.Errorf("a made-up id: %v", err)
		}
	}
	check(issuer.sign(t, "first", nil, nil), "made-up ids", 3)
}

func TestAnIssuerThatIsAwaySaysNothingAboutTokens(t *testing.T) {
	issuer := newTestIssuer(t)
	verifier := issuer.verifier(StandardTokens{issuer.URL})
	good := issuer.sign(t, "first", nil, nil)
	issuer.isAway = true
	if _, err := verifier.verify(good); !errors.Is(err, errUnavailable) {
		t.Errorf("never reached: %v", err)
	}
	issuer.isAway = false
	verifier = issuer.verifier(StandardTokens{issuer.URL})
	if _, err := verifier.verify(good); err != nil {
		t.Error(err)
	}
	issuer.isAway = true
	if _, err := verifier.verify(good); err != nil {
		t.Errorf("a key that was fetched: %v", err)
	}
	if _, err := verifier.verify(issuer.sign(t, "first", members{"kid": "unknown"}, nil)); !errors.Is(err, errUnavailable) {
		t.Errorf("an unknown id: %v", err)
	}
}
