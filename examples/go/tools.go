package main

import (
	"context"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// What each tool needs. One that is missing here is refused: see Gate.
var scopesOfTools = map[string]string{
	"read_file":  "files:read",
	"write_file": "files:write",
	"list_files": "files:list",
}

// In the order in which they are published.
var allScopes = []string{"files:list", "files:read", "files:write"}

// What a first login is asked for. Clients ask for files:write when they first need it.
var firstScopes = []string{"files:list", "files:read"}

type fileArguments struct {
	Path string `json:"path" jsonschema:"from the top of the folder, with /: plans/summer.md"`
}

type writeArguments struct {
	fileArguments
	Content string `json:"content"`
}

type listArguments struct {
	Path string `json:"path,omitempty" jsonschema:"from the top of the folder; default: the top"`
}

// newFilesServer makes an MCP server that knows nothing of tokens.
func newFilesServer(folder Folder) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "files", Version: "1.0.0"}, nil)
	reads := &mcp.ToolAnnotations{ReadOnlyHint: true}
	mcp.AddTool(server, &mcp.Tool{Name: "read_file", Description: "Reads a text file.", Annotations: reads},
		func(_ context.Context, _ *mcp.CallToolRequest, in fileArguments) (*mcp.CallToolResult, any, error) {
			return answer(folder.Read(in.Path))
		})
	mcp.AddTool(server, &mcp.Tool{Name: "write_file", Description: "Writes a text file, in place of what was there."},
		func(_ context.Context, _ *mcp.CallToolRequest, in writeArguments) (*mcp.CallToolResult, any, error) {
			return answer("Wrote "+in.Path+".", folder.Write(in.Path, in.Content))
		})
	mcp.AddTool(server, &mcp.Tool{
		Name: "list_files", Description: `Lists a folder; the names of folders end in "/".`, Annotations: reads,
	}, func(_ context.Context, _ *mcp.CallToolRequest, in listArguments) (*mcp.CallToolResult, any, error) {
		if in.Path == "" {
			in.Path = "."
		}
		names, err := folder.List(in.Path)
		return answer(strings.Join(names, "\n"), err)
	})
	return server
}

// answer leaves an error to the SDK, which makes it a result that the model can read.
func answer(text string, err error) (*mcp.CallToolResult, any, error) {
	if err != nil {
		return nil, nil, err
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
}
