import type { UpstreamOptions } from '@mcp-doorman/gateway'
import type { ResourceServerOptions } from '@mcp-doorman/resource-server'
import type { FilesOptions } from '../files-service.ts'

/** One server as it is to be run: the gate, and what stands behind it. */
export interface ServerParts {
  /** Tells it from the others, and names it in what is printed. */
  readonly name: string
  readonly title: string
  /** Of its resource server; what all of them share is not in it. */
  readonly access: Omit<ResourceServerOptions, 'audit' | 'revocations'>
  /** Differs when anything of the access does, secrets included. */
  readonly accessKey: string
  readonly behind: BehindParts
  /** Differs when anything behind the gate does, secrets included. */
  readonly behindKey: string
  /** Whether `GET …/tools/list` and `POST …/tools/call` are served beside MCP. */
  readonly plainForm: boolean
}

/** What stands behind a gate. */
export type BehindParts =
  | { readonly kind: 'files'; readonly options: FilesOptions; readonly allowWeakOpener: boolean }
  | {
      readonly kind: 'upstream'
      readonly options: UpstreamOptions
      /** Whether clients of 2025 are served in sessions. */
      readonly sessions: boolean
    }
