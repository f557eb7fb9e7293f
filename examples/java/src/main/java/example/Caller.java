package example;

import java.util.Set;

/** A caller, proven by a token. */
record Caller(String subject, String client, Set<String> scopes) {}
