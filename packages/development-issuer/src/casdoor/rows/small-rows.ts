import type { List } from './row-list.ts'

/** A key pair and what is said of it. */
export const emptyCert = {
  owner: '',
  name: '',
  createdTime: '',
  displayName: '',
  scope: '',
  /** Only `x509` is published. */
  type: '',
  cryptoAlgorithm: '',
  bitSize: 0,
  expireInYears: 0,
  expireTime: '',
  domainExpireTime: '',
  provider: '',
  account: '',
  accessKey: '',
  accessSecret: '',
  /** PEM. */
  certificate: '',
  /** PEM. */
  privateKey: '',
}
export interface CertRow extends Readonly<typeof emptyCert> {}

export const emptyRole = {
  owner: '',
  name: '',
  createdTime: '',
  displayName: '',
  description: '',
  /** Each `organization/name`. */
  users: null as List<string>,
  groups: null as List<string>,
  roles: null as List<string>,
  domains: null as List<string>,
  isEnabled: false,
}
export interface RoleRow extends Readonly<typeof emptyRole> {}

export const emptyPermission = {
  owner: '',
  name: '',
  createdTime: '',
  displayName: '',
  description: '',
  /** Each `organization/name`. */
  users: null as List<string>,
  groups: null as List<string>,
  /** Each `organization/name`. */
  roles: null as List<string>,
  domains: null as List<string>,
  model: '',
  adapter: '',
  resourceType: '',
  resources: null as List<string>,
  actions: null as List<string>,
  effect: '',
  isEnabled: false,
  submitter: '',
  approver: '',
  approveTime: '',
  state: '',
}
export interface PermissionRow extends Readonly<typeof emptyPermission> {}

/** What is remembered of a code and of the tokens that it stands for. */
export const emptyToken = {
  owner: '',
  name: '',
  createdTime: '',
  application: '',
  organization: '',
  user: '',
  code: '',
  accessToken: '',
  refreshToken: '',
  accessTokenHash: '',
  refreshTokenHash: '',
  /** Seconds; 0 once the tokens have been ended. */
  expiresIn: 0,
  scope: '',
  tokenType: '',
  grantType: '',
  codeChallenge: '',
  codeIsUsed: false,
  /** Epoch seconds. */
  codeExpireIn: 0,
  resource: '',
  dPoPJkt: '',
}
export interface TokenRow extends Readonly<typeof emptyToken> {}
