# frozen_string_literal: true

# An MCP server over standard input and output, in plain Ruby: three tools over a directory.
#
# It knows nothing of tokens. `doorman protect` stands in front of it and decides who may call what.

require 'json'
require 'securerandom'

# Why a call failed: a name that programs can decide by, and a sentence without any path of the host.
class FileFailure < StandardError
  attr_reader :code

  def initialize(code, message)
    super(message)
    @code = code
  end
end

# Files below one directory.
#
# A path is taken apart before any system call and walked one name at a time from an open directory, which Linux shows
# as /proc/self/fd/N, without following links. So no name on the way can be a symbolic link or lead upwards, whatever
# others do to the directory meanwhile.
class Folder
  MAX_READ_BYTES = 1_048_576
  MAX_WRITE_BYTES = 1_048_576
  MAX_ENTRIES = 1000
  # Without NONBLOCK a named pipe would hold the call until somebody writes.
  OPEN = File::RDONLY | File::NOFOLLOW | File::NONBLOCK
  CREATE = File::WRONLY | File::CREAT | File::EXCL | File::NOFOLLOW
  # Names of files that are not published yet. No caller can write such a name.
  TEMP_PREFIX = '.files-tmp-'

  def initialize(path)
    @root = File.open(path, File::RDONLY)
    raise ArgumentError, "#{path} is not a directory" unless @root.stat.directory?
  end

  def read(path)
    in_folder_of(path) do |place|
      File.open(place, OPEN) do |file|
        require_file(file.stat, path)
        text = (file.read(MAX_READ_BYTES + 1) || '').force_encoding(Encoding::UTF_8)
        require_text(text, path)
      end
    end
  end

  # Writes a whole file at once: readers see the old content or the new one. Its directory must be there.
  #
  # Returns whether the file is new.
  def write(path, content)
    if content.bytesize > MAX_WRITE_BYTES
      fail_with('too_large', "At most #{MAX_WRITE_BYTES} bytes are written at once.")
    end
    in_folder_of(path) do |place|
      before = lstat(place)
      require_file(before, path) if before
      publish(place, content, before ? before.mode & 0o777 : 0o644)
      before.nil?
    end
  end

  # Names with kinds and sizes, sorted, and whether there are more.
  def list(path)
    names = ['', '.'].include?(path) ? [] : split(path)
    walk(names, path) do |directory|
      found = Dir.children(directory, encoding: 'UTF-8').reject { |name| problem_of_name(name) }.sort
      # What was deleted since its name was read is left out.
      entries = found.first(MAX_ENTRIES).filter_map do |name|
        stat = lstat("#{directory}/#{name}")
        { name: name, type: type_of(stat), size: (stat.size if stat.file?) }.compact if stat
      end
      [entries, found.size > MAX_ENTRIES]
    end
  end

  private

  def in_folder_of(path)
    *folders, name = split(path)
    walk(folders, path) { |directory| yield "#{directory}/#{name}" }
  end

  def walk(names, path)
    opened = [@root]
    names.each do |name|
      opened << File.open("/proc/self/fd/#{opened.last.fileno}/#{name}", OPEN)
      next if opened.last.stat.directory?

      fail_with('not_a_directory', "#{path.inspect} leads over something that is not a directory.")
    end
    yield "/proc/self/fd/#{opened.last.fileno}"
  rescue Errno::ENOENT
    fail_with('not_found', "#{path.inspect} does not exist.")
  rescue Errno::ELOOP
    fail_symlink(path)
  rescue SystemCallError
    fail_with('io_error', "#{path.inspect} could not be used.") # The system's own words name the place on the host.
  ensure
    opened.drop(1).each(&:close)
  end

  # Puts a finished file under its name. A rename replaces a link that got there meanwhile, and does not follow it.
  def publish(place, content, mode)
    temp = "#{File.dirname(place)}/#{TEMP_PREFIX}#{SecureRandom.hex(8)}"
    File.open(temp, CREATE, mode) { |file| file.write(content) }
    File.rename(temp, place)
  rescue SystemCallError
    File.unlink(temp) if lstat(temp)
    raise
  end

  # Takes a path apart as the caller wrote it: nothing is trimmed, decoded or normalised.
  def split(path)
    fail_invalid('is empty') if path.empty?
    fail_invalid('is absolute') if path.start_with?('/')
    names = path.split('/', -1)
    fail_invalid('has more than 64 components') if names.size > 64
    problem = names.lazy.filter_map { |name| problem_of_name(name) }.first
    problem ? fail_invalid(problem) : names
  end

  def problem_of_name(name)
    return 'has a character that names cannot have' if !name.valid_encoding? || name.match?(/[[:cntrl:]]/)
    return 'has an empty component' if name.empty?
    return 'has "." or ".." as a component' if ['.', '..'].include?(name)
    return 'has a component that is too long' if name.bytesize > 255
    return 'has a backslash; components are separated with "/"' if name.include?('\\')

    'uses a name that is reserved for the server' if name.start_with?(TEMP_PREFIX)
  end

  def lstat(place)
    File.lstat(place)
  rescue Errno::ENOENT
    nil
  end

  def type_of(stat)
    return 'file' if stat.file?
    return 'directory' if stat.directory?

    stat.symlink? ? 'symlink' : 'other'
  end

  def require_file(stat, path)
    fail_symlink(path) if stat.symlink?
    fail_with('not_a_file', "#{path.inspect} is not a file.") unless stat.file?
  end

  def require_text(text, path)
    fail_with('too_large', "#{path.inspect} has more than #{MAX_READ_BYTES} bytes.") if text.bytesize > MAX_READ_BYTES
    fail_with('not_text', "#{path.inspect} is not UTF-8 text.") unless text.valid_encoding?
    text
  end

  def fail_symlink(path)
    fail_with('symlink', "#{path.inspect} leads over a symbolic link, and those are not followed.")
  end

  def fail_invalid(problem)
    fail_with('invalid_path', "The path #{problem}. Give a path relative to the root, such as \"notes/today.md\".")
  end

  def fail_with(code, message)
    raise FileFailure.new(code, message)
  end
