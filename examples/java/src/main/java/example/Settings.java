package example;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * What the server is told by its environment. Everything that it publishes comes from here, and nothing from a request.
 *
 * @param resource the address that clients use: the resource identifier (RFC 8707), character for character
 * @param path the path in it
 * @param origin scheme, host and port of it
 * @param discoveryUrls where the issuer's metadata may be, in the order of asking
 * @param clientId the one client whose tokens are taken; any client of the issuer if absent
 */
record Settings(
        String host,
        int port,
        String resource,
        String path,
        String origin,
        String issuer,
        List<String> discoveryUrls,
        Optional<String> clientId,
        Path filesRoot,
        int callsPerMinute) {

    static final String WELL_KNOWN = "/.well-known/oauth-protected-resource";
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

    /**
     * Reads the environment.
     *
     * @throws IllegalArgumentException that says everything that is wrong with it
     */
    static Settings read(UnaryOperator<String> variable) {
        var problems = new ArrayList<String>();
        var port = readNumber(variable, "PORT", 3000, 0, 65_535, problems);
        var callsPerMinute = readNumber(variable, "CALLS_PER_MINUTE", 60, 1, 1_000_000, problems);
        var resource = given(variable, "MCP_SERVER_URL").orElse("http://127.0.0.1:" + port + "/mcp");
        var url = parse(resource);
        var path = url.map(URI::getRawPath).orElse("");
        var plain = url.isPresent() && url.get().getRawQuery() == null && path.matches("/[A-Za-z0-9._~/-]*[^/]");
        if (!plain) {
            var form = "https://mcp.example.com/mcp: https (http on loopback), a path, no final slash, no query";
            problems.add("MCP_SERVER_URL: must be of the form " + form + ".");
        }

        var casdoor = given(variable, "CASDOOR_URL");
        var standard = given(variable, "ISSUER");
        if (casdoor.isPresent() && standard.isPresent()) {
            problems.add("CASDOOR_URL, ISSUER: give one of them.");
        }
        var issuer = casdoor.or(() -> standard).orElse("http://127.0.0.1:8081");
        if (parse(issuer).isEmpty() || issuer.endsWith("/")) {
            var name = casdoor.isPresent() ? "CASDOOR_URL" : "ISSUER";
            problems.add(name + ": must be the issuer as tokens name it: https (http on loopback), no final slash.");
        }
        var application = given(variable, "CASDOOR_APPLICATION");
        if (casdoor.isPresent() && application.isEmpty()) {
            problems.add("CASDOOR_APPLICATION: name the application whose tokens are taken.");
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("\n", problems));
        }
        // Keys of one application alone; Casdoor's global list has those of every application.
        var discoveryUrls = casdoor.isPresent()
                ? List.of(issuer + "/.well-known/" + application.get() + "/openid-configuration")
                : discoveryUrls(issuer);
        return new Settings(
                given(variable, "HOST").orElse("127.0.0.1"),
                port,
                resource,
                path,
                resource.substring(0, resource.length() - path.length()),
                issuer,
                discoveryUrls,
                given(variable, "CASDOOR_ALLOW_CLIENT"),
                Path.of(given(variable, "FILES_ROOT").orElse(".")),
                callsPerMinute);
    }

    /** Where the metadata stands: path-inserted (RFC 9728 section 3.1), the address that challenges point to. */
    String metadataUrl() {
        return origin + metadataPath();
    }

    String metadataPath() {
        return WELL_KNOWN + path;
    }

    /** A token must not travel in the clear, nor keys come from whoever sits in between. */
    static Optional<URI> parse(String url) {
        try {
            var uri = new URI(url);
            var scheme = uri.getScheme();
            var loopback = uri.getHost() != null && LOOPBACK.contains(uri.getHost());
            var safe = "https".equals(scheme) || ("http".equals(scheme) && loopback);
            var plain = uri.getHost() != null && uri.getRawUserInfo() == null && uri.getRawFragment() == null;
            return safe && plain ? Optional.of(uri) : Optional.empty();
        } catch (URISyntaxException noUrl) {
            return Optional.empty();
        }
    }

    /** The addresses of RFC 8414 section 3.1 and of OpenID Connect Discovery, both of which issuers with a path use. */
    private static List<String> discoveryUrls(String issuer) {
        var path = URI.create(issuer).getRawPath();
        var origin = issuer.substring(0, issuer.length() - path.length());
        return List.copyOf(new LinkedHashSet<>(List.of(
                origin + "/.well-known/oauth-authorization-server" + path,
                origin + "/.well-known/openid-configuration" + path,
                issuer + "/.well-known/openid-configuration")));
    }

    private static Optional<String> given(UnaryOperator<String> variable, String name) {
        return Optional.ofNullable(variable.apply(name)).filter(value -> !value.isEmpty());
    }

    private static int readNumber(
            UnaryOperator<String> variable, String name, int usual, int least, int most, List<String> problems) {
        var text = given(variable, name).orElse(String.valueOf(usual));
        try {
            var number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException noNumber) {
            // Said below.
        }
        problems.add(name + ": must be a whole number from " + least + " to " + most + ".");
        return usual;
    }
}
