import type { CasdoorApi } from '../api.ts'
import { done, type Result } from '../problems.ts'
import type { CasdoorRecord } from '../records.ts'
import { planCertificate, signingCertificate } from './certificate.ts'
import { chooseCertificate } from './choose-certificate.ts'
import type { WantedState } from './options.ts'
import { planApplication } from './plan-application.ts'
import { planOrganization, planUser } from './plan-people.ts'
import type { ObjectPlan } from './plan.ts'

/** One object: what is to become of it, and how that is done and looked at afterwards. */
export interface Step {
  readonly plan: ObjectPlan
  readonly write: () => Promise<Result<undefined>>
  readonly readBack: () => Promise<Result<CasdoorRecord | undefined>>
}

export interface PlannedSteps {
  /** In the order in which they have to be done. */
  readonly steps: readonly Step[]
  /** The application as it is now. */
  readonly application: CasdoorRecord | undefined
}

/** Reads all there is and plans all there is to do, so that what stands in the way is seen before anything is written. */
export async function planSteps(api: CasdoorApi, wanted: WantedState): Promise<Result<PlannedSteps>> {
  const organization = await api.readOrganization(wanted.organization)
  if (!organization.ok) return organization
  const application = await api.readApplication(wanted.application)
  if (!application.ok) return application
  const chosen = await chooseCertificate(api, application.value, {
    name: wanted.application,
    organization: wanted.organization,
  })
  if (!chosen.ok) return chosen
  const certificate = chosen.value

  const signing = signingCertificate(certificate.name, certificate.current)
  const applicationPlan = planApplication(application.value, wanted, signing)
  if (!applicationPlan.ok) return applicationPlan

  const steps: Step[] = [
    organizationStep(api, planOrganization(organization.value, wanted.organization)),
    certificateStep(api, planCertificate(certificate.name, certificate.current)),
    applicationStep(api, applicationPlan.value),
  ]
  for (const user of wanted.users) {
    const found =
      organization.value === undefined ? done(undefined) : await api.readUser(wanted.organization, user.name)
    if (!found.ok) return found
    const plan = planUser(found.value, user, wanted.organization, wanted.application)
    steps.push(userStep(api, plan, wanted.organization))
  }
  return done({ steps, application: application.value })
}

function organizationStep(api: CasdoorApi, plan: ObjectPlan): Step {
  const { action, name, body } = plan
  return {
    plan,
    write: () => (action === 'add' ? api.addOrganization(body) : api.updateOrganization(name, body)),
    readBack: () => api.readOrganization(name),
  }
}

function certificateStep(api: CasdoorApi, plan: ObjectPlan): Step {
  return {
    plan,
    write: () => api.addCertificate(plan.body),
    readBack: async () => {
      const found = await api.readCertificate(plan.name)
      return found.ok ? done(found.value && { ...found.value }) : found
    },
  }
}

function applicationStep(api: CasdoorApi, plan: ObjectPlan): Step {
  const { action, name, body } = plan
  return {
    plan,
    write: () => (action === 'add' ? api.addApplication(body) : api.updateApplication(name, body)),
    readBack: () => api.readApplication(name),
  }
}

function userStep(api: CasdoorApi, plan: ObjectPlan, organization: string): Step {
  return {
    plan,
    write: () => api.addUser(plan.body),
    readBack: () => api.readUser(organization, plan.name),
  }
}
