package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import java.text.ParseException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TokenVerifierTest {
    private static final Map<String, Object> CASDOOR = Map.of("tokenType", "access-token");

    @Test
    void onlyAccessTokensAreTaken() {
        assertNull(judge("at+jwt", null, Map.of()));
        assertNull(judge("application/AT+JWT", null, Map.of()));
        assertNull(judge("JWT", "1", CASDOOR));
        assertNull(judge(null, "1", CASDOOR));

        assertEquals("token_type_refused", judge("JWT", "1", Map.of()));
        assertEquals("token_type_refused", judge("JWT", null, CASDOOR));
        assertEquals("token_type_refused", judge("logout+jwt", "1", CASDOOR));
        for (var claims : List.of(
                Map.of("tokenType", "refresh-token"),
                Map.of("tokenType", "access-token", "TokenType", "refresh-token"),
                Map.of("tokenType", 1),
                Map.of("tokenType", "access-token", "events", Map.of()))) {
            assertEquals("token_use_refused", judge("JWT", "1", claims));
            assertEquals("token_use_refused", judge("at+jwt", "1", claims));
        }
    }

    @Test
    void keysThatCannotVerifySignaturesAreLeftOut() throws Exception {
        assertEquals(1, usable(new RSAKeyGenerator(2048).generate().toPublicJWK()));
        assertEquals(1, usable(new ECKeyGenerator(Curve.P_256).keyUse(KeyUse.SIGNATURE).generate().toPublicJWK()));
        assertEquals(0, usable(new RSAKeyGenerator(2048).keyUse(KeyUse.ENCRYPTION).generate().toPublicJWK()));
        assertEquals(0, usable(new RSAKeyGenerator(1024, true).generate().toPublicJWK()));
        assertEquals(0, Keys.readKeys("{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}").size());
        assertEquals(0, Keys.readKeys("{\"keys\":[{\"kty\":\"unheard-of\"}]}").size());
    }

    @Test
    void aDocumentWithoutAListOfKeysIsAnErrorAndNotAnEmptySet() throws Exception {
        assertThrows(ParseException.class, () -> Keys.readKeys("{\"status\":\"error\"}"));
        assertEquals(0, Keys.readKeys("{\"keys\":[]}").size());
    }

    private static int usable(JWK key) throws ParseException {
        return Keys.readKeys(new JWKSet(key).toString()).size();
    }

    private static String judge(String type, String keyId, Map<String, ?> claims) {
        var header = new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(keyId);
        if (type != null) {
            header.type(new JOSEObjectType(type));
        }
        var set = new JWTClaimsSet.Builder();
        claims.forEach(set::claim);
        return TokenVerifier.problemOfKind(header.build(), set.build());
    }
}
