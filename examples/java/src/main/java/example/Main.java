package example;

import com.fasterxml.jackson.annotation.JsonIncludeProperties;
import io.modelcontextprotocol.json.jackson3.JacksonMcpJsonMapper;
import io.modelcontextprotocol.server.transport.DefaultServerTransportSecurityValidator;
import io.modelcontextprotocol.server.transport.HttpServletStatelessServerTransport;
import io.modelcontextprotocol.spec.McpError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import tools.jackson.databind.json.JsonMapper;

/** A files server over streamable HTTP that takes the access tokens of one OAuth issuer. */
public final class Main {
    /** Casdoor's tokens can be long. */
    private static final int MAX_HEADER_BYTES = 32_768;

    private static final int SOCKET_TIMEOUT_MS = 20_000;

    // Held, since the logging system forgets a logger that nobody holds.
    private static final Logger TOMCAT_LOG = Logger.getLogger("org.apache");

    private Main() {}

    /** The transport answers with exceptions. What they carry of the inside of this program is left out. */
    @JsonIncludeProperties("message")
    private interface OnlyTheMessage {}

    /** Starts the server, and ends with the process. */
    public static void main(String[] arguments) {
        TOMCAT_LOG.setLevel(Level.WARNING);
        try {
            var settings = Settings.read(System::getenv);
            var scratch = Files.createTempDirectory("files-server");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(scratch)));
            var tomcat = start(settings, openRoot(settings), scratch);
            System.out.println("Listening on " + settings.resource());
            tomcat.getServer().await();
        } catch (IllegalArgumentException | IOException problem) {
            System.err.println(problem.getMessage());
            System.exit(1);
        }
    }

    private static FilesRoot openRoot(Settings settings) {
        try {
            return FilesRoot.open(settings.filesRoot());
        } catch (IOException | UnsupportedOperationException failed) {
            var problem = "FILES_ROOT: \"" + settings.filesRoot() + "\" cannot be opened: " + failed.getMessage();
            throw new IllegalArgumentException(problem, failed);
        }
    }

    private static Tomcat start(Settings settings, FilesRoot root, Path scratch) throws IOException {
        var tomcat = new Tomcat();
        tomcat.setBaseDir(scratch.toString());
        var connector = new Connector();
        connector.setPort(settings.port());
        connector.setProperty("address", settings.host());
        connector.setProperty("maxHttpRequestHeaderSize", String.valueOf(MAX_HEADER_BYTES));
        connector.setProperty("connectionTimeout", String.valueOf(SOCKET_TIMEOUT_MS));
        connector.setThrowOnFailure(true);
        tomcat.setConnector(connector);
        if (tomcat.getHost() instanceof StandardHost host) {
            host.setErrorReportValveClass(null); // No pages of its own: clients of this server are programs.
        }

        var context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "metadata", new MetadataServlet(settings));
        // Path-inserted, as RFC 9728 section 3.1 says, and at the root, for clients that ask only there.
        for (var path : List.of(settings.metadataPath(), Settings.WELL_KNOWN)) {
            context.addServletMappingDecoded(path, "metadata");
        }

        Tomcat.addServlet(context, "mcp", makeMcp(settings, root)).setAsyncSupported(true);
        var guard = new FilterDef();
        guard.setFilterName("guard");
        guard.setFilter(new Guard(settings));
        context.addFilterDef(guard);
        // Some clients add the slash; nobody is redirected.
        for (var path : List.of(settings.path(), settings.path() + "/")) {
            context.addServletMappingDecoded(path, "mcp");
        }
        var guarded = new FilterMap();
        guarded.setFilterName("guard");
        guarded.addServletName("mcp"); // By the servlet and not by the path: there is no way around it.
        context.addFilterMap(guarded);
        try {
            tomcat.start();
        } catch (LifecycleException failed) {
            var place = settings.host() + " port " + settings.port();
            throw new IOException("Cannot listen on " + place + ": " + rootOf(failed).getMessage(), failed);
        }
        return tomcat;
    }

    private static HttpServletStatelessServerTransport makeMcp(Settings settings, FilesRoot root) {
        var host = settings.origin().substring(settings.origin().indexOf("://") + 3);
        var transport = HttpServletStatelessServerTransport.builder()
                .messageEndpoint(settings.path())
                .jsonMapper(new JacksonMcpJsonMapper(
                        JsonMapper.builder().addMixIn(McpError.class, OnlyTheMessage.class).build()))
                .maxRequestSize(Integer.MAX_VALUE) // The guard has bounded it.
                // No page of a browser is meant to call this: an Origin is refused, and so is a foreign Host.
                .securityValidator(DefaultServerTransportSecurityValidator.builder()
                        .allowedHosts(List.of(host, "localhost:*", "127.0.0.1:*", "[::1]:*"))
                        .build())
                .build();
        Tools.serve(root, transport);
        return transport;
    }

    private static Throwable rootOf(Throwable failed) {
        return failed.getCause() == null ? failed : rootOf(failed.getCause());
    }

    private static void delete(Path scratch) {
        try (var paths = Files.walk(scratch)) {
            for (var path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException failed) {
            System.err.println(scratch + " could not be removed: " + failed.getMessage());
        }
    }
}
