<?php

/**
 * An MCP server over standard input and output, in plain PHP: three tools over a directory.
 *
 * It knows nothing of tokens. `doorman protect` stands in front of it and decides who may call what.
 */

declare(strict_types=1);

/** Why a call failed: a name that programs can decide by, and a sentence without any path of the host. */
final class FileFailure extends Exception
{
    public function __construct(public readonly string $name, string $message)
    {
        parent::__construct($message);
    }
}

/**
 * Files below one directory.
 *
 * PHP cannot open a file below an open directory. But the folder that a process is in is such a directory: so it goes
 * down a path one name at a time, asks the system after each step where it is, and opens a bare name there. What it
 * has opened is compared with what it saw before, so that nobody can put a link in between.
 */
final class Folder
{
    public const MAX_READ_BYTES = 1_048_576;
    public const MAX_WRITE_BYTES = 1_048_576;
    public const MAX_ENTRIES = 1000;
    /** Names of files that are not published yet. No caller can write such a name. */
    public const TEMP_PREFIX = '.files-tmp-';

    private const FILE = 0100000;
    private const DIRECTORY = 0040000;
    private const LINK = 0120000;

    private readonly string $root;

    public function __construct(string $path)
    {
        $root = realpath($path);
        if ($root === false || !is_dir($root)) {
            throw new InvalidArgumentException("$path is not a directory");
        }
        $this->root = $root;
    }

    public function read(string $path): string
    {
        $name = $this->enterFolderOf($path);
        $seen = $this->requireFile($this->look($name), $path);
        // The n opens without waiting: a named pipe would hold the call until somebody writes.
        $file = @fopen("./$name", 'rn') ?: $this->fail('io_error', "{$this->quote($path)} could not be used.");
        try {
            $opened = fstat($file);
            if ([$opened['dev'], $opened['ino']] !== [$seen['dev'], $seen['ino']]) {
                $this->fail('io_error', "{$this->quote($path)} was replaced meanwhile. Try again.");
            }
            $text = stream_get_contents($file, self::MAX_READ_BYTES + 1);
        } finally {
            fclose($file);
        }
        if ($text === false) {
            $this->fail('io_error', "{$this->quote($path)} could not be used.");
        }
        if (strlen($text) > self::MAX_READ_BYTES) {
            $this->fail('too_large', "{$this->quote($path)} has more than " . self::MAX_READ_BYTES . ' bytes.');
        }
        return preg_match('//u', $text) === 1
            ? $text
            : $this->fail('not_text', "{$this->quote($path)} is not UTF-8 text.");
    }

    /**
     * Writes a whole file at once: readers see the old content or the new one. Its directory must be there.
     *
     * @return bool whether the file is new
     */
    public function write(string $path, string $content): bool
    {
        if (strlen($content) > self::MAX_WRITE_BYTES) {
            $this->fail('too_large', 'At most ' . self::MAX_WRITE_BYTES . ' bytes are written at once.');
        }
        $name = $this->enterFolderOf($path);
        $before = $this->look($name);
        if ($before !== null) {
            $this->requireFile($before, $path);
        }
        $temp = self::TEMP_PREFIX . bin2hex(random_bytes(8));
        $file = @fopen("./$temp", 'x') ?: $this->fail('io_error', "{$this->quote($path)} could not be used.");
        $written = @fwrite($file, $content) === strlen($content);
        $closed = fclose($file);
        $mode = $before === null ? 0644 : $before['mode'] & 0777;
        // A rename replaces a link that got there meanwhile, and does not follow it.
        if (!$written || !$closed || !@chmod("./$temp", $mode) || !@rename("./$temp", "./$name")) {
            @unlink("./$temp");
            $this->fail('io_error', "{$this->quote($path)} could not be written.");
        }
        return $before === null;
    }

