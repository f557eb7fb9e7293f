package example;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.JWSVerifierFactory;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Whose token is it, and is it one of ours? */
final class TokenVerifier {
    /** How far the issuer's clock may differ from ours. */
    private static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(30);
    /** A longer token is refused before anything is computed. Casdoor's default format passes 8 KiB. */
    private static final int MAX_TOKEN_LENGTH = 16_384;

    private static final Set<JWSAlgorithm> ALGORITHMS = Set.of(
            JWSAlgorithm.RS256,
            JWSAlgorithm.RS512,
            JWSAlgorithm.PS256,
            JWSAlgorithm.ES256,
            JWSAlgorithm.ES384,
            JWSAlgorithm.ES512);

    private final String issuer;
    private final String resource;
    private final Optional<String> clientId;
    private final Keys keys;
    private final Clock clock;
    private final JWSVerifierFactory verifiers = new DefaultJWSVerifierFactory();

    TokenVerifier(Settings settings, Clock clock) {
        issuer = settings.issuer();
        resource = settings.resource();
        clientId = settings.clientId();
        keys = new Keys(settings);
        this.clock = clock;
    }

    /** Why a token did not prove a caller. */
    private static final class BadToken extends Exception {
        private static final long serialVersionUID = 1;

        private final boolean mayBeNewKey;

        BadToken(String reason, boolean mayBeNewKey) {
            super(reason, null, false, false);
            this.mayBeNewKey = mayBeNewKey;
        }
    }

    Caller verify(String token) throws Refusal {
        if (token.length() > MAX_TOKEN_LENGTH) {
            throw Refusal.badToken("token_too_long");
        }
        try {
            var jwt = SignedJWT.parse(token);
            var seen = keys.current();
            try {
                return judge(jwt, seen);
            } catch (BadToken bad) {
                // The issuer may have a new key, or another one under the same id.
                var newer = bad.mayBeNewKey ? keys.newerThan(seen) : Optional.<Keys.KeySet>empty();
                return judge(jwt, newer.orElseThrow(() -> bad));
            }
        } catch (ParseException malformed) {
            throw Refusal.badToken("token_malformed");
        } catch (BadToken bad) {
            throw Refusal.badToken(bad.getMessage());
        } catch (Keys.Unavailable unavailable) {
            throw Refusal.unavailable();
        }
    }

    private Caller judge(SignedJWT jwt, Keys.KeySet set) throws BadToken {
        var header = jwt.getHeader();
        if (!isSigned(jwt, set)) {
            throw new BadToken("signature_invalid", true);
        }
        try {
            return read(header, jwt.getJWTClaimsSet());
        } catch (ParseException malformed) {
            throw new BadToken("claim_invalid", false);
        }
    }

    private boolean isSigned(SignedJWT jwt, Keys.KeySet set) throws BadToken {
        var header = jwt.getHeader();
        var source = new ImmutableJWKSet<SecurityContext>(set.keys());
        try {
            // By id, type and algorithm of the key; nothing that the token brings along is used as a key.
            var fitting = new JWSVerificationKeySelector<>(ALGORITHMS, source).selectJWSKeys(header, null);
            if (fitting.isEmpty() || (header.getKeyID() == null && fitting.size() > 1)) {
                throw new BadToken("key_unknown", true);
            }
            for (var key : fitting) {
                if (jwt.verify(verifiers.createJWSVerifier(header, key))) {
                    return true;
                }
            }
            return false;
        } catch (JOSEException unusable) {
            throw new BadToken("algorithm_refused", false);
        }
    }

    private Caller read(JWSHeader header, JWTClaimsSet claims) throws BadToken, ParseException {
        require(issuer.equals(claims.getIssuer()), "issuer_unknown");
        require(claims.getAudience().contains(resource), "audience_mismatch");
        require(claims.getExpirationTime() != null && claims.getIssueTime() != null, "claim_missing");
        require(claims.getSubject() != null && !claims.getSubject().isEmpty(), "claim_missing");
        var now = clock.instant();
        require(now.isBefore(later(claims.getExpirationTime(), CLOCK_TOLERANCE)), "token_expired");
        var begins = claims.getNotBeforeTime();
        require(begins == null || !now.isBefore(later(begins, CLOCK_TOLERANCE.negated())), "token_not_yet_valid");
        var problem = problemOfKind(header, claims);
        require(problem == null, problem);
        // Bound to a key or certificate that nobody has asked the sender for, so not good as it is.
        require(claims.getClaim("cnf") == null, "sender_unproven");

        var client = Optional.ofNullable(claims.getStringClaim("client_id")).orElse(claims.getStringClaim("azp"));
        require(client != null, "claim_missing");
        require(clientId.isEmpty() || clientId.get().equals(client), "client_refused");
        var scope = Optional.ofNullable(claims.getStringClaim("scope")).orElse("");
        return new Caller(claims.getSubject(), client, new LinkedHashSet<>(List.of(scope.split(" "))));
    }

    /**
     * Issuers sign ID, refresh and logout tokens with the same key. A token has to say that it is an access token.
     *
     * <p>RFC 9068 has {@code typ} for that. Casdoor calls everything {@code JWT} and says it in {@code tokenType}; the
     * refresh tokens of one of its formats say {@code access-token} there and the truth in {@code TokenType}, so the
     * claim counts in whatever case it is written. Casdoor's refresh tokens have no key id, and its logout tokens have
     * {@code events}.
     *
     * @return what is wrong, or null
     */
    static String problemOfKind(JWSHeader header, JWTClaimsSet claims) {
        var uses = claims.getClaims().entrySet().stream()
                .filter(claim -> claim.getKey().equalsIgnoreCase("tokentype"))
                .map(claim -> String.valueOf(claim.getValue()))
                .toList();
        if (!uses.stream().allMatch("access-token"::equals) || claims.getClaim("events") != null) {
            return "token_use_refused";
        }
        var type = header.getType() == null ? "jwt" : header.getType().getType().toLowerCase(Locale.ROOT);
        switch (type.startsWith("application/") ? type.substring("application/".length()) : type) {
            case "at+jwt":
                return null;
            case "jwt":
                return uses.isEmpty() || header.getKeyID() == null ? "token_type_refused" : null;
            default:
                return "token_type_refused";
        }
    }

    private static Instant later(Date time, Duration duration) {
        return time.toInstant().plus(duration);
    }

    private static void require(boolean holds, String reason) throws BadToken {
        if (!holds) {
            throw new BadToken(reason, false);
        }
    }
}
