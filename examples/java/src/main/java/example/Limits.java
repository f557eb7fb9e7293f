package example;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Has this caller had enough? A bucket for each: so many requests at once, and it fills again over a minute. */
final class Limits {
    /** So many callers are remembered; beyond that, those go first who could start afresh anyway. */
    static final int MAX_CALLERS = 10_000;

    private static final double NANOS = 1e9;

    private final int perMinute;
    private final Map<String, Bucket> buckets = new HashMap<>();

    private record Bucket(double tokens, long atNanos) {}

    Limits(int perMinute) {
        this.perMinute = perMinute;
    }

    /**
     * Takes one request from the caller's bucket.
     *
     * @param nowNanos a clock that only goes forwards
     * @return how long to wait for the next one, if the bucket is empty
     */
    synchronized Optional<Duration> take(String caller, long nowNanos) {
        if (buckets.size() >= MAX_CALLERS && !buckets.containsKey(caller)) {
            buckets.values().removeIf(bucket -> tokensOf(bucket, nowNanos) >= perMinute);
            if (buckets.size() >= MAX_CALLERS) {
                return Optional.of(Duration.ofSeconds(1)); // All are busy. Forgetting one would lift their limit.
            }
        }
        var tokens = tokensOf(buckets.getOrDefault(caller, new Bucket(perMinute, nowNanos)), nowNanos);
        if (tokens < 1) {
            buckets.put(caller, new Bucket(tokens, nowNanos));
            return Optional.of(Duration.ofNanos((long) Math.ceil((1 - tokens) * 60 / perMinute * NANOS)));
        }
        buckets.put(caller, new Bucket(tokens - 1, nowNanos));
        return Optional.empty();
    }

    private double tokensOf(Bucket bucket, long nowNanos) {
        var seconds = Math.max(0, nowNanos - bucket.atNanos) / NANOS;
        return Math.min(perMinute, bucket.tokens + seconds * perMinute / 60);
    }
}
