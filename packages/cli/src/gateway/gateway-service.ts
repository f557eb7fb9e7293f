import { createPrivateFile } from '@mcp-doorman/authorization-server'
import { startHttp, type HttpHandle, type Mount } from '@mcp-doorman/mcp-endpoint'
import {
  createMemoryReplayStore,
  createMemoryRevocations,
  createResourceServer,
  type AuditSink,
  type ReplayStore,
  type ResourceServer,
  type RevocationStore,
} from '@mcp-doorman/resource-server'
import { openRevocationFile } from '@mcp-doorman/resource-server/revocation-file'
import { openAdminListener, type AdminListener } from '../admin-listener.ts'
import { openAuditSink } from '../audit-sink.ts'
import { explainListenError } from '../failure.ts'
import { openBehind, type OpenBehind, type Surroundings } from './open-behind.ts'
import type { ServerParts } from './server-parts.ts'

export interface GatewayOptions {
  readonly host: string
  readonly port: number
  /** What to change when the port is taken. */
  readonly portOption: string
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  /** The folder for what outlives a run; undefined when nothing does. */
  readonly state: string | undefined
  /** Undefined for lines on standard error. */
  readonly auditFile: string | undefined
  /** Further files that no served directory may hold. */
  readonly private: Surroundings['private']
  readonly servers: readonly ServerParts[]
  readonly say: (line: string) => void
  /** What `doorman status` is told besides the servers. */
  readonly status?: () => Readonly<Record<string, unknown>>
}

/** Servers behind their gates, on one listener. */
export interface GatewayService {
  readonly port: number
  /**
   * Runs other servers from now on. All of them are built before one is changed; a request is judged and answered by
   * what was there when it came. What does not differ goes on as it is, processes and sessions included.
   *
   * @returns what differs
   * @throws {Error} (as a rejection) that says what to change; then nothing has changed
   */
  readonly apply: (servers: readonly ServerParts[]) => Promise<GatewayChanges>
  /** Why keys of issuers are not here; empty when all are. */
  readonly ready: () => Promise<readonly string[]>
  /** Ends everything: calls under way have the time that draining takes. */
  readonly close: () => Promise<void>
}

