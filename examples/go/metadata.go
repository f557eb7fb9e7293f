package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

const wellKnown = "/.well-known/oauth-protected-resource"

// Metadata is what clients must know before they log in (RFC 9728).
type Metadata struct {
	resource *url.URL
	document *oauthex.ProtectedResourceMetadata
}

func newMetadata(resource, issuer string) (Metadata, error) {
	parsed, err := url.Parse(resource)
	if err != nil {
		return Metadata{}, err
	}
	if strings.Trim(parsed.Path, "/") == "" {
		return Metadata{}, fmt.Errorf("%s needs a path, as /mcp: clients disagree about a slash after a bare origin", resource)
	}
	return Metadata{parsed, &oauthex.ProtectedResourceMetadata{
		Resource:               resource, // Byte for byte the address that clients use: they compare it.
		AuthorizationServers:   []string{issuer},
		ScopesSupported:        allScopes,
		BearerMethodsSupported: []string{"header"},
	}}, nil
}

func (m Metadata) path() string { return strings.TrimSuffix(m.resource.Path, "/") }

func (m Metadata) url() string {
	return m.resource.Scheme + "://" + m.resource.Host + wellKnown + m.resource.Path
}

// addTo serves the document at the place that belongs to the path, and at the root, where some clients look.
func (m Metadata) addTo(routes *http.ServeMux) {
	handler := auth.ProtectedResourceMetadataHandler(m.document)
	routes.Handle(wellKnown, handler)
	routes.Handle(wellKnown+m.resource.Path, handler)
}
