package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const (
	freshFor   = 10 * time.Minute // After this long the keys are fetched again, so that one that was withdrawn ends.
	staleFor   = 24 * time.Hour   // For this long they go on while the issuer cannot be reached.
	pause      = time.Second      // So long nobody asks again after a failure.
	fetchLimit = 5 * time.Second
	answerSize = 256 << 10

	leastRSABits = 2048
)

// errUnavailable: the issuer gives no keys, so nothing is known about the token, neither good nor bad.
var errUnavailable = errors.New("the issuer gives no keys")

var errNoKey = errors.New("no such key")

// Keys of an issuer: fetched when they are needed, kept while they are good, and not asked for more often than that.
type Keys struct {
	kind   TokenKind
	client *http.Client
	// How many fetches unknown ids and wrong signatures may cause: two, then one in half a minute.
	unasked *rate.Limiter

	mutex     sync.Mutex // Held while keys are fetched, so that those who wait for the same share one request.
	keys      []jwkset.JWK
	fetchedAt time.Time
	failedAt  time.Time
}

func newKeys(kind TokenKind) *Keys {
	return &Keys{
		kind: kind,
		client: &http.Client{
			Timeout:       fetchLimit,
			Transport:     boundedAnswers{http.DefaultTransport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		unasked: rate.NewLimiter(rate.Every(30*time.Second), 2),
	}
}

// find gives every key of that id which fits the algorithm: ids need not be unique.
func (k *Keys) find(kid, algorithm string) (jwt.VerificationKeySet, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if time.Since(k.fetchedAt) > freshFor {
		k.fetch()
	}
	if time.Since(k.fetchedAt) > staleFor {
		return jwt.VerificationKeySet{}, errUnavailable
	}
	found := k.fitting(kid, algorithm)
	if len(found) == 0 && k.unasked.Allow() && k.fetch() {
		found = k.fitting(kid, algorithm)
	}
	switch {
	case len(found) > 0:
		return jwt.VerificationKeySet{Keys: found}, nil
	case k.failedAt.After(k.fetchedAt):
		return jwt.VerificationKeySet{}, errUnavailable
	default:
		return jwt.VerificationKeySet{}, errNoKey
	}
}

// fetchAgain is for a token that no key fits, though its id is known: a key may have been replaced under its id.
func (k *Keys) fetchAgain(seenAt time.Time) bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.fetchedAt.After(seenAt) {
		return true // Somebody else has fetched them meanwhile.
	}
	return k.unasked.Allow() && k.fetch()
}

func (k *Keys) fitting(kid, algorithm string) []jwt.VerificationKey {
	var found []jwt.VerificationKey
	for _, key := range k.keys {
		members := key.Marshal()
		if members.KID != kid || (members.USE != "" && members.USE != jwkset.UseSig) ||
			(members.ALG != "" && members.ALG.String() != algorithm) {
			continue
		}
		switch public := key.Key().(type) {
		case *rsa.PublicKey:
			if public.N.BitLen() >= leastRSABits {
				found = append(found, public)
			}
		case *ecdsa.PublicKey, ed25519.PublicKey:
			found = append(found, public)
		}
	}
	return found
}

func (k *Keys) fetch() bool {
	if k.failedAt.After(k.fetchedAt) && time.Since(k.failedAt) < pause {
		return false
	}
	keys, err := k.read()
	if err != nil {
		k.failedAt = time.Now()
		record("failed", "reason", "keys: "+err.Error())
		return false
	}
	k.keys, k.fetchedAt = keys, time.Now()
	return true
}

func (k *Keys) read() ([]jwkset.JWK, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	defer cancel()
	address, err := k.kind.KeysURL(ctx, k.getJSON)
	if err != nil {
		return nil, err
	}
	storage, err := jwkset.NewStorageFromHTTP(address, jwkset.HTTPClientStorageOptions{Client: k.client, Ctx: ctx})
	if err != nil {
		return nil, err
	}
	return storage.KeyReadAll(ctx)
}

func (k *Keys) getJSON(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", address, response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// boundedAnswers cuts off answers that are too long.
type boundedAnswers struct{ http.RoundTripper }

func (b boundedAnswers) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(request)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, answerSize), response.Body}
	}
	return response, err
}