/** Names of servers. */
export interface GatewayChanges {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

interface Running {
  readonly parts: ServerParts
  readonly behind: OpenBehind
  readonly gate: ResourceServer
}

/** What lives as long as the service, whatever servers come and go. */
interface Shared {
  readonly audit: AuditSink
  readonly revocations: RevocationStore
  /** Outlives a change, or a proof could be used once more after it. */
  readonly replays: ReplayStore
  readonly admin: AdminListener | undefined
  readonly around: Surroundings
}

/** Builds and starts the whole. Undoes what it began when a step fails. */
export async function startGateway(options: GatewayOptions): Promise<GatewayService> {
  const { host, port } = options
  const shared = await openShared(options)
  let running: readonly Running[] = []
  let http: HttpHandle
  try {
    running = buildAll(options.servers, [], shared)
    http = await startHttp({
      mounts: running.map(mountOf),
      host,
      port,
      allowedHosts: options.allowedHosts,
      allowedOrigins: options.allowedOrigins,
    }).catch((error: unknown) => {
      throw explainListenError(error, host, port, options.portOption)
    })
  } catch (error) {
    await closeParts(running, [])
    await closeShared(shared)
    throw error
  }
  const retiring = new Set<Promise<void>>()
  const anyGate = (): ResourceServer => {
    const [first] = running
    if (first === undefined) throw new Error('Nothing is served.')
    return first.gate
  }
  shared.admin?.serve(
    // They share their issuers and their revocations, so each speaks for all.
    { revoke: (wish) => anyGate().revoke(wish), revocations: () => anyGate().revocations() },
    () => ({ ...options.status?.(), servers: running.map(describe) }),
  )

  return {
    port: http.port,
    apply: async (servers) => {
      const before = running
      const next = buildAll(servers, before, shared)
      const ended = http.replace(next.map(mountOf))
      try {
        // A mistake is told at once; that everything of before has ended takes as long as it takes.
        await Promise.race([ended, new Promise(setImmediate)])
      } catch (error) {
        await closeParts(next, before)
        throw error
      }
      running = next
      const closed = ended.then(() => closeParts(before, next)).finally(() => retiring.delete(closed))
      retiring.add(closed)
      return changesBetween(before, next)
    },
    ready: async () => {
      const problems = await Promise.all(running.map(({ gate }) => gate.ready()))
      return [...new Set(problems.flat())]
    },
    close: async () => {
      await http.close()
      await Promise.all(retiring)
      await closeParts(running, [])
      await closeShared(shared)
    },
  }
}

async function openShared(options: GatewayOptions): Promise<Shared> {
  const { state, auditFile } = options
  // Before anything in the folder is opened: it makes sure that no other server has.
  const admin = state === undefined ? undefined : await openAdminListener(state)
  try {
    const outside = [
      ...options.private,
      ...(state === undefined ? [] : [{ path: state, name: 'state' }]),
      ...(auditFile === undefined ? [] : [{ path: auditFile, name: 'audit' }]),
    ]
    return {
      audit: openAuditSink(auditFile),
      revocations:
        state === undefined
          ? createMemoryRevocations()
          : openRevocationFile(createPrivateFile(state, 'revocations.jsonl')),
      replays: createMemoryReplayStore(),
      admin,
      around: { host: options.host, private: outside, say: options.say },
    }
  } catch (error) {
    await admin?.close()
    throw error
  }
}

async function closeShared({ audit, revocations, replays, admin }: Shared): Promise<void> {
  await admin?.close()
  await replays.close()
  await revocations.close()
  await audit.close()
}

/** Builds every server, with what goes on of those before. Undoes what it began when one cannot be built. */
function buildAll(
  servers: readonly ServerParts[],
  before: readonly Running[],
  shared: Shared,
): readonly Running[] {
  const built: Running[] = []
  try {
    for (const parts of servers) {
      const old = before.find(({ parts: { name } }) => name === parts.name)
      const behind = old?.parts.behindKey === parts.behindKey ? old.behind : openBehind(parts, shared.around)
      try {
        const gate = old?.parts.accessKey === parts.accessKey ? old.gate : createGate(parts, shared)
        built.push({ parts, behind, gate })
      } catch (error) {
        if (behind !== old?.behind) void behind.close()
        throw error
      }
    }
    return built
  } catch (error) {
    void closeParts(built, before)
    throw error
  }
}

const stays = (): Promise<void> => Promise.resolve()

/** A resource server that closes nothing of what it shares with others. */
function createGate({ name, access }: ServerParts, { audit, revocations, replays }: Shared): ResourceServer {
  const { dpop } = access
  // A record is a JSON object, and says which server it is of.
  const ending = `,"server":${JSON.stringify(name)}}`
  return createResourceServer({
    ...access,
    ...(dpop !== undefined && { dpop: { ...dpop, replays: { ...replays, close: stays } } }),
    audit: { ...audit, write: (line) => audit.write(line.slice(0, -1) + ending), close: stays },
    revocations: { ...revocations, close: stays },
  })
}

function mountOf({ parts, behind, gate }: Running): Mount {
  return {
    endpoint: behind.endpoint,
    resourceServer: gate,
    plainForm: parts.plainForm,
    ...behind.mounting,
  }
}

function describe({ parts, behind }: Running): Readonly<Record<string, unknown>> {
  return { name: parts.name, resource: parts.access.resource, ...behind.status() }
}

/** Closes what is in the one list and not in the other: at once, since each may take the seconds of a stubborn process. */
async function closeParts(these: readonly Running[], others: readonly Running[]): Promise<void> {
  const closing = these.map(async ({ behind, gate }) => {
    if (!others.some((other) => other.gate === gate)) await gate.close()
    if (!others.some((other) => other.behind === behind)) await behind.close()
  })
  await Promise.all(closing)
}

function changesBetween(before: readonly Running[], after: readonly Running[]): GatewayChanges {
  const nameOf = ({ parts: { name } }: Running): string => name
  const old = (name: string): Running | undefined => before.find((one) => nameOf(one) === name)
  const differs = ({ parts, behind, gate }: Running): boolean => {
    const was = old(parts.name)
    return was !== undefined && (was.behind !== behind || was.gate !== gate)
  }
  return {
    added: after.map(nameOf).filter((name) => old(name) === undefined),
    changed: after.filter(differs).map(nameOf),
    removed: before.map(nameOf).filter((name) => !after.some((one) => nameOf(one) === name)),
  }
}
