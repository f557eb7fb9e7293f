import type { OrganizationRow } from './organization-row.ts'
import type { List } from './row-list.ts'

/** A scope that an application may be asked for. */
export interface ScopeRow {
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly tools: readonly string[]
}

/** A scope that a user must consent to. */
export interface ConsentScopeRow {
  readonly scope: string
  readonly displayName: string
  readonly description: string
}

export interface SigninMethodRow {
  readonly name: string
  readonly displayName: string
  readonly rule: string
}

/** A claim of the format `JWT-Custom` that is not one of the user's own members. */
export interface TokenAttributeRow {
  readonly name: string
  readonly category: string
  readonly value: string
  readonly type: string
}

/** An application as the administration API stores one of which nothing was said, in the order of the wire. */
export const emptyApplication = {
  owner: '',
  name: '',
  createdTime: '',
  displayName: '',
  category: '',
  type: '',
  scopes: null as List<ScopeRow>,
  logo: '',
  title: '',
  favicon: '',
  order: 0,
  homepageUrl: '',
  description: '',
  organization: '',
  cert: '',
  defaultGroup: '',
  defaultTag: '',
  headerHtml: '',
  pageHtml: '',
  enablePassword: false,
  enableSignUp: false,
  enableGuestSignin: false,
  disableSignin: false,
  enableSigninSession: false,
  enableAutoSignin: false,
  enableCodeSignin: false,
  enableExclusiveSignin: false,
  enableSamlCompress: false,
  enableSamlC14n10: false,
  enableSamlPostBinding: false,
  disableSamlAttributes: false,
  enableSamlAssertionSignature: false,
  useEmailAsSamlNameId: false,
  enableWebAuthn: false,
  enableLinkWithEmail: false,
  orgChoiceMode: '',
  samlReplyUrl: '',
  providers: null as List<unknown>,
  signinMethods: null as List<SigninMethodRow>,
  signupItems: null as List<unknown>,
  signinItems: null as List<unknown>,
  grantTypes: null as List<string>,
  /** Put in when the application is shown; never stored. */
  organizationObj: null as OrganizationRow | null,
  certPublicKey: '',
  tags: null as List<string>,
  samlAttributes: null as List<unknown>,
  samlHashAlgorithm: '',
  samlC14nPrefix: '',
  isShared: false,
  ipRestriction: '',
  clientId: '',
  clientSecret: '',
  clientCert: '',
  redirectUris: null as List<string>,
  backchannelLogoutUri: '',
  forcedRedirectOrigin: '',
  tokenFormat: '',
  tokenSigningMethod: '',
  tokenFields: null as List<string>,
  tokenAttributes: null as List<TokenAttributeRow>,
  expireInHours: 0,
  refreshExpireInHours: 0,
  cookieExpireInHours: 0,
  signupUrl: '',
  signinUrl: '',
  forgetUrl: '',
  affiliationUrl: '',
  ipWhitelist: '',
  termsOfUse: '',
  signupHtml: '',
  signinHtml: '',
  themeData: null as List<unknown>,
  footerHtml: '',
  formCss: '',
  formCssMobile: '',
  formOffset: 0,
  formSideHtml: '',
  formBackgroundUrl: '',
  formBackgroundUrlMobile: '',
  failedSigninLimit: 0,
  failedSigninFrozenTime: 0,
  codeResendTimeout: 0,
  customScopes: null as List<ConsentScopeRow>,
  domain: '',
  otherDomains: null as List<string>,
  upstreamHost: '',
  sslMode: '',
  sslCert: '',
  CertObj: null as List<unknown>,
  registrationAccessToken: '',
}

export interface ApplicationRow extends Readonly<typeof emptyApplication> {}

/** What whoever is not an administrator sees in place of the stored members. */
export const hiddenOfApplication: Partial<ApplicationRow> = {
  cert: '***',
  samlReplyUrl: '***',
  enablePassword: false,
  grantTypes: [],
  clientSecret: '***',
  clientCert: '***',
  redirectUris: [],
  backchannelLogoutUri: '***',
  tokenFormat: '***',
  tokenSigningMethod: '***',
  tokenFields: [],
  tokenAttributes: [],
  expireInHours: -1,
  refreshExpireInHours: -1,
  cookieExpireInHours: -1,
  ipWhitelist: '***',
  failedSigninLimit: -1,
  failedSigninFrozenTime: -1,
  domain: '***',
  otherDomains: [],
  upstreamHost: '***',
  sslMode: '***',
  sslCert: '***',
  registrationAccessToken: '***',
}
