export type {
  Caller,
  ContentBlock,
  JsonSchema,
  Tool,
  ToolAnnotations,
  ToolContext,
  ToolResult,
} from './tools.ts'
