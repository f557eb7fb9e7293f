package main

import (
	"strings"
	"testing"
)

func TestWhatWasJudgedIsWhatRuns(t *testing.T) {
	for _, row := range []struct{ name, body, tool, want string }{
		{"a call", `{"id":1,"method":"tools/call","params":{"name":"a"}}`, "a", `{"id":1,"method":"tools/call","params":{"name":"a"}}`},
		{"the last of two names", `{"method":"tools/call","params":{"name":"a","name":"b"}}`, "b", `{"method":"tools/call","params":{"name":"b"}}`},
		{"names in another case", `{"METHOD":"tools/call","method":"ping"}`, "", `{"method":"ping"}`},
		{"another method", `{"method":"ping","params":{"name":"a"}}`, "", `{"method":"ping","params":{"name":"a"}}`},
		{"no method", `{"id":1,"result":{}}`, "", `{"id":1,"result":{}}`},
	} {
		if got, err := readMessage([]byte(row.body)); err != nil || got.tool != row.tool || string(got.body) != row.want {
			t.Errorf("%s: tool %q, body %s, %v", row.name, got.tool, got.body, err)
		}
	}
}

func TestWhatCannotBeJudgedIsRefused(t *testing.T) {
	for _, body := range []string{
		``, `null`, `[]`, `[{"method":"ping"}]`, `{`, strings.Repeat("[", 20_000),
		`{"method":"tools/call"}`,
		`{"method":"tools/call","params":{"name":1}}`,
		`{"method":"tools/call","params":{"name":"a","Name":"b"}}`,
	} {
		if got, err := readMessage([]byte(body)); err == nil {
			t.Errorf("%.40q gives %+v", body, got)
		}
	}
}
