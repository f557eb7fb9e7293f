package main

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const rememberedUsers = 10_000

// Limits allow so many calls a minute for each user, at once or spread out. In this process only.
type Limits struct {
	callsPerMinute int
	mutex          sync.Mutex
	users          map[User]*rate.Limiter
}

func newLimits(callsPerMinute int) *Limits {
	return &Limits{callsPerMinute: callsPerMinute, users: map[User]*rate.Limiter{}}
}

// wait takes one call, and gives 0; or takes none, and says when to come back.
func (l *Limits) wait(user User, now time.Time) time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	limiter, known := l.users[user]
	if !known {
		if len(l.users) >= rememberedUsers {
			l.forgetTheIdle(now)
		}
		limiter = rate.NewLimiter(rate.Every(time.Minute/time.Duration(l.callsPerMinute)), l.callsPerMinute)
		l.users[user] = limiter
	}
	reservation := limiter.ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay > 0 {
		reservation.CancelAt(now)
	}
	return delay
}

// forgetTheIdle removes those who would start afresh anyway; if there are none, everybody starts afresh.
func (l *Limits) forgetTheIdle(now time.Time) {
	for user, limiter := range l.users {
		if limiter.TokensAt(now) >= float64(l.callsPerMinute) {
			delete(l.users, user)
		}
	}
	if len(l.users) >= rememberedUsers {
		clear(l.users)
	}
}
