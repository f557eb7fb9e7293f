package main

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	clockTolerance   = 30 * time.Second
	maxTokenBytes    = 32 << 10
	accessTokenInTyp = "at+jwt"
)

var algorithms = []string{"RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"} // Asymmetric, all of them.

// User is who calls: a subject is unique within its issuer only.
type User struct{ Issuer, Subject string }

// Identity is what a good token says. Only a Verifier makes one.
type Identity struct {
	User
	Client string
	Scopes []string
}

// TokenKind is what tokens of an issuer look like.
type TokenKind interface {
	Issuer() string
	KeysURL(context.Context, getJSON) (string, error)
	// Refusal says why this is no access token of ours, though the issuer signed it.
	Refusal(header, claims map[string]any) error
	Client(claims map[string]any) string
}

type getJSON func(ctx context.Context, address string, into any) error

// StandardTokens are access tokens as RFC 9068 wants them.
type StandardTokens struct{ issuer string }

func (t StandardTokens) Issuer() string { return t.issuer }

// KeysURL is what the issuer's metadata says (RFC 8414, section 3), or OpenID Connect's.
func (t StandardTokens) KeysURL(ctx context.Context, get getJSON) (string, error) {
	parsed, err := url.Parse(t.issuer)
	if err != nil {
		return "", err
	}
	path := strings.TrimSuffix(parsed.Path, "/")
	var document struct {
		Issuer  string `json:"issuer"`
		JwksURI string `json:"jwks_uri"`
	}
	err = get(ctx, parsed.Scheme+"://"+parsed.Host+"/.well-known/oauth-authorization-server"+path, &document)
	if err != nil {
		err = get(ctx, strings.TrimSuffix(t.issuer, "/")+"/.well-known/openid-configuration", &document)
	}
	switch {
	case err != nil:
		return "", err
	case document.Issuer != t.issuer:
		return "", errors.New("the metadata is that of another issuer")
	default:
		return document.JwksURI, requireHTTPS(document.JwksURI)
	}
}

// Refusal: an ID token has another type.
func (t StandardTokens) Refusal(header, _ map[string]any) error {
	typ, _ := header["typ"].(string)
	if strings.TrimPrefix(strings.ToLower(typ), "application/") != accessTokenInTyp {
		return errors.New("not an access token")
	}
	return nil
}

func (t StandardTokens) Client(claims map[string]any) string { return text(claims, "client_id") }

// CasdoorTokens are those of one application of a Casdoor, whose refresh and logout tokens have the same key, issuer,
// audience and type as its access tokens.
type CasdoorTokens struct{ issuer, application, client string }

func (t CasdoorTokens) Issuer() string { return t.issuer }

// KeysURL is that of the application alone: the instance's own list has the keys of all.
func (t CasdoorTokens) KeysURL(context.Context, getJSON) (string, error) {
	return t.issuer + "/.well-known/" + url.PathEscape(t.application) + "/jwks", nil
}

func (t CasdoorTokens) Refusal(header, claims map[string]any) error {
	if typ, named := header["typ"]; named && typ != "JWT" {
		return errors.New("not an access token")
	}
	saysItsKind := false
	for name, value := range claims {
		if !strings.EqualFold(name, "tokenType") {
			continue
		}
		saysItsKind = true
		if value != "access-token" {
			return errors.New("not an access token")
		}
	}
	_, logsOut := claims["events"]
	switch {
	case !saysItsKind || logsOut:
		return errors.New("not an access token")
	case t.Client(claims) != t.client:
		return errors.New("of another application")
	default:
		return nil
	}
}

func (t CasdoorTokens) Client(claims map[string]any) string { return text(claims, "azp") }

// Verifier tells a good token from any other.
type Verifier struct {
	kind     TokenKind
	resource string
	keys     *Keys
}

// verify gives errUnavailable when nothing can be said; any other error means that the token is not good.
func (v *Verifier) verify(token string) (Identity, error) {
	if len(token) > maxTokenBytes {
		return Identity{}, errors.New("too long")
	}
	seenAt := time.Now()
	parsed, err := v.parse(token)
	if errors.Is(err, jwt.ErrTokenSignatureInvalid) && v.keys.fetchAgain(seenAt) {
		parsed, err = v.parse(token)
	}
	if err != nil {
		return Identity{}, err
	}
	claims := parsed.Claims.(jwt.MapClaims) // As parse asks for.
	if _, bound := claims["cnf"]; bound {
		return Identity{}, errors.New("bound to a key that nobody has asked the sender for")
	}
	if err := v.kind.Refusal(parsed.Header, claims); err != nil {
		return Identity{}, err
	}
	identity := Identity{
		User:   User{v.kind.Issuer(), text(claims, "sub")},
		Client: v.kind.Client(claims),
		Scopes: strings.Fields(text(claims, "scope")),
	}
	if identity.Subject == "" || identity.Client == "" || claims["iat"] == nil {
		return Identity{}, errors.New("a claim is missing")
	}
	return identity, nil
}

func (v *Verifier) parse(token string) (*jwt.Token, error) {
	return jwt.NewParser(
		jwt.WithValidMethods(algorithms),
		jwt.WithIssuer(v.kind.Issuer()),
		jwt.WithAudience(v.resource),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(clockTolerance),
		jwt.WithStrictDecoding(),
	).Parse(token, func(token *jwt.Token) (any, error) {
		kid, named := token.Header["kid"].(string)
		if _, critical := token.Header["crit"]; critical || !named {
			return nil, errNoKey
		}
		return v.keys.find(kid, token.Method.Alg())
	})
}

func text(claims map[string]any, name string) string {
	value, _ := claims[name].(string)
	return value
}
