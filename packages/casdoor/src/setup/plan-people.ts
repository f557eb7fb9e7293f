import { textOf, type CasdoorRecord } from '../records.ts'
import { customFormat } from '../token-contents.ts'
import type { UserOption } from './options.ts'
import { planAddition, planUpdate, type ObjectPlan } from './plan.ts'

/** How passwords are kept. Casdoor has no default of its own. */
const passwordType = 'bcrypt'

/** Plans the organization. One that is there belongs to others too: only passwords in the clear are mended. */
export function planOrganization(current: CasdoorRecord | undefined, name: string): ObjectPlan {
  if (current !== undefined) {
    const mended = storesPlainPasswords(current) ? { passwordType } : {}
    return planUpdate('organization', name, current, mended)
  }
  return planAddition('organization', name, {
    owner: 'admin',
    name,
    displayName: name,
    passwordType,
    passwordOptions: ['AtLeast6'],
    countryCodes: ['US'],
    languages: ['en'],
    defaultTokenFormat: customFormat,
    tags: [],
  })
}

/** Whether new passwords of an organization would be kept as they were typed. */
export function storesPlainPasswords(organization: CasdoorRecord): boolean {
  return ['', 'plain'].includes(textOf(organization, 'passwordType'))
}

/** Plans an account. One that is there stays as it is, its password above all. */
export function planUser(
  current: CasdoorRecord | undefined,
  { name, password }: UserOption,
  organization: string,
  application: string,
): ObjectPlan {
  if (current !== undefined) return planUpdate('user', name, current, {})
  return planAddition('user', name, {
    owner: organization,
    name,
    type: 'normal-user',
    password,
    displayName: name,
    email: '',
    signupApplication: application,
  })
}
