import type { Rate } from '@mcp-doorman/resource-server'
import type * as z from 'zod'
import type { casdoorIssuer, standardIssuer } from './issuer-schema.ts'
import type { expectation, rule, scope } from './rule-schema.ts'
import type { outline } from './schema.ts'
import type { commandServer, filesServer, urlServer } from './server-schema.ts'

/** What is behind the gate, as runtime code sees it: checked, complete, frozen, and without a secret in it. */
export interface Configuration {
  /** The origin of every resource. */
  readonly origin: string
  readonly listen: {
    readonly host: string
    readonly port: number
    readonly allowedHosts: readonly string[]
    readonly allowedOrigins: readonly string[]
  }
  /** Absolute. */
  readonly state: string | undefined
  /** Absolute. */
  readonly audit: string | undefined
  readonly limit: Rate | 'off'
  readonly clockToleranceSeconds: number
  readonly dpop: DpopConfiguration | undefined
  readonly issuers: readonly IssuerConfiguration[]
  readonly servers: readonly ServerConfiguration[]
}

/** What a schema gives, as nobody can change it. */
type Frozen<Value> = Value extends readonly (infer Member)[]
  ? readonly Frozen<Member>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: Frozen<Value[Name]> }
    : Value
type Read<Schema> = Frozen<z.output<Schema>>

export type DpopConfiguration = NonNullable<Read<typeof outline>['dpop']>
export type IssuerConfiguration = Read<typeof standardIssuer> | Read<typeof casdoorIssuer>
export type RuleConfiguration = Read<typeof rule> & { readonly id: string }
export type ScopeConfiguration = Read<typeof scope>
export type Expectation = Read<typeof expectation>

/** One server: its gate, and what stands behind it. */
export interface ServerConfiguration {
  readonly name: string
  readonly title: string
  /** What tokens are for, byte for byte. */
  readonly resource: string
  readonly path: string
  readonly plainForm: boolean
  readonly scopes: Readonly<Record<string, ScopeConfiguration>>
  readonly challenge: readonly string[]
  readonly rules: readonly RuleConfiguration[]
  readonly expect: readonly Expectation[]
  readonly behind: Behind
}

export type CommandBehind = { readonly kind: 'command' } & Pick<
  Read<typeof commandServer>,
  'command' | 'environment' | 'workingDirectory' | 'shared' | 'sessions' | 'limits'
>
export type UrlBehind = { readonly kind: 'url' } & Pick<
  Read<typeof urlServer>,
  'url' | 'bearer' | 'headers' | 'allowPlainHttp' | 'shared' | 'sessions' | 'limits'
>
export type FilesBehind = { readonly kind: 'files' } & Pick<
  Read<typeof filesServer>,
  'files' | 'perUser' | 'readOnly' | 'deny' | 'quota' | 'quotaFiles' | 'skeleton' | 'allowWeakOpener'
>
/** What stands behind a gate. */
export type Behind = CommandBehind | UrlBehind | FilesBehind
