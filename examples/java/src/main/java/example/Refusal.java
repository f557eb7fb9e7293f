package example;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Why a request is not let in. The reason is for the log; the answer says little, and nothing of the token. */
final class Refusal extends Exception {
    private static final long serialVersionUID = 1;

    private final String reason;
    private final transient Answer answer;

    /**
     * What is sent.
     *
     * @param challenge the parameters of the challenge before the address of the metadata, or null for none
     * @param retryAfterSeconds 0 for no such header
     */
    record Answer(int status, String challenge, long retryAfterSeconds, Map<String, ?> body) {}

    private Refusal(String reason, Answer answer) {
        super(reason, null, false, false);
        this.reason = reason;
        this.answer = answer;
    }

    String reason() {
        return reason;
    }

    Answer answer() {
        return answer;
    }

    /** No token: what is needed, and no error, since nothing was presented (RFC 6750 section 3.1). */
    static Refusal tokenMissing() {
        var body = error("unauthorized", "An access token is required.");
        return new Refusal("token_missing", new Answer(401, baseScope(), 0, body));
    }

    /** One answer for every bad token, so that it does not tell what was wrong. */
    static Refusal badToken(String reason) {
        return challenged(reason, 401, "invalid_token", "The access token is not valid here. Get a new one.");
    }

    static Refusal badAuthorization(String reason) {
        var description = "Send exactly one Authorization header with one bearer token.";
        return challenged(reason, 400, "invalid_request", description);
    }

    static Refusal scopeMissing(List<String> scopes) {
        var scope = String.join(" ", scopes);
        var description = "Token missing required scope: " + scope;
        var body = error("insufficient_scope", description);
        body.put("scope", scope);
        var challenge =
                "error=\"insufficient_scope\", error_description=\"" + description + "\", scope=\"" + scope + '"';
        return new Refusal("scope_missing", new Answer(403, challenge, 0, body));
    }

    static Refusal limitReached(long retryAfterSeconds) {
        var body = error("rate_limited", "Too many requests. Try again after the time in Retry-After.");
        return new Refusal("caller_limit_reached", new Answer(429, null, retryAfterSeconds, body));
    }

    static Refusal unavailable() {
        var body = error("temporarily_unavailable", "This request cannot be decided right now.");
        return new Refusal("issuer_unavailable", new Answer(503, null, 5, body));
    }

    static Refusal badMessage(String reason, int status, String description) {
        return new Refusal(reason, new Answer(status, null, 0, error("invalid_request", description)));
    }

    /** An error of JSON-RPC, which MCP has for it. */
    static Refusal rpcError(String reason, int status, Object id, int code, String message) {
        var body = new LinkedHashMap<String, Object>();
        body.put("jsonrpc", "2.0");
        body.put("id", id);
        body.put("error", Map.of("code", code, "message", message));
        return new Refusal(reason, new Answer(status, null, 0, body));
    }

    private static Refusal challenged(String reason, int status, String error, String description) {
        var challenge = "error=\"" + error + "\", error_description=\"" + description + "\", " + baseScope();
        return new Refusal(reason, new Answer(status, challenge, 0, error(error, description)));
    }

    private static String baseScope() {
        return "scope=\"" + String.join(" ", Tools.BASE_SCOPES) + '"';
    }

    private static Map<String, Object> error(String error, String description) {
        var body = new LinkedHashMap<String, Object>();
        body.put("error", error);
        body.put("error_description", description);
        return body;
    }
}
