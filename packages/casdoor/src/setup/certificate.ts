import { textOf, type CasdoorRecord, type Certificate } from '../records.ts'
import { planAddition, type ObjectPlan } from './plan.ts'

/** Algorithms that both Casdoor signs with and resource servers take. */
const signingAlgorithms: readonly string[] = ['RS256', 'RS512', 'ES256', 'ES384', 'ES512']

/** Why tokens that are signed with a certificate could not be verified; undefined when they can. */
export function certificateMistake(certificate: Certificate): string | undefined {
  if (certificate.type !== 'x509') {
    return `is of type ${certificate.type || 'none'}, and only those of type x509 are published`
  }
  if (!certificate.certificate.includes('-----BEGIN CERTIFICATE-----')) return 'holds no certificate'
  if (!signingAlgorithms.includes(certificate.cryptoAlgorithm)) {
    return `is for ${certificate.cryptoAlgorithm || 'no algorithm'}, which resource servers do not take`
  }
  return undefined
}

/** What an application has to know of the certificate that it signs with. */
export interface SigningCertificate {
  readonly name: string
  readonly cryptoAlgorithm: string
}

/** Plans a certificate: it is made, with a pair of Casdoor's; one that is there is never changed. */
export function planCertificate(name: string, current: Certificate | undefined): ObjectPlan {
  if (current !== undefined) {
    return { kind: 'certificate', name, action: 'keep', changes: [], notices: [], body: {} }
  }
  return planAddition('certificate', name, newCertificate(name))
}

/** What is known of it, also before it is made. */
export function signingCertificate(name: string, current: Certificate | undefined): SigningCertificate {
  return {
    name,
    cryptoAlgorithm: current?.cryptoAlgorithm ?? textOf(newCertificate(name), 'cryptoAlgorithm'),
  }
}

/** RS256, since every client and server takes it. */
function newCertificate(name: string): CasdoorRecord {
  return {
    owner: 'admin',
    name,
    displayName: name,
    scope: 'JWT',
    type: 'x509',
    cryptoAlgorithm: 'RS256',
    bitSize: 2048,
    expireInYears: 10,
  }
}
