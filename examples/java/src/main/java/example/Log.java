package example;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.json.JsonMapper;

/** One line of JSON for each decision, on standard error. Nothing in it was sent by somebody unproven. */
final class Log {
    // Only ASCII: no character that a terminal could act on comes through.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    private Log() {}

    static void write(Map<String, ?> facts) {
        var record = new LinkedHashMap<String, Object>();
        record.put("time", Instant.now().toString());
        record.putAll(facts);
        System.err.println(JSON.writeValueAsString(record));
    }
}
