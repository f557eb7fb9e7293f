package example;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;

/** What clients need to know beforehand: the protected resource metadata (RFC 9728), for everybody. */
final class MetadataServlet extends HttpServlet {
    private static final long serialVersionUID = 1;

    private final byte[] document;

    MetadataServlet(Settings settings) {
        var members = new LinkedHashMap<String, Object>();
        members.put("resource", settings.resource());
        members.put("authorization_servers", List.of(settings.issuer()));
        members.put("scopes_supported", Tools.SCOPES);
        members.put("bearer_methods_supported", List.of("header"));
        members.put("resource_name", "Files");
        document = JsonMapper.shared().writeValueAsString(members).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("application/json");
        response.setHeader("Cache-Control", "public, max-age=300");
        response.setHeader("Access-Control-Allow-Origin", "*");
        response.getOutputStream().write(document);
    }

    /** Pages of browsers ask before they send a header of MCP. */
    @Override
    protected void doOptions(HttpServletRequest request, HttpServletResponse response) {
        response.setStatus(HttpServletResponse.SC_NO_CONTENT);
        response.setHeader("Access-Control-Allow-Origin", "*");
        response.setHeader("Access-Control-Allow-Methods", "GET");
        response.setHeader("Access-Control-Allow-Headers", "mcp-protocol-version");
    }
}