    /**
     * Sorted entries, and whether there are more.
     *
     * @return array{list<array{name: string, type: string, size?: int}>, bool}
     */
    public function list(string $path): array
    {
        $this->enter($path === '' || $path === '.' ? [] : $this->split($path), $path);
        $found = @scandir('.') ?: $this->fail('io_error', "{$this->quote($path)} could not be used.");
        $found = array_values(array_filter($found, fn (string $name): bool => $this->problemOfName($name) === null));
        $entries = [];
        foreach (array_slice($found, 0, self::MAX_ENTRIES) as $name) {
            $stat = $this->look($name);
            if ($stat !== null) { // It was deleted since its name was read.
                $type = $this->typeOf($stat);
                $entries[] = ['name' => $name, 'type' => $type] + ($type === 'file' ? ['size' => $stat['size']] : []);
            }
        }
        return [$entries, count($found) > self::MAX_ENTRIES];
    }

    /** Goes to the folder of a file, and returns the file's name in it. */
    private function enterFolderOf(string $path): string
    {
        $names = $this->split($path);
        $name = array_pop($names);
        $this->enter($names, $path);
        return $name;
    }

    /** @param list<string> $names */
    private function enter(array $names, string $path): void
    {
        $place = $this->root;
        if (!@chdir($place)) {
            $this->fail('io_error', 'The directory that is served is gone.');
        }
        foreach ($names as $name) {
            $stat = $this->look($name) ?? $this->fail('not_found', "{$this->quote($path)} does not exist.");
            if ($this->typeOf($stat) === 'symlink') {
                $this->failSymlink($path);
            }
            if ($this->typeOf($stat) !== 'directory') {
                $this->fail('not_a_directory', "{$this->quote($path)} leads over something that is not a directory.");
            }
            $place = rtrim($place, '/') . "/$name";
            // The system says where this is, without links: a link that was put there meanwhile has led elsewhere.
            if (!@chdir("./$name") || getcwd() !== $place) {
                $this->fail('io_error', "{$this->quote($path)} could not be used.");
            }
        }
    }

    /** @return array<string, int>|null what is known of a name in this folder, without following it */
    private function look(string $name): ?array
    {
        clearstatcache();
        return @lstat("./$name") ?: null;
    }

    /** @param array<string, int> $stat */
    private function typeOf(array $stat): string
    {
        return match ($stat['mode'] & 0170000) {
            self::FILE => 'file',
            self::DIRECTORY => 'directory',
            self::LINK => 'symlink',
            default => 'other',
        };
    }

    /**
     * @param array<string, int>|null $stat
     * @return array<string, int>
     */
    private function requireFile(?array $stat, string $path): array
    {
        $stat ??= $this->fail('not_found', "{$this->quote($path)} does not exist.");
        return match ($this->typeOf($stat)) {
            'file' => $stat,
            'symlink' => $this->failSymlink($path),
            default => $this->fail('not_a_file', "{$this->quote($path)} is not a file."),
        };
    }

    /**
     * Takes a path apart as the caller wrote it: nothing is trimmed, decoded or normalised.
     *
     * @return list<string>
     */
    private function split(string $path): array
    {
        if ($path === '' || $path[0] === '/') {
            $this->failInvalid($path === '' ? 'is empty' : 'is absolute');
        }
        $names = explode('/', $path);
        if (count($names) > 64) {
            $this->failInvalid('has more than 64 components');
        }
        foreach ($names as $name) {
            $problem = $this->problemOfName($name);
            if ($problem !== null) {
                $this->failInvalid($problem);
            }
        }
        return $names;
    }

    private function problemOfName(string $name): ?string
    {
        return match (true) {
            preg_match('/^[^\p{Cc}]*$/Du', $name) !== 1 => 'has a character that names cannot have',
            $name === '' => 'has an empty component',
            $name === '.' || $name === '..' => 'has "." or ".." as a component',
            strlen($name) > 255 => 'has a component that is too long',
            str_contains($name, '\\') => 'has a backslash; components are separated with "/"',
            str_starts_with($name, self::TEMP_PREFIX) => 'uses a name that is reserved for the server',
            default => null,
        };
    }

    private function quote(string $path): string
    {
        return '"' . $path . '"'; // Without control characters, or it would have been refused.
    }

