import { createPrivateKey, generateKeyPair, randomBytes, type JsonWebKey } from 'node:crypto'
import { promisify } from 'node:util'
import { CompactSign } from 'jose'
import { readPrivateFile, writePrivateFile } from './state-folder.ts'

/** A private RSA key as a JSON Web Key, with the members that oidc-provider selects by. */
export interface SigningKey extends JsonWebKey {
  readonly kty: 'RSA'
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'RS256'
}

/** The keys that tokens are signed with. The first one signs; the others are still published. */
export interface SigningKeys {
  current(): readonly SigningKey[]
  /** Signs claims as they are; `header` adds to the protected header of access tokens or replaces in it. */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** A new key signs from now on; tokens that older keys signed stay verifiable. */
  rotate(): Promise<void>
  /**
   * Another key takes the place and the `kid` of the one that signs, as issuers do that were restored or reinstalled.
   * Tokens signed before can no longer be verified.
   */
  replaceUnderSameId(): Promise<void>
}

const fileName = 'signing-keys.json'
/** With a rotation a day and tokens that live for an hour, three would do. */
const mostKeys = 4

/** @throws {Error} when the file is there and is not what {@link rotate} once wrote */
export async function loadSigningKeys(folder: string | undefined): Promise<SigningKeys> {
  let keys = folder === undefined ? undefined : readKeys(folder)
  if (keys === undefined) change([await generateKey(newKeyId())])

  function change(changed: readonly SigningKey[]): void {
    if (folder !== undefined) writePrivateFile(folder, fileName, JSON.stringify({ keys: changed }))
    keys = changed
  }
  const current = (): readonly SigningKey[] => keys ?? []

  return {
    current,
    async sign(claims, header) {
      const [key] = current()
      if (key === undefined) throw new Error('There is no key to sign with.')
      return new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header })
        .sign(createPrivateKey({ key, format: 'jwk' }))
    },
    async rotate() {
      const added = await generateKey(newKeyId())
      change([added, ...current()].slice(0, mostKeys))
    },
    async replaceUnderSameId() {
      const [replaced, ...others] = current()
      const added = await generateKey(replaced?.kid ?? newKeyId())
      change([added, ...others])
    },
  }
}

/** The secret behind signed cookies and form tokens: 32 bytes in base64url. */
export function loadCookieKey(folder: string | undefined): string {
  const name = 'cookie-key'
  const kept = folder === undefined ? undefined : readPrivateFile(folder, name)?.trim()
  if (kept !== undefined && /^[\w-]{43}$/.test(kept)) return kept
  const created = randomBytes(32).toString('base64url')
  if (folder !== undefined) writePrivateFile(folder, name, `${created}\n`)
  return created
}

function readKeys(folder: string): readonly SigningKey[] | undefined {
  const text = readPrivateFile(folder, fileName)
  if (text === undefined) return undefined
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    document = undefined
  }
  const keys: unknown =
    typeof document === 'object' && document !== null && 'keys' in document ? document.keys : undefined
  if (Array.isArray(keys) && keys.length > 0 && keys.every(isSigningKey)) return keys
  throw new Error(
    `${fileName} in ${folder} does not hold signing keys. Restore it from a copy, or delete it: then a new key is ` +
      'made at the next start, and every token issued so far stops working.',
  )
}

function isSigningKey(key: unknown): key is SigningKey {
  if (typeof key !== 'object' || key === null) return false
  return (
    'kty' in key &&
    key.kty === 'RSA' &&
    'alg' in key &&
    key.alg === 'RS256' &&
    'kid' in key &&
    typeof key.kid === 'string' &&
    'd' in key &&
    typeof key.d === 'string'
  )
}

const newKeyId = (): string => randomBytes(9).toString('base64url')

async function generateKey(kid: string): Promise<SigningKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kty: 'RSA', kid, use: 'sig', alg: 'RS256' }
}
