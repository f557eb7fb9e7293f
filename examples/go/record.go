package main

import (
	"log/slog"
	"os"
)

var records = slog.New(slog.NewJSONHandler(os.Stderr, nil))

// record writes one line of JSON for each decision. What callers sent is shortened, and cannot begin a line of its own.
func record(decision string, facts ...any) {
	for i, fact := range facts {
		if text, ok := fact.(string); ok && len(text) > 200 {
			facts[i] = text[:200]
		}
	}
	records.Info(decision, facts...)
}
