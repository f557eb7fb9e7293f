package example;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every request to the MCP address comes here first. The MCP server behind sees what was let in, and no token. */
final class Guard extends HttpFilter {
    private static final long serialVersionUID = 1;

    /** Content of 5 MiB, with room for the escapes of JSON. */
    private static final int MAX_BODY_BYTES = 8_388_608;
    /** Methods that need a valid token and no scope. What is neither here nor a call of a tool is refused. */
    private static final Set<String> OPEN_METHODS = Set.of("initialize", "ping", "tools/list");
    /** One scheme, spaces, one token (RFC 6750 section 2.1). */
    private static final Pattern BEARER = Pattern.compile("[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)");

    private static final Pattern OTHER_SCHEME = Pattern.compile("(?!(?i:bearer)(?: |$)).*", Pattern.DOTALL);

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION) // Two readers could choose differently.
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final transient TokenVerifier verifier;
    private final transient Limits limits;
    private final String path;
    private final String metadataUrl;

    /** What is known of a request when its record is written. */
    private static final class Facts {
        private Caller caller;
        private String action;
    }

    Guard(Settings settings) {
        verifier = new TokenVerifier(settings, Clock.systemUTC());
        limits = new Limits(settings.callsPerMinute());
        path = settings.path();
        metadataUrl = settings.metadataUrl();
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        var facts = new Facts();
        JudgedRequest judged;
        try {
            judged = admit(request, facts);
        } catch (Refusal refusal) {
            record(facts, "refused", refusal.reason(), refusal.answer().status());
            send(response, refusal.answer());
            return;
        }
        record(facts, "allowed", "granted", null);
        chain.doFilter(judged, response);
    }

    /** The path of a request: token, caller, limit, message, scopes. Nothing runs before the end of it. */
    private JudgedRequest admit(HttpServletRequest request, Facts facts) throws Refusal {
        var caller = verifier.verify(readToken(request));
        facts.caller = caller;
        var wait = limits.take(caller.client() + ' ' + caller.subject(), System.nanoTime());
        if (wait.isPresent()) {
            throw Refusal.limitReached(Math.max(1, wait.get().plusNanos(999_999_999).toSeconds()));
        }
        if (!request.getMethod().equals("POST")) {
            return new JudgedRequest(request, path, new byte[0]); // The MCP server answers 405.
        }
        var message = readMessage(request);
        facts.action = judge(request, message, caller);
        return new JudgedRequest(request, path, JSON.writeValueAsBytes(message));
    }

    /** The one bearer token of a request. Tokens in the query or in a form are not looked for. */
    private static String readToken(HttpServletRequest request) throws Refusal {
        var values = Collections.list(request.getHeaders("authorization"));
        if (values.isEmpty()) {
            throw Refusal.tokenMissing();
        }
        if (values.size() > 1) {
            throw Refusal.badAuthorization("authorization_repeated");
        }
        if (OTHER_SCHEME.matcher(values.get(0)).matches()) {
            throw Refusal.tokenMissing();
        }
        var bearer = BEARER.matcher(values.get(0));
        if (!bearer.matches()) {
            throw Refusal.badAuthorization("authorization_malformed");
        }
        return bearer.group(1);
    }

    private static JsonNode readMessage(HttpServletRequest request) throws Refusal {
        byte[] body;
        try {
            body = request.getInputStream().readNBytes(MAX_BODY_BYTES + 1);
        } catch (IOException broken) {
            throw Refusal.badMessage("body_incomplete", 400, "The body did not arrive whole, or not in time.");
        }
        if (body.length > MAX_BODY_BYTES) {
            throw Refusal.badMessage("body_too_large", 413, "The body is too large.");
        }
        try {
            var message = JSON.readTree(body);
            if (message.isObject()) {
                return message;
            }
        } catch (JacksonException unparsable) {
            // Said below.
        }
        var description = "The body must be one JSON-RPC message; batches are not taken.";
        throw Refusal.badMessage("body_unparsable", 400, description);
    }

    /** May this caller send this message? Returns what it wants done, in a name of ours. */
    private static String judge(HttpServletRequest request, JsonNode message, Caller caller) throws Refusal {
        var method = message.path("method").asString("");
        if (method.equals("tools/call")) {
            var tool = message.path("params").path("name").asString("");
            var scopes = Tools.SCOPES_OF.get(tool);
            if (scopes == null) {
                throw Refusal.rpcError("tool_unknown", 200, message.get("id"), -32602, "Unknown tool");
            }
            if (!caller.scopes().containsAll(scopes)) {
                throw Refusal.scopeMissing(scopes);
            }
            return tool;
        }
        if (!message.has("id") && method.startsWith("notifications/")) {
            return "notification";
        }
        if (!OPEN_METHODS.contains(method)) {
            // The revision of 2026 has a status for it; in those before, the error stands in an ordinary answer.
            var version = request.getHeader("mcp-protocol-version");
            var status = version != null && version.compareTo("2026") >= 0 ? 404 : 200;
            throw Refusal.rpcError("method_unknown", status, message.get("id"), -32601, "Method not found");
        }
        return method;
    }

    private void send(HttpServletResponse response, Refusal.Answer answer) throws IOException {
        response.setStatus(answer.status());
        response.setHeader("Cache-Control", "no-store");
        response.setContentType("application/json");
        if (answer.challenge() != null) {
            var challenge = "Bearer " + answer.challenge() + ", resource_metadata=\"" + metadataUrl + '"';
            response.setHeader("WWW-Authenticate", challenge);
        }
        if (answer.retryAfterSeconds() > 0) {
            response.setHeader("Retry-After", String.valueOf(answer.retryAfterSeconds()));
        }
        response.getOutputStream().write(JSON.writeValueAsString(answer.body()).getBytes(StandardCharsets.UTF_8));
    }

    private static void record(Facts facts, String outcome, String reason, Integer status) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("outcome", outcome);
        line.put("reason", reason);
        if (status != null) {
            line.put("status", status);
        }
        if (facts.action != null) {
            line.put("action", facts.action);
        }
        if (facts.caller != null) {
            line.put("subject", facts.caller.subject());
            line.put("client", facts.caller.client());
        }
        Log.write(line);
    }
}
