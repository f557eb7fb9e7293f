package example;

/** A call on files that failed: a name that programs can decide by, and a sentence without any path of the host. */
final class FileFailure extends Exception {
    private static final long serialVersionUID = 1;

    private final String code;

    FileFailure(String code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    String code() {
        return code;
    }
}
