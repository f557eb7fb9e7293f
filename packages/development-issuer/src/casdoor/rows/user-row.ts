import { noAccountsElsewhere } from './accounts-elsewhere.ts'
import type { List } from './row-list.ts'
import type { PermissionRow, RoleRow } from './small-rows.ts'

/** What a user has consented to, for one application. */
export interface GrantedScopesRow {
  readonly application: string
  readonly grantedScopes: readonly string[]
}

/** A user as the administration API stores one of whom nothing was said, in the order of the wire. */
export const emptyUser = {
  owner: '',
  name: '',
  createdTime: '',
  updatedTime: '',
  deletedTime: '',
  id: '',
  externalId: '',
  type: '',
  password: '',
  passwordSalt: '',
  passwordType: '',
  displayName: '',
  firstName: '',
  lastName: '',
  avatar: '',
  avatarType: '',
  permanentAvatar: '',
  email: '',
  emailVerified: false,
  phone: '',
  countryCode: '',
  region: '',
  location: '',
  address: null as List<string>,
  addresses: null as List<unknown>,
  affiliation: '',
  title: '',
  idCardType: '',
  idCard: '',
  realName: '',
  isVerified: false,
  homepage: '',
  bio: '',
  tag: '',
  language: '',
  gender: '',
  birthday: '',
  education: '',
  score: 0,
  karma: 0,
  ranking: 0,
  balance: 0,
  balanceCredit: 0,
  currency: '',
  balanceCurrency: '',
  isDefaultAvatar: false,
  isOnline: false,
  isAdmin: false,
  isForbidden: false,
  isDeleted: false,
  signupApplication: '',
  hash: '',
  preHash: '',
  registerType: '',
  registerSource: '',
  accessToken: '',
  originalToken: '',
  originalRefreshToken: '',
  createdIp: '',
  lastSigninTime: '',
  lastSigninIp: '',
  ...noAccountsElsewhere,
  webauthnCredentials: null as List<unknown>,
  preferredMfaType: '',
  recoveryCodes: null as List<string>,
  totpSecret: '',
  mfaPhoneEnabled: false,
  mfaEmailEnabled: false,
  mfaRadiusEnabled: false,
  mfaRadiusUsername: '',
  mfaRadiusProvider: '',
  mfaPushEnabled: false,
  mfaPushReceiver: '',
  mfaPushProvider: '',
  multiFactorAuths: null as List<unknown>,
  invitation: '',
  invitationCode: '',
  faceIds: null as List<unknown>,
  cart: null as List<unknown>,
  ldap: '',
  uidNumber: 0,
  properties: null as Readonly<Record<string, string>> | null,
  roles: null as List<Partial<RoleRow>>,
  permissions: null as List<Partial<PermissionRow>>,
  groups: null as List<string>,
  lastChangePasswordTime: '',
  lastSigninWrongTime: '',
  signinWrongTimes: 0,
  managedAccounts: null as List<unknown>,
  mfaAccounts: null as List<unknown>,
  mfaItems: null as List<unknown>,
  mfaRememberDeadline: '',
  needUpdatePassword: false,
  ipWhitelist: '',
  applicationScopes: null as List<GrantedScopesRow>,
}

export interface UserRow extends Readonly<typeof emptyUser> {}

/** The members of a user that stand in tokens of the format `JWT`, in their order. */
export const userMembersInTokens: readonly string[] = `
  owner name createdTime updatedTime deletedTime id type password passwordSalt passwordType
  displayName firstName lastName avatar avatarType permanentAvatar email emailVerified phone
  countryCode region location address affiliation title idCardType idCard homepage bio language
  gender birthday education score karma ranking isDefaultAvatar isOnline isAdmin isForbidden
  isDeleted signupApplication hash preHash registerType registerSource github google qq wechat
  facebook dingtalk weibo gitee linkedin wecom lark gitlab createdIp lastSigninTime lastSigninIp
  preferredMfaType recoveryCodes totpSecret mfaPhoneEnabled mfaEmailEnabled ldap properties roles
  permissions groups lastSigninWrongTime signinWrongTimes managedAccounts
`
  .trim()
  .split(/\s+/)
