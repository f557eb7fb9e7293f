import type { Rule } from '@mcp-doorman/resource-server'
import type { Prompt } from './prompts.ts'
import type { Resource, ResourceTemplate } from './resources.ts'
import { createPromptTable, type PromptTable } from './tables/prompt-table.ts'
import { createResourceTable, type ResourceTable } from './tables/resource-table.ts'
import { createToolTable, type ToolTable } from './tables/tool-table.ts'
import type { Tool } from './tools.ts'

/** What a server offers, as its author writes it. */
export interface Definitions {
  readonly tools?: readonly Tool[]
  readonly resources?: readonly Resource[]
  readonly templates?: readonly ResourceTemplate[]
  readonly prompts?: readonly Prompt[]
}

/** The same, compiled; it never changes. */
export interface Offer {
  readonly tools: ToolTable
  readonly resources: ResourceTable
  readonly prompts: PromptTable
  /** What was given, be it an empty list. */
  readonly has: {
    readonly tools: boolean
    readonly resources: boolean
    readonly prompts: boolean
    readonly completions: boolean
  }
  /** One for each definition that says who may use it. */
  readonly rules: readonly Rule[]
}

/** @param problems - receives everything that cannot be offered, and why; the result must then not be used */
export function compileOffer(definitions: Definitions, problems: string[]): Offer {
  const tools = createToolTable(definitions.tools ?? [], problems)
  const resources = createResourceTable(definitions.resources ?? [], definitions.templates ?? [], problems)
  const prompts = createPromptTable(definitions.prompts ?? [], problems)
  return {
    tools,
    resources,
    prompts,
    has: {
      tools: definitions.tools !== undefined,
      resources: definitions.resources !== undefined || definitions.templates !== undefined,
      prompts: definitions.prompts !== undefined,
      completions: [...resources.templates, ...prompts.entries].some(({ completers }) => completers.size > 0),
    },
    rules: [...tools.rules, ...resources.rules, ...prompts.rules],
  }
}