    private function failSymlink(string $path): never
    {
        $this->fail('symlink', "{$this->quote($path)} leads over a symbolic link, and those are not followed.");
    }

    private function failInvalid(string $problem): never
    {
        $advice = 'Give a path relative to the root, such as "notes/today.md".';
        $this->fail('invalid_path', "The path $problem. $advice");
    }

    private function fail(string $name, string $message): never
    {
        throw new FileFailure($name, $message);
    }
}

/** An error of JSON-RPC. */
final class RpcError extends Exception
{
}

/** MCP 2025-11-25 and before, one message a line. */
final class Server
{
    private const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26'];
    private const MAX_LINE_BYTES = 67_108_864;
    private const PATH = [
        'type' => 'string',
        'description' => 'Path relative to the root, for example "notes/today.md".',
    ];
    private const TOOLS = [
        'read_file' => [
            'description' => 'Reads a text file of up to 1 MiB. Symbolic links are not followed.',
            'properties' => ['path' => self::PATH],
            'required' => ['path'],
            'readOnly' => true,
        ],
        'write_file' => [
            'description' =>
                'Writes a whole text file of up to 1 MiB into a directory that exists. Replaces what is there.',
            'properties' => [
                'path' => self::PATH,
                'content' => ['type' => 'string', 'description' => 'The whole content of the file.'],
            ],
            'required' => ['path', 'content'],
            'readOnly' => false,
        ],
        'list_files' => [
            'description' => 'Lists a directory, sorted by name. Symbolic links are shown and not followed.',
            'properties' => ['path' => ['type' => 'string', 'description' => 'Directory to list; "" is the root.']],
            'required' => [],
            'readOnly' => true,
        ],
    ];

    public function __construct(private readonly Folder $folder)
    {
    }

    /**
     * Answers until the input ends.
     *
     * @param resource $input
     * @param resource $output
     */
    public function serve($input, $output): void
    {
        while (($line = stream_get_line($input, self::MAX_LINE_BYTES, "\n")) !== false) {
            $answer = $this->answerLine($line);
            if ($answer !== null) {
                $flags = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;
                fwrite($output, json_encode(['jsonrpc' => '2.0'] + $answer, $flags) . "\n");
            }
        }
    }

    /** @return array<string, mixed>|null */
    private function answerLine(string $line): ?array
    {
        $message = json_decode($line, false, 64);
        if (json_last_error() !== JSON_ERROR_NONE) {
            return $this->errorAnswer($this->idOf($line), -32700, 'Parse error');
        }
        if (!$message instanceof stdClass) {
            return $this->errorAnswer(null, -32600, 'Invalid request');
        }
        if (!isset($message->id, $message->method)) {
            return null; // Notifications, and answers to what was never asked.
        }
        try {
            $params = $message->params ?? new stdClass();
            return ['id' => $message->id, 'result' => $this->resultOf($message->method, $params)];
        } catch (RpcError $error) {
            return $this->errorAnswer($message->id, $error->getCode(), $error->getMessage());
        }
    }

    /** JSON may have halves of surrogate pairs, which this parser refuses. Whoever waits for the answer is told so. */
    private function idOf(string $line): mixed
    {
        $whole = preg_replace('/\\\\(?:\\\\|u[dD][89a-fA-F][[:xdigit:]]{2})/', '?', $line);
        $message = json_decode($whole ?? '', false, 64);
        return $message instanceof stdClass ? $message->id ?? null : null;
    }

    /** @return array<string, mixed> */
    private function errorAnswer(mixed $id, int $code, string $message): array
    {
        return ['id' => $id, 'error' => ['code' => $code, 'message' => $message]];
    }

    private function resultOf(mixed $method, mixed $params): mixed
    {
        if (!$params instanceof stdClass) {
            throw new RpcError('Invalid params', -32602);
        }
        return match ($method) {
            'initialize' => $this->introduction($params->protocolVersion ?? ''),
            'ping' => new stdClass(),
            'tools/list' => ['tools' => array_map($this->describe(...), array_keys(self::TOOLS), self::TOOLS)],
            'tools/call' => $this->call($params->name ?? '', $params->arguments ?? new stdClass()),
            default => throw new RpcError('Method not found', -32601),
        };
    }

