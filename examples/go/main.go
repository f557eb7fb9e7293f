// A files server over streamable HTTP, with the official SDK, that only takes tokens meant for it.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	if err := serve(os.Getenv); err != nil {
		log.Fatal(err)
	}
}

func serve(env func(string) string) error {
	port := cmp.Or(env("PORT"), "3000")
	resource := cmp.Or(env("MCP_SERVER_URL"), "http://127.0.0.1:"+port+"/mcp")
	kind, err := trustedKind(env)
	if err != nil {
		return err
	}
	callsPerMinute, err := strconv.Atoi(cmp.Or(env("CALLS_PER_MINUTE"), "60"))
	if err != nil || callsPerMinute < 1 {
		return fmt.Errorf("CALLS_PER_MINUTE must be a whole number from 1")
	}
	folder, err := os.OpenRoot(cmp.Or(env("FILES_ROOT"), "."))
	if err != nil {
		return err
	}
	defer folder.Close()

	server := newFilesServer(Folder{folder})
	plain, err := newPlainForm(context.Background(), server)
	if err != nil {
		return err
	}
	metadata, err := newMetadata(resource, kind.Issuer())
	if err != nil {
		return err
	}
	gate := &Gate{
		metadata: metadata,
		verifier: &Verifier{kind: kind, resource: resource, keys: newKeys(kind)},
		limits:   newLimits(callsPerMinute),
	}

	routes := http.NewServeMux()
	metadata.addTo(routes)
	endpoint := gate.protect(readMessage, mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{
			Stateless:    true,
			JSONResponse: true,
			// Behind a proxy on this machine, requests for another host are what is wanted.
			DisableLocalhostProtection: !isLoopback(metadata.resource),
		},
	))
	routes.Handle(metadata.path(), endpoint)
	routes.Handle(metadata.path()+"/{$}", endpoint)
	routes.Handle("GET /tools/list", gate.protect(readNothing, http.HandlerFunc(plain.list)))
	routes.Handle("POST /tools/call", gate.protect(readPlainCall, http.HandlerFunc(plain.call)))

	address := cmp.Or(env("HOST"), "127.0.0.1") + ":" + port
	listener := &http.Server{
		Addr:              address,
		Handler:           http.NewCrossOriginProtection().Handler(routes), // A web page must not use a browser's network.
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       20 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	log.Printf("MCP server listens on %s", address)
	return listenUntilSignal(listener)
}

// listenUntilSignal lets the calls end that are under way.
func listenUntilSignal(server *http.Server) error {
	signalled, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-signalled.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(patience)
}

// trustedKind says whose tokens are taken, and what they look like.
func trustedKind(env func(string) string) (TokenKind, error) {
	casdoor := env("CASDOOR_URL")
	if casdoor == "" {
		issuer := cmp.Or(env("ISSUER"), "http://127.0.0.1:8081")
		return StandardTokens{issuer}, requireHTTPS(issuer)
	}
	application, client := env("CASDOOR_APPLICATION"), env("CASDOOR_ALLOW_CLIENT")
	if application == "" || client == "" {
		return nil, fmt.Errorf("CASDOOR_APPLICATION or CASDOOR_ALLOW_CLIENT is missing: " +
			"tokens of every application of that Casdoor would be taken")
	}
	return CasdoorTokens{strings.TrimSuffix(casdoor, "/"), application, client}, requireHTTPS(casdoor)
}

// requireHTTPS allows http on this machine only.
func requireHTTPS(address string) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return err
	}
	if parsed.Scheme != "https" && (parsed.Scheme != "http" || !isLoopback(parsed)) {
		return fmt.Errorf("%s must begin with https://", address)
	}
	return nil
}

func isLoopback(address *url.URL) bool {
	return address.Hostname() == "127.0.0.1" || address.Hostname() == "localhost"
}