end

# MCP 2025-11-25 and before, one message a line.
class Server
  VERSIONS = %w[2025-11-25 2025-06-18 2025-03-26].freeze
  MAX_LINE_BYTES = 67_108_864
  PATH = { type: 'string', description: 'Path relative to the root, for example "notes/today.md".' }.freeze
  TOOLS = {
    'read_file' => {
      description: 'Reads a text file of up to 1 MiB. Symbolic links are not followed.',
      properties: { path: PATH }, required: %w[path], annotations: { readOnlyHint: true }
    },
    'write_file' => {
      description: 'Writes a whole text file of up to 1 MiB into a directory that exists. Replaces what is there.',
      properties: { path: PATH, content: { type: 'string', description: 'The whole content of the file.' } },
      required: %w[path content], annotations: { readOnlyHint: false }
    },
    'list_files' => {
      description: 'Lists a directory, sorted by name. Symbolic links are shown and not followed.',
      properties: { path: { type: 'string', description: 'Directory to list; "" is the root.' } },
      required: [], annotations: { readOnlyHint: true }
    }
  }.freeze

  # An error of JSON-RPC.
  class RpcError < StandardError
    attr_reader :code

    def initialize(code, message)
      super(message)
      @code = code
    end
  end

  def initialize(folder)
    @folder = folder
  end

  # Answers until the input ends.
  def serve(input, output)
    while (line = input.gets("\n", MAX_LINE_BYTES))
      answer = answer_line(line)
      next if answer.nil?

      output.puts(JSON.generate(answer))
      output.flush
    end
  end

  private

  def answer_line(line)
    message = parse(line) or return error_answer(id_of(line), -32_700, 'Parse error')
    return error_answer(nil, -32_600, 'Invalid request') unless message.is_a?(Hash)
    return unless message.key?('id') && message.key?('method') # Notifications, and answers to what was never asked.

    { jsonrpc: '2.0', id: message['id'], result: result_of(message['method'], message['params'] || {}) }
  rescue RpcError => e
    error_answer(message['id'], e.code, e.message)
  end

  def parse(line)
    JSON.parse(line)
  rescue JSON::ParserError
    nil
  end

  # JSON may have halves of surrogate pairs, which this parser refuses. Whoever waits for the answer is told so.
  def id_of(line)
    message = parse(line.gsub(/\\(?:\\|u[dD][89a-fA-F]\h{2})/, '?'))
    message['id'] if message.is_a?(Hash)
  end

  def error_answer(id, code, message)
    { jsonrpc: '2.0', id: id, error: { code: code, message: message } }
  end

  def result_of(method, params)
    raise RpcError.new(-32_602, 'Invalid params') unless params.is_a?(Hash)

    case method
    when 'initialize' then introduction(params['protocolVersion'])
    when 'ping' then {}
    when 'tools/list' then { tools: TOOLS.map { |name, tool| describe(name, tool) } }
    when 'tools/call' then call(params['name'], params['arguments'] || {})
    else raise RpcError.new(-32_601, 'Method not found')
    end
  end

  def introduction(version)
    {
      protocolVersion: VERSIONS.include?(version) ? version : VERSIONS.first,
      capabilities: { tools: {} },
      serverInfo: { name: 'files', version: '1.0.0' }
    }
  end

  def describe(name, tool)
    schema = { type: 'object', additionalProperties: false, **tool.slice(:properties, :required) }
    { name: name, description: tool[:description], inputSchema: schema, annotations: tool[:annotations] }
  end

  def call(name, arguments)
    tool = TOOLS[name] or raise RpcError.new(-32_602, 'Unknown tool')
    require_arguments(tool, arguments)
    text, facts = run(name, arguments)
    { content: [{ type: 'text', text: text }], structuredContent: facts, isError: false }
  rescue FileFailure => e
    { content: [{ type: 'text', text: "#{e.code}: #{e.message}" }], isError: true }
  end

  def require_arguments(tool, arguments)
    good = arguments.is_a?(Hash) &&
           tool[:required].all? { |name| arguments.key?(name) } &&
           arguments.all? { |name, value| tool[:properties].key?(name.to_sym) && value.is_a?(String) }
    raise RpcError.new(-32_602, 'The arguments are not those of this tool') unless good
  end

  def run(name, arguments)
    path = arguments['path'] || ''
    case name
    when 'read_file'
      text = @folder.read(path)
      [text, { path: path, size: text.bytesize, text: text }]
    when 'write_file'
      size = arguments['content'].bytesize
      created = @folder.write(path, arguments['content'])
      ["#{created ? 'Created' : 'Wrote'} #{path.inspect}: #{size} bytes", { path: path, size: size, created: created }]
    when 'list_files' then list(path)
    end
  end

  def list(path)
    parent = ['', '.'].include?(path) ? '' : "#{path}/"
    entries, cut = @folder.list(path)
    entries = entries.map { |entry| { path: parent + entry[:name], **entry.slice(:type, :size) } }
    lines = entries.map { |entry| "#{entry[:path]} (#{entry[:type]})" }
    lines << "[Only the first #{Folder::MAX_ENTRIES} are shown.]" if cut
    lines << '[The directory is empty.]' if lines.empty?
    [lines.join("\n"), { entries: entries }]
  end
end

if $PROGRAM_NAME == __FILE__
  Encoding.default_external = Encoding::UTF_8 # Whatever the language of the machine.
  abort 'Say which directory to serve: ruby server.rb FOLDER' unless ARGV.size == 1
  Server.new(Folder.new(ARGV.first)).serve($stdin, $stdout)
end
