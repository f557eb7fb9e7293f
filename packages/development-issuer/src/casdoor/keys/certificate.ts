import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { der } from './der.ts'

/** A key and a certificate that it signed itself, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly privateKey: string
}

export interface CertificateFacts {
  readonly organization: string
  readonly commonName: string
  /** Epoch seconds. */
  readonly from: number
  readonly years: number
}

// The encoded bytes of the object ids that a certificate names.
const organizationName = der.objectId('55040a')
const commonName = der.objectId('550403')
const basicConstraints = der.objectId('551d13')
const ecdsaWithSha256 = der.sequence(der.objectId('2a8648ce3d040302'))
const sha256WithRsa = der.sequence(der.objectId('2a864886f70d01010b'), der.null)

const generate = promisify(generateKeyPair)

/** Makes the pair of a cert whose `cryptoAlgorithm` and `bitSize` these are. */
export async function generateCert(
  algorithm: string,
  bits: number,
  facts: CertificateFacts,
): Promise<KeyPair> {
  const curve = curves[algorithm]
  const { privateKey } =
    curve === undefined
      ? await generate('rsa', { modulusLength: bits === 0 ? 2048 : bits })
      : await generate('ec', { namedCurve: curve })
  return certify(privateKey, facts)
}

const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

/** Wraps a key into the certificate that Casdoor would have made for it. */
export function certify(privateKey: KeyObject, facts: CertificateFacts): KeyPair {
  const algorithm = privateKey.asymmetricKeyType === 'ec' ? ecdsaWithSha256 : sha256WithRsa
  const name = der.sequence(
    der.set(der.sequence(organizationName, der.text(facts.organization))),
    der.set(der.sequence(commonName, der.text(facts.commonName))),
  )
  const end = new Date(facts.from * 1000)
  end.setUTCFullYear(end.getUTCFullYear() + facts.years)
  const noAuthority = der.sequence(basicConstraints, der.true, der.octetString(der.sequence()))
  const body = der.sequence(
    der.explicit(0, der.integer(2)), // X.509 version 3.
    der.integer(123_456),
    algorithm,
    name,
    der.sequence(der.time(facts.from), der.time(end.getTime() / 1000)),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(noAuthority)),
  )
  const certificate = der.sequence(body, algorithm, der.bitString(sign('sha256', body, privateKey)))
  return {
    certificate: toPem('CERTIFICATE', certificate),
    privateKey: exportPrivateKey(privateKey),
  }
}

function exportPrivateKey(key: KeyObject): string {
  // Without an encoding for bytes, `export` gives text.
  return key.export({ type: key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs1', format: 'pem' }) as string
}

function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** The key of a cert that may have been edited by hand. */
export function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
