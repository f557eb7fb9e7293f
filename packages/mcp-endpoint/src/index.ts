export type { Item, Variables } from '@mcp-doorman/resource-server'
export type { Access } from './access.ts'
export {
  logLevels,
  type Caller,
  type CallContext,
  type ClientFacts,
  type LogLevel,
  type Progress,
} from './call-context.ts'
export type { Rounds } from './calls/call.ts'
export { CallerError } from './caller-error.ts'
export { createEndpoint, type Endpoint, type EndpointOptions } from './endpoint.ts'
export { isLoopbackName } from './http/host.ts'
export type { Mount } from './http/mount.ts'
export type { HttpOptions } from './http/options.ts'
export type { SessionOptions } from './http/sessions.ts'
export { startHttp, type HttpHandle } from './http/start-http.ts'
export {
  elicit,
  elicitByUrl,
  listRoots,
  sample,
  type Answers,
  type Elicited,
  type InputRequest,
  type InputRequests,
  type Roots,
  type Sampled,
  type SamplingParams,
} from './input.ts'
export type { JsonSchema, ValueOf } from './json-schema.ts'
export type { Definitions } from './offer.ts'
export type { Cacheable, Failed, Outcome } from './outcome.ts'
export type { Prompt, PromptArgument, PromptArguments, PromptMessage, PromptOutput } from './prompts.ts'
export { createRelay, type RelayOptions } from './relay/relay.ts'
export type {
  RelayedCaller,
  RelayedRequest,
  Source,
  SourceChanges,
  SourceFollowing,
  SourceItem,
  SourceList,
  SourcePage,
} from './relay/source.ts'
export type {
  Complete,
  Resource,
  ResourceContents,
  ResourceDescription,
  ResourceOutput,
  ResourcePage,
  ResourceTemplate,
} from './resources.ts'
export type { Schema, StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts'
export type { Description } from './served.ts'
export type { EndpointTransport, ServerEnd } from './server-end.ts'
export { readLines, type Line } from './stdio/read-lines.ts'
export { serveStdio, type StdioOptions } from './stdio/start-stdio.ts'
export type { Audience, ListKind } from './subscriptions.ts'
export { findParamHeaders, writeParamHeaders, type ParamHeader } from './tables/param-headers.ts'
export {
  defineTool,
  type ArgumentsOf,
  type ContentBlock,
  type Tool,
  type ToolAnnotations,
  type ToolOutput,
  type ToolResult,
  type TypedTool,
} from './tools.ts'
