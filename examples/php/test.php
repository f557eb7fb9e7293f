<?php

/** Run by `php test.php`: the server is asked as a client would ask it. */

declare(strict_types=1);

require __DIR__ . '/server.php';

set_error_handler(function (int $level, string $message, string $file, int $line): bool {
    if ((error_reporting() & $level) === 0) {
        return false; // Silenced by @, and looked at.
    }
    throw new ErrorException($message, 0, $level, $file, $line);
});

function assertSame(mixed $expected, mixed $seen): void
{
    if ($expected !== $seen) {
        throw new Exception('expected ' . json_encode($expected) . ', but it is ' . json_encode($seen));
    }
}

/** @return list<array<string, mixed>> */
function ask(string $root, mixed ...$lines): array
{
    $texts = array_map(fn (mixed $line): string => is_string($line) ? $line : json_encode($line), $lines);
    $input = fopen('php://memory', 'r+');
    $output = fopen('php://memory', 'r+');
    fwrite($input, implode("\n", $texts));
    rewind($input);
    (new Server(new Folder($root)))->serve($input, $output);
    rewind($output);
    $answers = explode("\n", trim(stream_get_contents($output)));
    return array_map(fn (string $answer): array => json_decode($answer, true), $answers);
}

/** @param array<string, mixed> $arguments */
function call(string $root, string $name, array $arguments): string
{
    $params = ['name' => $name, 'arguments' => (object) $arguments];
    $result = ask($root, ['jsonrpc' => '2.0', 'id' => 1, 'method' => 'tools/call', 'params' => $params])[0]['result'];
    $text = $result['content'][0]['text'];
    return $result['isError'] ? strstr($text, ':', true) : $text;
}

$outside = sys_get_temp_dir() . '/files-test-' . bin2hex(random_bytes(8));
$root = "$outside/root";
register_shutdown_function(fn () => exec('rm -rf ' . escapeshellarg($outside)));
mkdir("$root/notes", 0755, true);
file_put_contents("$outside/secret.txt", 'secret');
file_put_contents("$root/notes/today.md", "äpfel\n");
symlink('../secret.txt', "$root/link.txt");
symlink('notes', "$root/link");
exec('mkfifo ' . escapeshellarg("$root/pipe"));

// What is below the root is read, and nothing else.
assertSame("äpfel\n", call($root, 'read_file', ['path' => 'notes/today.md']));
$ways = ['../secret.txt', 'notes/../../secret.txt', './notes/today.md', 'notes//today.md', '', "a\0b"];
foreach ([...$ways, "$outside/secret.txt", "file://$outside/secret.txt", 'php://stdin'] as $path) {
    assertSame('invalid_path', call($root, 'read_file', ['path' => $path]));
}
file_put_contents("$root/data:text,secret", 'ours'); // A name here, and no stream of PHP.
assertSame('ours', call($root, 'read_file', ['path' => 'data:text,secret']));
unlink("$root/data:text,secret");
assertSame('symlink', call($root, 'read_file', ['path' => 'link.txt']));
assertSame('symlink', call($root, 'read_file', ['path' => 'link/today.md']));
assertSame('not_a_file', call($root, 'read_file', ['path' => 'pipe']));
assertSame('not_a_file', call($root, 'read_file', ['path' => 'notes']));
assertSame('not_a_directory', call($root, 'read_file', ['path' => 'notes/today.md/more']));
assertSame('not_found', call($root, 'read_file', ['path' => 'missing/today.md']));

// Files are made and replaced, never through a link, and what others may not read stays so.
chmod("$root/notes/today.md", 0600);
$write = ['path' => 'notes/today.md', 'content' => 'pears'];
assertSame('Wrote "notes/today.md": 5 bytes', call($root, 'write_file', $write));
assertSame(0600, fileperms("$root/notes/today.md") & 0777);
assertSame('Created "notes/new.md": 1 bytes', call($root, 'write_file', ['path' => 'notes/new.md', 'content' => 'x']));
assertSame('symlink', call($root, 'write_file', ['path' => 'link.txt', 'content' => 'x']));
assertSame('symlink', call($root, 'write_file', ['path' => 'link/new.md', 'content' => 'x']));
assertSame('invalid_path', call($root, 'write_file', ['path' => '../new.txt', 'content' => 'x']));
assertSame('secret', file_get_contents("$outside/secret.txt"));

// Lists show kinds, and leave out what no path can say.
file_put_contents("$root/line\nbreak", '');
file_put_contents("$root/" . Folder::TEMP_PREFIX . '1', '');
$listed = "link (symlink)\nlink.txt (symlink)\nnotes (directory)\npipe (other)";
assertSame($listed, call($root, 'list_files', ['path' => '.']));
assertSame($listed, call($root, 'list_files', []));
assertSame("notes/new.md (file)\nnotes/today.md (file)", call($root, 'list_files', ['path' => 'notes']));
assertSame('symlink', call($root, 'list_files', ['path' => 'link']));

// The protocol: versions, errors, notifications that nobody answers.
$wrong = ['name' => 'read_file', 'arguments' => ['path' => 1]];
$answers = ask(
    $root,
    ['jsonrpc' => '2.0', 'id' => 1, 'method' => 'initialize', 'params' => ['protocolVersion' => '2025-06-18']],
    ['jsonrpc' => '2.0', 'id' => 2, 'method' => 'initialize', 'params' => ['protocolVersion' => '1999-01-01']],
    ['jsonrpc' => '2.0', 'method' => 'notifications/initialized'],
    ['jsonrpc' => '2.0', 'id' => 3, 'method' => 'tools/list'],
    ['jsonrpc' => '2.0', 'id' => 4, 'method' => 'resources/list'],
    ['jsonrpc' => '2.0', 'id' => 5, 'method' => 'tools/call', 'params' => $wrong],
    ['jsonrpc' => '2.0', 'id' => 6, 'method' => 'tools/call', 'params' => ['name' => 'delete_all']],
    '[]',
    'nonsense',
    '{"jsonrpc":"2.0","id":7,"method":"ping","params":{"half":"\\\\\ud800"}}',
);
$results = array_column($answers, 'result');
assertSame(['2025-06-18', '2025-11-25'], array_column($results, 'protocolVersion'));
assertSame(['read_file', 'write_file', 'list_files'], array_column($results[2]['tools'], 'name'));
$errors = array_column($answers, 'error');
assertSame([-32601, -32602, -32602, -32600, -32700, -32700], array_column($errors, 'code'));
assertSame([4, 5, 6, null, null, 7], array_column(array_slice($answers, 3), 'id'));
echo "All is well.\n";
