import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { changeJson, type Interceptor } from '../interception/exchange.ts'
import { defineFault, type FaultKind, type FaultTools } from './fault-kind.ts'

type PublishedKeys = readonly Readonly<Record<string, unknown>>[]

export const keysRotated: FaultKind = defineFault({
  group: 'keys',
  title: 'begins to sign with a new key, once, when this is switched on',
  causes: ['CF52'],
  parameters: {},
  async open(_values, { engine }) {
    await engine.rotateKeys()
    return {}
  },
})

export const keysReplaced: FaultKind = defineFault({
  group: 'keys',
  title: 'puts another key under the id of the one that signs, once, when this is switched on',
  causes: ['CF52'],
  parameters: {},
  async open(_values, { engine }) {
    await engine.replaceKeyUnderSameId()
    return {}
  },
})

export const keysRemoved: FaultKind = defineFault({
  group: 'keys',
  title: 'does not publish the key that it signs with',
  causes: ['CF52'],
  parameters: {
    others: {
      kind: 'choice',
      values: ['kept', 'removed'],
      initial: 'kept',
      says: 'what becomes of its other keys',
    },
  },
  open: ({ others }, tools) =>
    changingKeys(tools, (keys, kid) =>
      others === 'removed' ? [] : keys.filter((key) => key['kid'] !== kid),
    ),
})

export const keysDoubled: FaultKind = defineFault({
  group: 'keys',
  title: "publishes a stranger's key under the same id, before its own",
  causes: ['CF52'],
  parameters: {},
  open(_values, tools) {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    return changingKeys(tools, (keys, kid) =>
      keys.flatMap((key) =>
        key['kid'] === kid ? [{ ...stranger, use: 'sig', kid, alg: key['alg'] ?? 'RS256' }, key] : [key],
      ),
    )
  },
})

export const keysWeak: FaultKind = defineFault({
  group: 'keys',
  title: 'signs with an RSA key of 1024 bits, and publishes it beside its others',
  causes: ['CF52'],
  parameters: {},
  open(_values, tools) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const kid = randomBytes(9).toString('base64url')
    const published = { ...publicKey.export({ format: 'jwk' }), use: 'sig', kid, alg: 'RS256' }
    return {
      ...changingKeys(tools, (keys) => [published, ...keys]),
      token: (draft) => ({
        ...draft,
        header: { ...draft.header, alg: 'RS256', kid },
        sign: (claims, header) => signRsa(privateKey, claims, header),
      }),
    }
  },
})

export const tokenForged: FaultKind = defineFault({
  group: 'keys',
  title: 'hands out tokens that are not signed by a key of its own',
  causes: ['CF52'],
  parameters: {
    by: {
      kind: 'choice',
      values: ['stranger', 'nobody'],
      initial: 'stranger',
      says: 'who signs; nobody is alg none',
    },
  },
  open({ by }) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    return {
      token: (draft) =>
        by === 'nobody'
          ? {
              ...draft,
              header: { ...draft.header, alg: 'none' },
              sign: (claims, header) => `${encode(header)}.${encode(claims)}.`,
            }
          : {
              ...draft,
              header: { ...draft.header, alg: 'RS256' },
              sign: (claims, header) => signRsa(privateKey, claims, header),
            },
    }
  },
})

/** Changes the published keys; told which one signs. */
function changingKeys(
  { engine }: FaultTools,
  change: (keys: PublishedKeys, signingKid: unknown) => PublishedKeys,
): Interceptor {
  return {
    async answer(answer, { endpoint }) {
      if (endpoint !== 'jwks') return answer
      const [header = ''] = (await engine.sign({})).split('.', 1)
      const { kid }: { kid?: unknown } = JSON.parse(Buffer.from(header, 'base64url').toString())
      return changeJson(answer, (document) => {
        const keys: unknown = document['keys']
        return { ...document, keys: Array.isArray(keys) ? change(keys, kid) : keys }
      })
    },
  }
}

/** Signs as no library would: jose refuses short keys, and rightly. */
function signRsa(
  key: KeyObject,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>>,
): string {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
