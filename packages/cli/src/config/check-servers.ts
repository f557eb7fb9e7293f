import { scopesOfTools } from '@mcp-doorman/files'
import { isLoopbackName } from '@mcp-doorman/mcp-endpoint'
import { closestName } from '@mcp-doorman/resource-server'
import { secretReference } from '../secret-reference.ts'
import type { CommandBehind, FilesBehind, ServerConfiguration, UrlBehind } from './configuration.ts'
import type { Problem } from './problems.ts'

/** What is wrong with a server, apart from who may use it. */
export function checkServer(
  server: ServerConfiguration,
  origin: string,
  leftOut: ReadonlySet<string>,
): readonly Problem[] {
  const { name, path, behind } = server
  const problems: Problem[] = []
  const say = (field: readonly (string | number)[], message: string, at?: 'key'): void => {
    problems.push({ path: ['servers', name, ...field], message, ...(at !== undefined && { at }) })
  }
  if (!/^[A-Za-z0-9][\w-]{0,63}$/.test(name)) {
    say(
      [],
      'must be a name of letters, digits, "-" and "_", at most 64, that begins with a letter or digit.',
      'key',
    )
  }
  if (!path.startsWith('/')) say(['path'], 'must begin with "/", as /notes/mcp.')
  else if (path !== '/' && path.endsWith('/')) {
    say(['path'], 'must not end in a slash: clients compare addresses byte for byte. Remove the slash.')
  } else if (path === '/' || /[?#]/.test(path)) say(['path'], 'must be a path alone, as /notes/mcp.')
  else if (/^\/(?:\.well-known|tools)(?:\/|$)/.test(path)) {
    say(['path'], 'is where documents and the plain form stand. Choose another, as /notes/mcp.')
  } else if (URL.canParse(origin + path) && new URL(origin + path).pathname !== path) {
    say(['path'], `is not in its normal form. Write ${new URL(origin + path).pathname}.`)
  }
  switch (behind.kind) {
    case 'command':
      checkCommand(behind, say)
      break
    case 'url':
      checkUrl(behind, say)
      break
    case 'files':
      // What does not go together can only be told of all of it.
      if (leftOut.size === 0) checkFiles(behind, server, say)
      break
  }
  return problems
}

type Say = (field: readonly (string | number)[], message: string, at?: 'key') => void

const reference =
  'looks like a secret, and this file is there to be shown. Write env:NAME or file:PATH, where it is.'
const secretName =
  /(?:^|[-_])(?:secret|token|password|passwd|credentials?|api[-_]?key|private[-_]?key|authorization|cookie)s?(?:$|[-_])/i

/** A value that may be a reference, and must be one where its name says that it is a secret. */
function checkValue(field: readonly [string, string], value: string, say: Say): void {
  if (/^(?:env|file):$/.test(value)) say(field, 'names nothing after the colon. Write env:NAME or file:PATH.')
  else if (secretName.test(field[1]) && !secretReference.test(value)) say(field, reference)
}

function checkCommand({ environment = {} }: CommandBehind, say: Say): void {
  for (const [name, value] of Object.entries(environment)) {
    checkValue(['environment', name], value, say)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      say(['environment', name], 'is no name of a variable: letters, digits and "_" only.', 'key')
    }
    if (value.includes('\0')) say(['environment', name], 'has a NUL in it, which no variable can have.')
  }
}

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const headerValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
/** What this server says itself, or what the connection is made of. */
const ownHeaders: ReadonlySet<string> = new Set([
  'accept',
  'connection',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function checkUrl({ url, bearer, headers = {}, allowPlainHttp }: UrlBehind, say: Say): void {
  checkUpstreamUrl(url, allowPlainHttp, say)
  for (const [name, value] of Object.entries(headers)) {
    const low = name.toLowerCase()
    checkValue(['headers', name], value, say)
    if (!headerName.test(name)) say(['headers', name], 'is no name of a header.', 'key')
    if (!headerValue.test(value)) say(['headers', name], 'must be visible ASCII, without spaces at its ends.')
    if (ownHeaders.has(low) || /^(?:mcp|proxy)-/.test(low))
      say(['headers', name], 'is set by the gateway itself. Remove it.', 'key')
    if (low === 'authorization' && bearer !== undefined) {
      say(['headers', name], 'does not go with bearer, which is that header. Remove one of the two.', 'key')
    }
  }
}

function checkUpstreamUrl(url: string, allowPlainHttp: boolean | undefined, say: Say): void {
  if (!URL.canParse(url)) {
    say(['url'], 'is no URL. Write it as https://notes.internal.example.com/mcp.')
    return
  }
  const { protocol, hostname, username, password, hash } = new URL(url)
  const isOpen = protocol === 'http:' && !isLoopbackName(hostname.replace(/^\[|\]$/g, ''))
  if (protocol !== 'https:' && protocol !== 'http:') say(['url'], 'must be https or http.')
  else if (isOpen && allowPlainHttp !== true) {
    say(
      ['url'],
      'must be https: plain http is for loopback. Where nobody else is on the way, add "allowPlainHttp: true".',
    )
  } else if (!isOpen && allowPlainHttp !== undefined) {
    say(['allowPlainHttp'], 'has no effect on this url. Remove it.', 'key')
  }
  if (username !== '' || password !== '') {
    say(['url'], 'must have no user and password. Say the secret by bearer or headers.')
  }
  if (hash !== '') say(['url'], 'must have no fragment. Remove what begins with "#".')
}

function checkFiles(behind: FilesBehind, { rules }: ServerConfiguration, say: Say): void {
  const { perUser = false, readOnly = false, skeleton, quota, quotaFiles } = behind
  if (skeleton !== undefined && !perUser) {
    say(['skeleton'], 'has no effect without "perUser: true". Add it, or remove this.', 'key')
  }
  if (readOnly) {
    for (const [field, value] of Object.entries({ skeleton, quota, quotaFiles })) {
      if (value === undefined || (field === 'skeleton' && !perUser)) continue
      say(
        [field],
        'has no effect with "readOnly: true", where nothing is written. Remove one of the two.',
        'key',
      )
    }
  }
  const tools = [...scopesOfTools.keys()]
  for (const [place, rule] of rules.entries()) {
    for (const [index, tool] of (rule.tools ?? []).entries()) {
      if (tool.includes('*') || tools.includes(tool)) continue
      const meant = closestName(tool, tools)
      say(
        ['rules', place, 'tools', index],
        meant === undefined
          ? `is no tool of files; there are ${tools.join(', ')}.`
          : `is no tool of files. Did you mean "${meant}"?`,
      )
    }
    if (rule.prompts !== undefined)
      say(['rules', place, 'prompts'], 'has no effect: files have no prompts.', 'key')
  }
}
