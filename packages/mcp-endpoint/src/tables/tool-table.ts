import type { Item, Rule } from '@mcp-doorman/resource-server'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { ruleOf } from '../access.ts'
import type { Runnable } from '../calls/run-call.ts'
import type { JsonSchema } from '../json-schema.ts'
import {
  describeIssues,
  isStandardSchema,
  toJsonSchema,
  type Schema,
  type StandardResult,
  type StandardSchema,
} from '../standard-schema.ts'
import type { Tool, ToolOutput, ToolResult } from '../tools.ts'
import { isItemName, itemNameRule } from './item-name.ts'
import type { Listed } from './item-list.ts'
import { findParamHeaders, type ParamHeader } from './param-headers.ts'
import { createSchemaCompiler, describeErrors, type SchemaCompiler } from './schema.ts'

/** A result, and its text: one that cannot be written is a failure of its tool and no more. */
export interface WrittenResult {
  readonly result: ToolResult
  readonly json: string
}

export interface ToolEntry extends Listed {
  readonly runnable: Runnable<never, ToolOutput, WrittenResult>
  readonly paramHeaders: readonly ParamHeader[]
  /** What is wrong with arguments; `undefined` for good ones. */
  readonly refuse: (args: unknown) => WrittenResult | undefined
}

/** The tools of an endpoint, with schemas compiled once. */
export interface ToolTable {
  readonly entries: readonly ToolEntry[]
  readonly find: (name: string) => ToolEntry | undefined
  readonly rules: readonly Rule[]
}

/** @param problems - receives every tool that cannot be offered, and why; the result must then not be used */
export function createToolTable(tools: readonly Tool[], problems: string[]): ToolTable {
  const compiler = createSchemaCompiler(problems)
  const entries = new Map<string, ToolEntry>()
  for (const tool of tools) {
    const place = `"${tool.name}"`
    if (!isItemName(tool.name)) problems.push(`${place}: a tool's name has ${itemNameRule}`)
    if (entries.has(tool.name)) problems.push(`${place}: there are two tools of that name`)
    if (typeof tool.call !== 'function') problems.push(`${place}.call: must be a function`)
    const entry = compileTool(tool, place, compiler, problems)
    if (entry !== undefined) entries.set(tool.name, entry)
  }
  return {
    entries: [...entries.values()],
    find: (name) => entries.get(name),
    rules: tools.flatMap(({ name, access }) => (access === undefined ? [] : [ruleOf('tool', name, access)])),
  }
}

function compileTool(
  tool: Tool,
  place: string,
  compiler: SchemaCompiler,
  problems: string[],
): ToolEntry | undefined {
  const { name, title, description, annotations, timeoutSeconds, call } = tool
  if (timeoutSeconds !== undefined && !(timeoutSeconds >= 1 && timeoutSeconds <= 3600)) {
    problems.push(`${place}.timeoutSeconds: must be 1 to 3600, and is ${timeoutSeconds}.`)
  }
  const inputSchema = readSchema(tool.inputSchema, 'input', `${place}.inputSchema`, problems)
  const outputSchema =
    tool.outputSchema && readSchema(tool.outputSchema, 'output', `${place}.outputSchema`, problems)
  const valid = inputSchema && compiler.compile(inputSchema, `${place}.inputSchema`)
  const fits = outputSchema && compiler.compile(outputSchema, `${place}.outputSchema`)
  if (inputSchema === undefined || valid === undefined) return undefined
  const item: Item = Object.freeze({ kind: 'tool', name: tool.name })
  const library = isStandardSchema(tool.inputSchema) ? tool.inputSchema['~standard'] : undefined
  const run: Tool['call'] = (args, context) => call.call(tool, args, context)
  return {
    item,
    text: JSON.stringify({ name, title, description, inputSchema, outputSchema, annotations }),
    paramHeaders: findParamHeaders(inputSchema, `${place}.inputSchema`, problems),
    refuse: (args) =>
      library !== undefined || valid(args)
        ? undefined
        : writeError(invalidArguments(describeErrors(valid.errors ?? [], 'arguments'))),
    runnable: {
      item,
      timeoutSeconds,
      run: library === undefined ? run : checkedBy(library, run),
      finish: (output) => writeResult(output, fits),
    },
  }
}

function readSchema(
  schema: Schema,
  side: 'input' | 'output',
  place: string,
  problems: string[],
): JsonSchema | undefined {
  try {
    return toJsonSchema(schema, side) ?? {} // From plain JavaScript it may be missing.
  } catch (error) {
    problems.push(`${place}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** Has the library of the schema check the arguments, and the tool called with what it made of them. */
function checkedBy({ validate }: StandardSchema['~standard'], run: Tool['call']): Tool['call'] {
  return (args, context) => {
    const go = (result: StandardResult<unknown>): ReturnType<Tool['call']> =>
      result.issues === undefined
        ? // The schema has made these arguments, which is all that `never` stands for.
          run(result.value as never, context)
        : errorResult(invalidArguments(describeIssues(result.issues, 'arguments')))
    const checked = validate(args)
    return checked instanceof Promise ? checked.then(go) : go(checked)
  }
}

function writeResult(output: ToolOutput, fits: ValidateFunction | undefined): WrittenResult {
  const result = readOutput(output)
  // What clients were promised holds (requirement G28).
  if (fits !== undefined && result.isError !== true && !fits(result.structuredContent)) {
    const what = describeErrors(fits.errors ?? [], 'structuredContent')
    throw new TypeError(`The result does not fit the tool's outputSchema: ${what}`)
  }
  return write(result)
}

function write(result: ToolResult): WrittenResult {
  const { content, structuredContent, isError } = result
  // Nothing else that a tool in plain JavaScript may have put there can pass for a member of the protocol's own.
  return {
    result,
    json: JSON.stringify({ content, structuredContent, ...(isError === true && { isError }) }),
  }
}

function readOutput(output: ToolOutput): ToolResult {
  if (typeof output === 'string') return { content: [{ type: 'text', text: output }] }
  // A tool in plain JavaScript may return anything.
  const { content, structuredContent } = (output ?? {}) as Partial<ToolResult>
  if (Array.isArray(content)) return output as ToolResult
  if (content !== undefined || typeof structuredContent !== 'object' || structuredContent === null) {
    throw new TypeError(
      'The result is no text and has neither "content", a list of blocks, nor "structuredContent".',
    )
  }
  return { ...output, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] }
}

/** Wrong arguments are the model's mistake, so it gets them as a result that it can read and mend (G63). */
function invalidArguments(what: string): string {
  return `invalid_arguments: ${what}`
}

function errorResult(text: string): ToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}

/** The result of a tool that has something to say in place of what was asked for. */
export function writeError(text: string): WrittenResult {
  return write(errorResult(text))
}
