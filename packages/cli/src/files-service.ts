import { createPrivateFile } from '@mcp-doorman/authorization-server'
import { FileFailure, openFilesRoot, type FilesServer } from '@mcp-doorman/files'
import { createEndpoint, isLoopbackName, startHttp, type Endpoint } from '@mcp-doorman/mcp-endpoint'
import {
  createResourceServer,
  type DpopOptions,
  type IssuerOptions,
  type Rate,
  type ResourceServer,
} from '@mcp-doorman/resource-server'
import { openRevocationFile } from '@mcp-doorman/resource-server/revocation-file'
import { openAuditSink } from './audit-sink.ts'
import { openAdminListener, type AdminListener } from './admin-listener.ts'
import { explainListenError, UsageError } from './failure.ts'
import { filesAccess } from './files-access.ts'
import { keepOutside } from './keep-outside.ts'
import { checkRootOptions, type RootOptions } from './root-options.ts'
import { version } from './version.ts'

/** What every files server is made from, whatever its transport. */
export interface FilesOptions extends RootOptions {
  readonly directory: string
}

export interface FilesServiceOptions extends FilesOptions {
  readonly host: string
  readonly port: number
  readonly portOption: string
  readonly resource: string
  readonly issuers: readonly IssuerOptions[]
  /** Undefined when proofs of possession are not taken. */
  readonly dpop: DpopOptions | undefined
  /** The folder for what outlives a run; undefined when nothing does. */
  readonly state: string | undefined
  readonly limit: Rate | 'off'
  /** Undefined for lines on standard error. */
  readonly auditFile: string | undefined
  readonly allowWeakOpener: boolean
}

/** A files server that listens. */
export interface FilesService {
  readonly port: number
  readonly opener: FilesServer['opener']
  readonly resourceServer: ResourceServer
  readonly close: () => Promise<void>
}

/** Largest body of a request to a files server: a written file of 5 MiB is 6.7 MiB as base64. */
export const maxFilesBodyBytes: number = 8 * 1024 * 1024

/** Opens the directory and puts an endpoint over it. Knows nothing of tokens. */
export function openFiles(options: FilesOptions): {
  readonly files: FilesServer
  readonly endpoint: Endpoint
} {
  const files = openRoot(options)
  const endpoint = createEndpoint({
    name: 'doorman-files',
    title: 'Doorman files',
    version,
    instructions:
      'Files below one directory. Paths are relative, with "/" between names; the directory itself is "". List before reading what you do not know.',
    tools: files.tools,
    templates: [files.template],
    resourcesChange: true,
    sameListForAll: true,
    onFailure: ({ name }, error) => {
      // What a file is, or how busy its reader, is no fault of this server.
      if (error instanceof FileFailure) return
      process.stderr.write(
        `${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      )
    },
  })
  files.onChange(({ uri, concerns }) => endpoint.resourceUpdated(uri, concerns))
  return { files, endpoint }
}

function openRoot(options: FilesOptions): FilesServer {
  const { directory, perUser, readOnly, deny, quota, quotaFiles, skeleton } = options
  checkRootOptions(options)
  try {
    return openFilesRoot({
      directory,
      perUser,
      readOnly,
      deny,
      skeleton,
      ...(quota !== undefined && { quotaBytes: quota }),
      ...(quotaFiles !== undefined && { quotaEntries: quotaFiles }),
      // Whether the weaker opener is acceptable depends on who can reach the server, which the command judges.
      allowWeakOpener: true,
    })
  } catch (error) {
    // Only a pattern can still be wrong in itself.
    if (error instanceof TypeError) throw new UsageError(error.message.replace(/^openFilesRoot: /, '--'))
    throw error
  }
}

/** Builds and starts the whole: directory, endpoint, resource server, HTTP. Undoes what it began when a step fails. */
export async function startFilesService(options: FilesServiceOptions): Promise<FilesService> {
  const { host, port, portOption } = options
  if (options.auditFile !== undefined) keepOutside(options.directory, options.auditFile, '--audit')
  const { files, endpoint } = openFiles(options)
  let resourceServer: ResourceServer | undefined
  let admin: AdminListener | undefined
  try {
    if (files.opener === 'realpath' && !isLoopbackName(host) && !options.allowWeakOpener) {
      throw new UsageError(
        'This system has no /proc, so files are opened by a weaker way, which a local account that swaps links at the right moment can lead astray. On an address that others can reach, add --allow-weak-opener if nobody else can write below the directory.',
      )
    }
    // Before anything in the folder is opened: it makes sure that no other server has.
    admin = options.state === undefined ? undefined : await openAdminListener(options.state)
    resourceServer = createFilesResourceServer(options)
    const mounts = [{ endpoint, resourceServer, maxBodyBytes: maxFilesBodyBytes }]
    const http = await startHttp({ mounts, host, port }).catch((error: unknown) => {
      throw explainListenError(error, host, port, portOption)
    })
    const opened = resourceServer
    const listening = admin
    listening?.serve(opened)
    return {
      port: http.port,
      opener: files.opener,
      resourceServer: opened,
      close: async () => {
        await http.close()
        await listening?.close()
        await opened.close()
        await files.close()
      },
    }
  } catch (error) {
    await admin?.close()
    await resourceServer?.close()
    await files.close()
    throw error
  }
}

function createFilesResourceServer(options: FilesServiceOptions): ResourceServer {
  const { scopes, challenge, rules } = filesAccess(options.readOnly)
  const audit = openAuditSink(options.auditFile)
  try {
    const { dpop, state } = options
    return createResourceServer({
      ...(dpop !== undefined && { dpop }),
      ...(state !== undefined && {
        revocations: openRevocationFile(createPrivateFile(state, 'revocations.jsonl')),
      }),
      resource: options.resource,
      resourceName: 'Doorman files',
      issuers: options.issuers,
      scopes,
      challengeScopes: challenge,
      rules,
      callerLimit: options.limit,
      audit,
    })
  } catch (error) {
    void audit.close()
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
}