    /** @return array<string, mixed> */
    private function introduction(mixed $version): array
    {
        return [
            'protocolVersion' => in_array($version, self::VERSIONS, true) ? $version : self::VERSIONS[0],
            'capabilities' => ['tools' => new stdClass()],
            'serverInfo' => ['name' => 'files', 'version' => '1.0.0'],
        ];
    }

    /**
     * @param array<string, mixed> $tool
     * @return array<string, mixed>
     */
    private function describe(string $name, array $tool): array
    {
        return [
            'name' => $name,
            'description' => $tool['description'],
            'inputSchema' => [
                'type' => 'object',
                'additionalProperties' => false,
                'properties' => $tool['properties'],
                'required' => $tool['required'],
            ],
            'annotations' => ['readOnlyHint' => $tool['readOnly']],
        ];
    }

    /** @return array<string, mixed> */
    private function call(mixed $name, mixed $arguments): array
    {
        $tool = is_string($name) ? self::TOOLS[$name] ?? null : null;
        if ($tool === null) {
            throw new RpcError('Unknown tool', -32602);
        }
        try {
            [$text, $facts] = $this->run($name, $this->requireArguments($tool, $arguments));
            $result = ['structuredContent' => $facts, 'isError' => false];
        } catch (FileFailure $failure) {
            $text = "$failure->name: {$failure->getMessage()}";
            $result = ['isError' => true];
        }
        return ['content' => [['type' => 'text', 'text' => $text]]] + $result;
    }

    /**
     * @param array<string, mixed> $tool
     * @return array<string, string>
     */
    private function requireArguments(array $tool, mixed $arguments): array
    {
        $given = $arguments instanceof stdClass ? get_object_vars($arguments) : ['' => null];
        $strangers = array_diff_key($given, $tool['properties']);
        $absent = array_diff($tool['required'], array_keys($given));
        if ($strangers !== [] || $absent !== [] || array_filter($given, is_string(...)) !== $given) {
            throw new RpcError('The arguments are not those of this tool', -32602);
        }
        return $given;
    }

    /**
     * @param array<string, string> $arguments
     * @return array{string, array<string, mixed>}
     */
    private function run(string $name, array $arguments): array
    {
        $path = $arguments['path'] ?? '';
        switch ($name) {
            case 'read_file':
                $text = $this->folder->read($path);
                return [$text, ['path' => $path, 'size' => strlen($text), 'text' => $text]];
            case 'write_file':
                $size = strlen($arguments['content']);
                $created = $this->folder->write($path, $arguments['content']);
                $done = $created ? 'Created' : 'Wrote';
                return ["$done \"$path\": $size bytes", ['path' => $path, 'size' => $size, 'created' => $created]];
            default:
                return $this->list($path);
        }
    }

    /** @return array{string, array<string, mixed>} */
    private function list(string $path): array
    {
        $parent = $path === '' || $path === '.' ? '' : "$path/";
        [$found, $cut] = $this->folder->list($path);
        $entries = [];
        $lines = [];
        foreach ($found as $entry) {
            $full = $parent . $entry['name'];
            $entries[] = ['path' => $full] + array_diff_key($entry, ['name' => '']);
            $lines[] = "$full ({$entry['type']})";
        }
        if ($cut) {
            $lines[] = '[Only the first ' . Folder::MAX_ENTRIES . ' are shown.]';
        }
        return [$lines === [] ? '[The directory is empty.]' : implode("\n", $lines), ['entries' => $entries]];
    }
}

if (realpath($argv[0]) === __FILE__) {
    ini_set('display_errors', 'stderr'); // Standard output carries messages alone.
    if ($argc !== 2) {
        fwrite(STDERR, "Say which directory to serve: php server.php FOLDER\n");
        exit(1);
    }
    (new Server(new Folder($argv[1])))->serve(STDIN, STDOUT);
}
