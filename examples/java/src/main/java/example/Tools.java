package example;

import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.transport.HttpServletStatelessServerTransport;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.ServerCapabilities;
import io.modelcontextprotocol.spec.McpSchema.Tool;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The MCP server: three tools that know neither tokens nor HTTP. */
final class Tools {
    /** The scopes of each tool. A tool that has no row here is refused to everybody. */
    static final Map<String, List<String>> SCOPES_OF = Map.of(
            "read_file", List.of("files:read"),
            "write_file", List.of("files:write"),
            "list_files", List.of("files:list"));

    /** Every scope that this server knows; published in its metadata. */
    static final List<String> SCOPES = List.of("files:list", "files:read", "files:write");

    /** What a first login should ask for. Writing is asked for when it is needed. */
    static final List<String> BASE_SCOPES = List.of("files:list", "files:read");

    private static final Map<String, Object> PATH =
            text("Path relative to the root, for example \"notes/today.md\".");

    private final FilesRoot root;

    private Tools(FilesRoot root) {
        this.root = root;
    }

    /** Serves the tools over a transport. */
    static void serve(FilesRoot root, HttpServletStatelessServerTransport transport) {
        var tools = new Tools(root);
        McpServer.sync(transport)
                .serverInfo("files", "0.1.0")
                .capabilities(ServerCapabilities.builder().tools(false).build())
                .toolCall(
                        tool(
                                "read_file",
                                "Reads a text file of up to 1 MiB. Symbolic links are not followed.",
                                Map.of("path", PATH),
                                List.of("path")),
                        (context, request) -> answer(() -> tools.readFile(request)))
                .toolCall(
                        tool(
                                "write_file",
                                "Writes a whole text file of up to 5 MiB into a directory that exists. "
                                        + "Replaces what is there.",
                                Map.of("path", PATH, "content", text("The whole content of the file.")),
                                List.of("path", "content")),
                        (context, request) -> answer(() -> tools.writeFile(request)))
                .toolCall(
                        tool(
                                "list_files",
                                "Lists a directory, sorted by name. Symbolic links are shown and not followed.",
                                Map.of("path", text("Directory to list; \"\" is the root.")),
                                List.of()),
                        (context, request) -> answer(() -> tools.listFiles(request)))
                .build();
    }

    /** What a call came to: a text to read, and the same as data. */
    private record Outcome(String text, Map<String, Object> data) {}

    private interface Call {
        Outcome run() throws FileFailure;
    }

    private Outcome readFile(CallToolRequest request) throws FileFailure {
        var path = argument(request, "path");
        var text = root.read(path);
        var size = text.getBytes(StandardCharsets.UTF_8).length;
        return new Outcome(text, Map.of("path", path, "size", size, "text", text));
    }

    private Outcome writeFile(CallToolRequest request) throws FileFailure {
        var path = argument(request, "path");
        var content = argument(request, "content").getBytes(StandardCharsets.UTF_8);
        var created = root.write(path, content);
        var text = (created ? "Created" : "Wrote") + " \"" + path + "\": " + content.length + " bytes";
        return new Outcome(text, Map.of("path", path, "size", content.length, "created", created));
    }

    private Outcome listFiles(CallToolRequest request) throws FileFailure {
        var path = argument(request, "path");
        var parent = path.isEmpty() || path.equals(".") ? "" : path + "/";
        var listing = root.list(path);
        var lines = new ArrayList<String>();
        var entries = new ArrayList<Map<String, Object>>();
        for (var entry : listing.entries()) {
            var data = new LinkedHashMap<String, Object>();
            data.put("path", parent + entry.name());
            data.put("type", entry.kind());
            if (entry.size() != null) {
                data.put("size", entry.size());
            }
            entries.add(data);
            lines.add(parent + entry.name() + " (" + entry.kind() + ")");
        }
        if (listing.cut()) {
            lines.add("[Only the first " + FilesRoot.MAX_ENTRIES + " are shown.]");
        } else if (lines.isEmpty()) {
            lines.add("[The directory is empty.]");
        }
        return new Outcome(String.join("\n", lines), Map.of("entries", entries));
    }

    private static CallToolResult answer(Call call) {
        try {
            var outcome = call.run();
            return CallToolResult.builder()
                    .addTextContent(outcome.text())
                    .structuredContent(outcome.data())
                    .isError(false)
                    .build();
        } catch (FileFailure failure) {
            return CallToolResult.builder()
                    .addTextContent(failure.code() + ": " + failure.getMessage())
                    .isError(true)
                    .build();
        }
    }

    /** The SDK has checked the arguments against the schema; what may be left out is empty then. */
    private static String argument(CallToolRequest request, String name) {
        return request.arguments() != null && request.arguments().get(name) instanceof String text ? text : "";
    }

    private static Tool tool(
            String name, String description, Map<String, Object> properties, List<String> required) {
        Map<String, Object> schema = Map.of(
                "type", "object", "properties", properties, "required", required, "additionalProperties", false);
        return Tool.builder(name, schema).description(description).build();
    }

    private static Map<String, Object> text(String description) {
        return Map.of("type", "string", "description", description);
    }
}
