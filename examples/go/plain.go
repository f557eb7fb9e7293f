package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// plainForm answers GET /tools/list and POST /tools/call, for callers that do not speak MCP. It is a client of the
// same server in the same process, so that arguments are checked in one place.
type plainForm struct{ session *mcp.ClientSession }

func newPlainForm(ctx context.Context, server *mcp.Server) (plainForm, error) {
	here, there := mcp.NewInMemoryTransports()
	if _, err := server.Connect(ctx, there, nil); err != nil {
		return plainForm{}, err
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "plain form", Version: "1.0.0"}, nil)
	session, err := client.Connect(ctx, here, nil)
	return plainForm{session}, err
}

func (p plainForm) list(w http.ResponseWriter, r *http.Request) {
	result, err := p.session.ListTools(r.Context(), nil)
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"tools": result.Tools})
}

func (p plainForm) call(w http.ResponseWriter, r *http.Request) {
	var call mcp.CallToolParams
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	result, err := p.session.CallTool(r.Context(), &call)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"content": result.Content, "isError": result.IsError})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // Whoever asked has gone.
}
