package example;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyOperation;
import com.nimbusds.jose.jwk.KeyType;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/** The issuer's keys: found by discovery, kept, and fetched again when a token asks for it. */
final class Keys {
    /** Keys younger than this are used without asking. */
    private static final Duration MAX_AGE = Duration.ofMinutes(10);
    /** How long the last good keys outlive an issuer that cannot be reached. */
    private static final Duration STALE_LIMIT = Duration.ofHours(1);
    /** Fetches that tokens can cause: two at once, so that a change just after a start is seen, then one in this. */
    private static final Duration COOLDOWN = Duration.ofSeconds(30);

    private static final double BURST = 2;
    /** How long to leave an issuer alone that did not answer. */
    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    private static final int TIMEOUT_MS = 5000;
    private static final int MAX_DOCUMENT_BYTES = 1_048_576;
    private static final int MIN_RSA_BITS = 2048;

    private final String issuer;
    private final List<String> discoveryUrls;
    private final DefaultResourceRetriever retriever = new Retriever();
    private volatile KeySet loaded;

    /** Held during a fetch, so that there is one at a time. It guards what follows. */
    private final ReentrantLock fetching = new ReentrantLock();
    /** Fetches that tokens may still cause. */
    private double budget = BURST;

    private long budgetAtNanos = System.nanoTime();
    private Long failedAtNanos;

    record KeySet(JWKSet keys, long fetchedAtNanos) {
        Duration age() {
            return Duration.ofNanos(System.nanoTime() - fetchedAtNanos);
        }
    }

    /** There are no keys to judge a token with: neither the caller's fault nor a reason to let anybody in. */
    static final class Unavailable extends Exception {
        private static final long serialVersionUID = 1;

        private Unavailable() {
            super("no keys", null, false, false);
        }
    }

    Keys(Settings settings) {
        issuer = settings.issuer();
        discoveryUrls = settings.discoveryUrls();
    }

    /** The keys to judge a token with. */
    KeySet current() throws Unavailable {
        var known = loaded;
        if (known == null) {
            fetching.lock();
            try {
                return loaded == null ? fetch() : loaded; // Somebody else's fetch was the one to wait for.
            } finally {
                fetching.unlock();
            }
        }
        if (known.age().compareTo(MAX_AGE) < 0) {
            return known;
        }
        // Good keys are used while one request asks for newer ones.
        if (fetching.tryLock()) {
            try {
                return fetch();
            } catch (Unavailable failed) {
                return requireNotTooOld(known, failed);
            } finally {
                fetching.unlock();
            }
        }
        return requireNotTooOld(known, new Unavailable());
    }

    /**
     * Newer keys than those that did not fit a token, or nothing if it is too early to ask again.
     *
     * <p>Issuers add keys under new ids, and some replace a key under its old id. Made-up ids and signatures cause no
     * more fetches than the budget allows, whoever sends them.
     */
    Optional<KeySet> newerThan(KeySet seen) throws Unavailable {
        fetching.lock();
        try {
            if (loaded != seen) {
                return Optional.of(loaded);
            }
            var now = System.nanoTime();
            budget = Math.min(BURST, budget + (double) (now - budgetAtNanos) / COOLDOWN.toNanos());
            budgetAtNanos = now;
            if (budget < 1) {
                if (failedAtNanos != null) {
                    throw new Unavailable(); // The right key may be one that the issuer could not tell us.
                }
                return Optional.empty();
            }
            budget -= 1;
            return Optional.of(fetch());
        } finally {
            fetching.unlock();
        }
    }

    private static KeySet requireNotTooOld(KeySet known, Unavailable failed) throws Unavailable {
        if (known.age().compareTo(STALE_LIMIT) >= 0) {
            throw failed;
        }
        return known;
    }

    private KeySet fetch() throws Unavailable {
        var now = System.nanoTime();
        if (failedAtNanos != null && now - failedAtNanos < RETRY_AFTER.toNanos()) {
            throw new Unavailable();
        }
        try {
            loaded = new KeySet(fetchKeys(), System.nanoTime());
            failedAtNanos = null;
            return loaded;
        } catch (IOException | ParseException | IllegalArgumentException failed) {
            failedAtNanos = System.nanoTime();
            Log.write(Map.of("event", "keys_unavailable", "problem", String.valueOf(failed.getMessage())));
            throw new Unavailable();
        }
    }

    private JWKSet fetchKeys() throws IOException, ParseException {
        var url = findKeysUrl();
        return readKeys(retriever.retrieveResource(url).getContent());
    }

    private URL findKeysUrl() throws IOException {
        IOException failure = new IOException("there is nowhere to look for the issuer");
        for (var discoveryUrl : discoveryUrls) {
            try {
                var content = retriever.retrieveResource(URI.create(discoveryUrl).toURL()).getContent();
                return readKeysUrl(JSONObjectUtils.parse(content));
            } catch (IOException | ParseException failed) {
                failure = new IOException(discoveryUrl + ": " + failed.getMessage());
            }
        }
        throw failure;
    }

    private URL readKeysUrl(Map<String, Object> document) throws IOException {
        if (!issuer.equals(document.get("issuer"))) {
            throw new IOException("the document names another issuer");
        }
        if (document.get("jwks_uri") instanceof String text && Settings.parse(text).isPresent()) {
            return URI.create(text).toURL();
        }
        throw new IOException("the document has no usable jwks_uri");
    }

    /** Reads a key set. What cannot verify a signature is left out; a document that is no key set is an error. */
    static JWKSet readKeys(String content) throws ParseException {
        return new JWKSet(JWKSet.parse(content).getKeys().stream().filter(Keys::isUsable).toList());
    }

    private static boolean isUsable(JWK key) {
        var operations = key.getKeyOperations();
        var isPublic = KeyType.RSA.equals(key.getKeyType()) || KeyType.EC.equals(key.getKeyType());
        var isForSignatures = key.getKeyUse() == null || KeyUse.SIGNATURE.equals(key.getKeyUse());
        var mayVerify = operations == null || operations.contains(KeyOperation.VERIFY);
        var isLongEnough = !KeyType.RSA.equals(key.getKeyType()) || key.size() >= MIN_RSA_BITS;
        return isPublic && isForSignatures && mayVerify && isLongEnough;
    }

    /** Keys come from the address that was configured: redirects are not followed. */
    private static final class Retriever extends DefaultResourceRetriever {
        Retriever() {
            super(TIMEOUT_MS, TIMEOUT_MS, MAX_DOCUMENT_BYTES);
        }

        @Override
        protected HttpURLConnection openHTTPConnection(URL url) throws IOException {
            var connection = super.openHTTPConnection(url);
            connection.setInstanceFollowRedirects(false);
            return connection;
        }
    }
}
