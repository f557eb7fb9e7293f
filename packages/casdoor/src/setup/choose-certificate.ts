import { builtInApplication } from '../administrator.ts'
import type { CasdoorApi } from '../api.ts'
import { done, failed, type Result } from '../problems.ts'
import { textOf, type CasdoorRecord, type Certificate } from '../records.ts'
import { certificateMistake } from './certificate.ts'

/** The certificate that a fresh Casdoor makes, and uses for every application without one. */
export const defaultCertificate = 'cert-built-in'

/** The certificate that an application gets when it has none of its own. */
export function dedicatedCertificateName(application: string): string {
  return `cert-${application}`
}

export interface ChosenCertificate {
  readonly name: string
  /** Undefined when it has to be made. */
  readonly current: Certificate | undefined
}

const mostNames = 9

/**
 * Chooses the certificate to sign with: the one that the application has, when it is good and nobody else in the
 * organization uses it; else one of the application's own, with a number where the name is taken for something else.
 *
 * With a common one, tokens of the others would have good signatures wherever only keys are looked at.
 */
export async function chooseCertificate(
  api: CasdoorApi,
  application: CasdoorRecord | undefined,
  { name, organization }: { readonly name: string; readonly organization: string },
): Promise<Result<ChosenCertificate>> {
  const present = application === undefined ? '' : textOf(application, 'cert')
  const dedicated = dedicatedCertificateName(name)
  const own = [dedicated, ...Array.from({ length: mostNames - 1 }, (_, index) => `${dedicated}-${index + 2}`)]
  const candidates = present === '' ? own : [present, ...own.filter((candidate) => candidate !== present)]

  const neighbours = await api.readApplications(organization)
  if (!neighbours.ok) return neighbours
  const others = neighbours.value.filter((other) => textOf(other, 'name') !== name)
  for (const candidate of candidates) {
    if (usersOf(candidate, others).length > 0) continue
    const current = await api.readCertificate(candidate)
    if (!current.ok) return current
    // Only names of ours are given to new ones.
    const isUsable =
      current.value === undefined ? own.includes(candidate) : certificateMistake(current.value) === undefined
    if (isUsable) return done({ name: candidate, current: current.value })
  }
  return failed(
    'in_the_way',
    `Every certificate from ${dedicated} to ${dedicated}-${mostNames} is there already and cannot be used, or signs for another application. Remove or rename one at Certs.`,
  )
}

/** The names of those applications that sign with a certificate. */
export function usersOf(certificate: string, applications: readonly CasdoorRecord[]): readonly string[] {
  if (certificate === defaultCertificate) return [builtInApplication]
  return applications
    .filter((application) => textOf(application, 'cert') === certificate)
    .map((application) => textOf(application, 'name'))
}
