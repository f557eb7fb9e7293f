# frozen_string_literal: true

# Run by `ruby test.rb`: the server is asked as a client would ask it.

require 'json'
require 'stringio'
require 'tmpdir'
require_relative 'server'

Encoding.default_external = Encoding::UTF_8

def assert_equal(expected, seen)
  raise "expected #{expected.inspect}, but it is #{seen.inspect}" unless expected == seen
end

def ask(root, *lines)
  output = StringIO.new
  texts = lines.map { |line| line.is_a?(String) ? line : JSON.generate(line) }
  Server.new(Folder.new(root)).serve(StringIO.new(texts.join("\n")), output)
  output.string.lines.map { |line| JSON.parse(line) }
end

def call(root, name, arguments)
  message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: name, arguments: arguments } }
  result = ask(root, message).first['result']
  text = result['content'].first['text']
  result['isError'] ? text[/\A\w+/].to_sym : text
end

Dir.mktmpdir do |outside|
  root = File.join(outside, 'root')
  Dir.mkdir(root)
  Dir.mkdir(File.join(root, 'notes'))
  File.write(File.join(outside, 'secret.txt'), 'secret')
  File.write(File.join(root, 'notes/today.md'), "äpfel\n")
  File.symlink('../secret.txt', File.join(root, 'link.txt'))
  File.symlink('notes', File.join(root, 'link'))
  File.mkfifo(File.join(root, 'pipe'))

  # What is below the root is read, and nothing else.
  assert_equal "äpfel\n", call(root, 'read_file', path: 'notes/today.md')
  ['../secret.txt', 'notes/../../secret.txt', './notes/today.md', 'notes//today.md', '', "a\0b",
   File.join(outside, 'secret.txt')].each do |path|
    assert_equal :invalid_path, call(root, 'read_file', path: path)
  end
  assert_equal :symlink, call(root, 'read_file', path: 'link.txt')
  assert_equal :symlink, call(root, 'read_file', path: 'link/today.md')
  assert_equal :not_a_file, call(root, 'read_file', path: 'pipe')
  assert_equal :not_a_file, call(root, 'read_file', path: 'notes')
  assert_equal :not_a_directory, call(root, 'read_file', path: 'notes/today.md/more')
  assert_equal :not_found, call(root, 'read_file', path: 'missing/today.md')

  # Files are made and replaced, never through a link, and what others may not read stays so.
  File.chmod(0o600, File.join(root, 'notes/today.md'))
  assert_equal 'Wrote "notes/today.md": 5 bytes', call(root, 'write_file', path: 'notes/today.md', content: 'pears')
  assert_equal 0o600, File.stat(File.join(root, 'notes/today.md')).mode & 0o777
  assert_equal 'Created "notes/new.md": 1 bytes', call(root, 'write_file', path: 'notes/new.md', content: 'x')
  assert_equal :symlink, call(root, 'write_file', path: 'link.txt', content: 'x')
  assert_equal :symlink, call(root, 'write_file', path: 'link/new.md', content: 'x')
  assert_equal :invalid_path, call(root, 'write_file', path: '../new.txt', content: 'x')
  assert_equal 'secret', File.read(File.join(outside, 'secret.txt'))

  # Lists show kinds, and leave out what no path can say.
  File.write(File.join(root, "line\nbreak"), '')
  File.write(File.join(root, "#{Folder::TEMP_PREFIX}1"), '')
  listed = "link (symlink)\nlink.txt (symlink)\nnotes (directory)\npipe (other)"
  assert_equal listed, call(root, 'list_files', path: '.')
  assert_equal listed, call(root, 'list_files', {})
  assert_equal "notes/new.md (file)\nnotes/today.md (file)", call(root, 'list_files', path: 'notes')
  assert_equal :symlink, call(root, 'list_files', path: 'link')

  # No descriptor is left over, whatever became of the call.
  open_files = -> { Dir.children('/proc/self/fd').size }
  before = open_files.call
  folder = Folder.new(root)
  50.times do
    folder.read('link/today.md')
  rescue FileFailure
    folder.list('notes')
  end
  assert_equal before + 1, open_files.call

  # The protocol: versions, errors, notifications that nobody answers.
  answers = ask(
    root,
    { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18' } },
    { jsonrpc: '2.0', id: 2, method: 'initialize', params: { protocolVersion: '1999-01-01' } },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 3, method: 'tools/list' },
    { jsonrpc: '2.0', id: 4, method: 'resources/list' },
    { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'read_file', arguments: { path: 1 } } },
    { jsonrpc: '2.0', id: 6, method: 'tools/call', params: { name: 'delete_all' } },
    '[]', 'nonsense', '{"jsonrpc":"2.0","id":7,"method":"ping","params":{"half":"\\\\\ud800"}}'
  )
  assert_equal %w[2025-06-18 2025-11-25], answers.first(2).map { |answer| answer['result']['protocolVersion'] }
  assert_equal %w[read_file write_file list_files], answers[2]['result']['tools'].map { |tool| tool['name'] }
  assert_equal [-32_601, -32_602, -32_602, -32_600, -32_700, -32_700], answers.drop(3).map { |answer| answer['error']['code'] }
  assert_equal [4, 5, 6, nil, nil, 7], answers.drop(3).map { |answer| answer['id'] }
end
puts 'All is well.'
