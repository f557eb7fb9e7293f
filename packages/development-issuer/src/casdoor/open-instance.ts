import { type ApplicationRow, emptyApplication } from './rows/application-row.ts'
import { generateCert } from './keys/certificate.ts'
import { Devices } from './grants/devices.ts'
import { formatTime, type Instance } from './instance.ts'
import { fillApplication, fillUser } from './rows/kinds.ts'
import { emptyOrganization } from './rows/organization-row.ts'
import type { CasdoorData, CasdoorOptions } from './options.ts'
import { builtInCert } from './keys/signing.ts'
import { emptyCert, emptyPermission, emptyRole } from './rows/small-rows.ts'
import { Table } from './rows/table.ts'
import { TokenRows } from './rows/token-rows.ts'
import { emptyUser } from './rows/user-row.ts'

/** What every instance has after its first start; the client id and secret of its application are made up. */
const builtIn: Required<Omit<CasdoorData, 'roles' | 'permissions'>> = {
  organizations: [
    {
      name: 'built-in',
      displayName: 'Built-in Organization',
      passwordType: 'bcrypt',
      passwordOptions: ['AtLeast6'],
      defaultTokenFormat: 'JWT',
      dcrPolicy: 'disabled',
    },
  ],
  // Casdoor makes one of 4096 bits; the wait would be for nothing here.
  certs: [{ name: builtInCert, scope: 'JWT', type: 'x509', cryptoAlgorithm: 'RS256', bitSize: 2048 }],
  applications: [
    {
      name: 'app-built-in',
      organization: 'built-in',
      displayName: 'Casdoor',
      cert: builtInCert,
      enablePassword: true,
      tokenFormat: 'JWT',
      expireInHours: 168,
      refreshExpireInHours: 168,
    },
  ],
  users: [
    {
      owner: 'built-in',
      name: 'admin',
      type: 'normal-user',
      password: '123',
      displayName: 'Admin',
      isAdmin: true,
      signupApplication: 'app-built-in',
    },
  ],
}

/** Opens an instance with its own rows and those of the data, which go before them. */
export async function openInstance(options: CasdoorOptions): Promise<Instance> {
  const { nowSeconds = () => Math.floor(Date.now() / 1000), deliverLogoutToken = () => undefined } = options
  const instance: Instance = {
    origin: options.origin,
    nowSeconds: () => Math.floor(nowSeconds()),
    organizations: new Table(),
    certs: new Table(),
    applications: new Table(),
    users: new Table(),
    roles: new Table(),
    permissions: new Table(),
    tokens: new TokenRows(),
    devices: new Devices(),
    autoLogin: options.autoLogin,
    autoConsent: options.autoConsent ?? false,
    deliverLogoutToken,
  }
  await addRows(instance, options.data ?? {})
  await addRows(instance, builtIn)
  return instance
}

async function addRows(instance: Instance, data: CasdoorData): Promise<void> {
  const now = instance.nowSeconds()
  const created = { owner: 'admin', createdTime: formatTime(now) }
  for (const row of data.organizations ?? []) {
    instance.organizations.add({ ...emptyOrganization, ...created, ...row })
  }
  for (const row of data.certs ?? []) {
    const cert = { ...emptyCert, ...created, ...row }
    if (instance.certs.get(`${cert.owner}/${cert.name}`) !== undefined) continue
    const isEmpty = cert.certificate === '' && cert.privateKey === ''
    const facts = { organization: cert.owner, commonName: cert.name, from: now, years: 20 }
    const pair = isEmpty ? await generateCert(cert.cryptoAlgorithm, cert.bitSize, facts) : {}
    instance.certs.add({ ...cert, ...pair })
  }
  for (const row of data.applications ?? []) {
    const application: ApplicationRow = { ...emptyApplication, ...created, ...row }
    instance.applications.add(fillApplication(instance, application))
  }
  for (const row of data.users ?? []) instance.users.add(fillUser(instance, { ...emptyUser, ...row }))
  for (const row of data.roles ?? []) instance.roles.add({ ...emptyRole, ...created, ...row })
  for (const row of data.permissions ?? []) {
    instance.permissions.add({ ...emptyPermission, ...created, ...row })
  }
}
