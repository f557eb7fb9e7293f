// A server of the official Go SDK that knows nothing of tokens: over stdio, or over HTTP on a port of loopback.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type note struct {
	Name string `json:"name"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return newServer().Run(context.Background(), &mcp.StdioTransport{})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+arguments[0])
	if err != nil {
		return err
	}
	fmt.Println("listening")
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return newServer() }, nil)
	return http.Serve(listener, handler)
}

func newServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1"}, nil)
	add := func(name, description, answer string) {
		tool := &mcp.Tool{Name: name, Description: description}
		mcp.AddTool(server, tool, func(_ context.Context, _ *mcp.CallToolRequest, asked note) (*mcp.CallToolResult, any, error) {
			text := &mcp.TextContent{Text: answer + asked.Name}
			return &mcp.CallToolResult{Content: []mcp.Content{text}}, nil, nil
		})
	}
	add("read_note", "Read a note.", "water the plants on ")
	add("write_note", "Write a note.", "wrote ")
	add("purge", "Remove every note.", "nothing is left of ")
	return server
}
