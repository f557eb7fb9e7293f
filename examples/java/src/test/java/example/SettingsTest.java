package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsTest {
    @Test
    void theMetadataStandsAtThePathInsertedAddress() {
        var settings = read(Map.of("MCP_SERVER_URL", "https://mcp.example.com/a/mcp"));
        assertEquals(
                "https://mcp.example.com/.well-known/oauth-protected-resource/a/mcp", settings.metadataUrl());
    }

    @Test
    void allMistakesAreSaidAtOnce() {
        var mistakes = Map.of("PORT", "x", "CALLS_PER_MINUTE", "0", "ISSUER", "http://example.com");
        var problem = assertThrows(IllegalArgumentException.class, () -> read(mistakes));
        assertEquals(3, problem.getMessage().lines().count(), problem.getMessage());
    }

    @Test
    void addressesThatClientsOrTokensCouldReadInTwoWaysAreRefused() {
        for (var url : List.of(
                "http://mcp.example.com/mcp", "https://h", "https://h/", "https://h/mcp/", "https://h/mcp?a",
                "https://h/mcp#a", "https://user@h/mcp", "https://h/%6dcp", "mcp")) {
            assertThrows(IllegalArgumentException.class, () -> read(Map.of("MCP_SERVER_URL", url)), url);
        }
        assertEquals("/mcp", read(Map.of("MCP_SERVER_URL", "https://h/mcp")).path());
    }

    @Test
    void anApplicationOfCasdoorIsAskedForItsOwnKeys() {
        var casdoor = Map.of("CASDOOR_URL", "https://h", "CASDOOR_APPLICATION", "files");
        assertEquals(List.of("https://h/.well-known/files/openid-configuration"), read(casdoor).discoveryUrls());
        assertThrows(IllegalArgumentException.class, () -> read(Map.of("CASDOOR_URL", "https://h")));
    }

    @Test
    void anIssuerWithAPathIsAskedInEveryUsualWay() {
        assertEquals(
                List.of(
                        "https://h/.well-known/oauth-authorization-server/a",
                        "https://h/.well-known/openid-configuration/a",
                        "https://h/a/.well-known/openid-configuration"),
                read(Map.of("ISSUER", "https://h/a")).discoveryUrls());
        assertEquals(2, read(Map.of("ISSUER", "https://h")).discoveryUrls().size());
    }

    private static Settings read(Map<String, String> given) {
        return Settings.read(given::get);
    }
}
