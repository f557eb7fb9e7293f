import { X509Certificate } from 'node:crypto'
import type { JWK } from 'jose'
import { type Answer, failed } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import type { CertRow } from '../rows/small-rows.ts'

/** The key set of the instance: every cert of type x509, newest first, those without a date last. */
export function answerKeys(instance: Instance): Answer {
  const certs = instance.certs.all().filter(({ type }) => type === 'x509')
  return answerKeysOf(certs.toSorted(newestFirst))
}

function newestFirst(one: CertRow, other: CertRow): number {
  if (one.createdTime === other.createdTime) return 0
  return one.createdTime < other.createdTime ? 1 : -1
}

/** The key set of an application: its own cert's, or all where it has none that an administrator owns. */
export function answerApplicationKeys(instance: Instance, name: string): Answer {
  const application = instance.applications.get(`admin/${name}`)
  const cert = instance.certs.get(`admin/${application?.cert ?? ''}`)
  return cert === undefined ? answerKeys(instance) : answerKeysOf([cert])
}

/** One cert that cannot be read takes the whole set with it. */
function answerKeysOf(certs: readonly CertRow[]): Answer {
  const keys: JWK[] = []
  for (const cert of certs) {
    if (!cert.certificate.includes('-----BEGIN CERTIFICATE-----')) return { status: 500, body: '' }
    const key = publishCert(cert)
    if (key === undefined) return failed('x509: malformed certificate')
    keys.push(key)
  }
  return { status: 200, body: { keys } }
}

function publishCert(cert: CertRow): JWK | undefined {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(cert.certificate)
  } catch {
    return undefined
  }
  const { kty = '', crv, n, e, x, y } = certificate.publicKey.export({ format: 'jwk' })
  return {
    use: 'sig',
    kty,
    kid: cert.name,
    ...(crv !== undefined && { crv }),
    alg: cert.cryptoAlgorithm,
    ...(n !== undefined && { n }),
    ...(e !== undefined && { e }),
    ...(x !== undefined && { x }),
    ...(y !== undefined && { y }),
    x5c: [certificate.raw.toString('base64')],
  }
}
