package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LimitsTest {
    private static final long START = 0;
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final Limits limits = new Limits(60);

    @Test
    void aCallerIsStoppedAloneAndLetInAgainLater() {
        for (var count = 0; count < 60; count++) {
            assertEquals(Optional.empty(), limits.take("alice", START));
        }
        assertEquals(Optional.of(SECOND), limits.take("alice", START));
        assertEquals(Optional.empty(), limits.take("bob", START));
        assertEquals(Optional.empty(), limits.take("alice", START + SECOND.toNanos()));
        assertTrue(limits.take("alice", START + SECOND.toNanos()).isPresent());
    }

    @Test
    void thoseWhoCouldStartAfreshAreForgottenFirst() {
        for (var number = 0; number < Limits.MAX_CALLERS; number++) {
            limits.take("caller " + number, START);
        }
        assertTrue(limits.take("one more", START).isPresent());
        assertTrue(limits.take("one more", START + SECOND.multipliedBy(2).toNanos()).isEmpty());
    }
}
