import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/**
 * Text that clients keep for us and cannot read, change, or use for anything but what it was made for: cursors and the
 * state of calls that wait for input.
 */
export interface Sealed {
  /**
   * @param purpose - what the text is for, and for whom; `open` gives it back for exactly the same only
   */
  readonly seal: (purpose: string, value: unknown) => string
  /** `undefined` for text that was changed, made elsewhere, or made for another purpose. Never throws. */
  readonly open: (purpose: string, text: string) => unknown
}

const ivBytes = 12
const tagBytes = 16

/**
 * Seals with AES-256-GCM. The same value for the same purpose gives the same text, so that lists stay the same byte
 * for byte: the nonce is an HMAC of both, which also means that none is used twice for different texts.
 *
 * @param secret - at least 32 bytes; servers that answer for each other share it
 */
export function createSealed(secret: Uint8Array = randomBytes(32)): Sealed {
  const keyFor = (use: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', `doorman ${use}`, 32))
  const encryption = keyFor('encryption')
  const nonces = keyFor('nonces')
  return {
    seal: (purpose, value) => {
      const plain = Buffer.from(JSON.stringify(value))
      const context = Buffer.from(purpose)
      // The length keeps the border between the two apart.
      const iv = createHmac('sha256', nonces)
        .update(`${context.length}:`)
        .update(context)
        .update(plain)
        .digest()
        .subarray(0, ivBytes)
      const cipher = createCipheriv('aes-256-gcm', encryption, iv).setAAD(context)
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
    },
    open: (purpose, text) => {
      const bytes = Buffer.from(text, 'base64url')
      // Only one spelling of the same bytes is ours.
      if (bytes.length <= ivBytes + tagBytes || bytes.toString('base64url') !== text) return undefined
      try {
        const decipher = createDecipheriv('aes-256-gcm', encryption, bytes.subarray(0, ivBytes))
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
        const plain = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
        const value: unknown = JSON.parse(plain.toString('utf8'))
        return value
      } catch {
        return undefined
      }
    },
  }
}
