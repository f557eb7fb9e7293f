export type {
  Caller,
  ContentBlock,
  JsonSchema,
  Tool,
  ToolAnnotations,
  ToolContext,
  ToolResult,
} from './tools.ts'
export { createEndpoint, type Endpoint, type EndpointOptions } from './endpoint.ts'
export { isLoopbackName } from './http/host.ts'
export type { HttpOptions } from './http/options.ts'
export { startHttp, type HttpHandle } from './http/start-http.ts'
export { serveStdio, type StdioOptions } from './stdio/start-stdio.ts'
