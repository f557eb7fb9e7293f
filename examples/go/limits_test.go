package main

import (
	"testing"
	"time"
)

func TestABurstThenOneAtATimeAndEachUserAlone(t *testing.T) {
	limits, now := newLimits(6), time.Unix(1000, 0)
	alice, bob := User{"issuer", "alice"}, User{"issuer", "bob"}
	check := func(user User, now time.Time, want time.Duration) {
		t.Helper()
		if got := limits.wait(user, now).Round(time.Millisecond); got != want {
			t.Errorf("%s waits %v, not %v", user.Subject, got, want)
		}
	}
	for range 6 {
		check(alice, now, 0)
	}
	check(alice, now, 10*time.Second)
	check(alice, now, 10*time.Second)
	check(bob, now, 0)
	check(User{"another issuer", "alice"}, now, 0)
	check(alice, now.Add(4*time.Second), 6*time.Second)
	check(alice, now.Add(10*time.Second), 0)
}

func TestRemembersSoManyUsers(t *testing.T) {
	limits, now := newLimits(60), time.Unix(1000, 0)
	for number := range rememberedUsers + 100 {
		limits.wait(User{"issuer", string(rune('a' + number))}, now)
	}
	if len(limits.users) > rememberedUsers {
		t.Errorf("%d users are remembered", len(limits.users))
	}
}
