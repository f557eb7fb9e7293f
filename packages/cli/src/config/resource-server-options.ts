import type {
  AuditSink,
  IssuerOptions,
  ResourceServerOptions,
  Rule,
  ScopeDefinition,
} from '@mcp-doorman/resource-server'
import { compileCondition } from './conditions.ts'
import type {
  Configuration,
  IssuerConfiguration,
  RuleConfiguration,
  ServerConfiguration,
} from './configuration.ts'
import { present } from './present.ts'

/** The secret that a reference names. */
export type FindSecret = (reference: string) => string

/** The options of the resource server in front of one server. What lives longer than it, the caller adds. */
export function resourceServerOptions(
  configuration: Pick<Configuration, 'issuers' | 'limit' | 'clockToleranceSeconds' | 'dpop'>,
  server: ServerConfiguration,
  audit: AuditSink,
  findSecret: FindSecret,
): ResourceServerOptions {
  const { dpop } = configuration
  return {
    resource: server.resource,
    resourceName: server.title,
    issuers: configuration.issuers.map((issuer) => issuerOptions(issuer, findSecret)),
    scopes: scopeOptions(server),
    challengeScopes: server.challenge,
    rules: server.rules.map(ruleOptions),
    callerLimit: configuration.limit,
    clockToleranceSeconds: configuration.clockToleranceSeconds,
    audit,
    ...(dpop !== undefined && {
      dpop: present({
        required: dpop.required,
        algorithms: dpop.algorithms,
        maxAgeSeconds: dpop.maxAge,
        nonce:
          dpop.nonce === undefined
            ? undefined
            : dpop.nonce === 'random'
              ? {}
              : { secret: findSecret(dpop.nonce) },
      }),
    }),
  }
}

/** An issuer as a resource server takes it. */
export function issuerOptions(issuer: IssuerConfiguration, findSecret: FindSecret): IssuerOptions {
  const { keepRemovedKeys: keepRemovedKeysSeconds, introspection: asked, ...same } = issuer
  const { cache: cacheSeconds, clientSecret, privateKey, clientId = '', ...others } = asked ?? {}
  const introspection =
    asked &&
    present({
      ...others,
      clientId,
      cacheSeconds,
      clientSecret: clientSecret === undefined ? undefined : findSecret(clientSecret),
      privateKey: privateKey === undefined ? undefined : findSecret(privateKey),
    })
  const common = present({ keepRemovedKeysSeconds, introspection })
  return 'casdoor' in same ? { ...present(same), ...common } : { ...present(same), ...common }
}

/** The scopes as a resource server takes them. */
export function scopeOptions({
  scopes,
}: Pick<ServerConfiguration, 'scopes'>): Readonly<Record<string, ScopeDefinition>> {
  return Object.fromEntries(Object.entries(scopes).map(([name, scope]) => [name, present(scope)]))
}

/**
 * A rule as a resource server takes it, with its condition compiled.
 *
 * @throws {TypeError} when the condition is none, which the check of a configuration has seen
 */
export function ruleOptions({ when, require, ...rule }: RuleConfiguration): Rule {
  const { authentication, ...members } = require ?? {}
  const condition = when === undefined ? undefined : compileCondition(when)
  if (condition?.ok === false) throw new TypeError(`The condition of ${rule.id} ${condition.message}`)
  return {
    ...present(rule),
    ...(require !== undefined && {
      require: {
        ...present(members),
        ...(authentication !== undefined && {
          authentication: present({
            acrValues: authentication.acrValues,
            maxAgeSeconds: authentication.maxAge,
          }),
        }),
      },
    }),
    ...(condition !== undefined && { when: condition.holds }),
  }
}
