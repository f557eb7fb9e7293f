//! Has this caller had enough?

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many callers are remembered; beyond that, those go first who could start afresh anyway.
const MAX_CALLERS: usize = 10_000;

/// A bucket for each caller: so many requests at once, and it fills again over a minute.
pub struct Limits {
    per_minute: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Limits {
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one request from the caller's bucket, or says how long to wait for the next.
    pub fn take(&self, caller: &str, now: Instant) -> Result<(), Duration> {
        let capacity = f64::from(self.per_minute);
        let per_second = capacity / 60.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_CALLERS && !buckets.contains_key(caller) {
            buckets.retain(|_, bucket| bucket.tokens + seconds(bucket.at, now) * per_second < capacity);
            if buckets.len() >= MAX_CALLERS {
                return Err(Duration::from_secs(1)); // Everybody is busy. Forgetting one would lift their limit.
            }
        }
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket { tokens: capacity, at: now });
        bucket.tokens = (bucket.tokens + seconds(bucket.at, now) * per_second).min(capacity);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.tokens) / per_second));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_stopped_alone_and_let_in_again_later() {
        let limits = Limits::new(60);
        let start = Instant::now();
        for _ in 0..60 {
            assert!(limits.take("alice", start).is_ok());
        }
        let wait = limits.take("alice", start).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        assert!(limits.take("bob", start).is_ok());
        assert!(limits.take("alice", start + wait).is_ok());
        assert!(limits.take("alice", start + wait).is_err());
    }

    #[test]
    fn those_who_could_start_afresh_are_forgotten_first() {
        let limits = Limits::new(60);
        let start = Instant::now();
        for number in 0..MAX_CALLERS {
            limits.take(&number.to_string(), start).unwrap();
        }
        assert!(limits.take("one more", start).is_err());
        assert!(limits.take("one more", start + Duration::from_secs(2)).is_ok());
        assert_eq!(limits.buckets.lock().unwrap().len(), 1);
    }
}
