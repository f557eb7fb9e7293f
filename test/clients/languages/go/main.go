// Logs in with the official Go SDK, uses tools, and prints a line for each thing that it met.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url string) error {
	// The page on this machine that the browser comes back to.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	redirect := fmt.Sprintf("http://%s/callback", listener.Addr())
	answers := make(chan *auth.AuthorizationResult, 1)
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		answers <- &auth.AuthorizationResult{Code: query.Get("code"), State: query.Get("state"), Iss: query.Get("iss")}
		w.WriteHeader(http.StatusNoContent)
	}))

	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		RedirectURL:         redirect,
		RequestRefreshToken: true,
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{
				ClientName:              "Go SDK",
				RedirectURIs:            []string{redirect},
				GrantTypes:              []string{"authorization_code", "refresh_token"},
				TokenEndpointAuthMethod: "none",
			},
		},
		AuthorizationCodeFetcher: func(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			fmt.Println("opens", args.URL)
			select {
			case answer := <-answers:
				return answer, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	})
	if err != nil {
		return err
	}

	client := mcp.NewClient(&mcp.Implementation{Name: "clients under test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: url, OAuthHandler: handler}, nil)
	if err != nil {
		return err
	}
	defer session.Close()

	list, err := session.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	names := make([]string, len(list.Tools))
	for i, tool := range list.Tools {
		names[i] = tool.Name
	}
	say("tools", names)
	for _, call := range []*mcp.CallToolParams{
		{Name: "read_file", Arguments: map[string]any{"path": "notes.txt"}},
		{Name: "write_file", Arguments: map[string]any{"path": "by-go.txt", "content": "stepped up\n"}},
	} {
		result, err := session.CallTool(ctx, call)
		if err != nil {
			return err
		}
		text, _ := result.Content[0].(*mcp.TextContent)
		say(call.Name, map[string]any{"text": text.Text, "failed": result.IsError})
	}
	return nil
}

func say(name string, value any) {
	line, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}
