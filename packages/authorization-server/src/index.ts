export {
  type AuthorizationServer,
  type MintAnswer,
  type MintRequest,
  openAuthorizationServer,
} from './authorization-server.ts'
export type { Endpoint } from './front.ts'
export type { Account, Login, LoginView } from './login.ts'
export { isThisMachine } from './loopback.ts'
export type {
  AuthorizationServerOptions,
  KnownClient,
  Lifetimes,
  ProtectedResourceOptions,
  Unattended,
} from './options.ts'
export { formatPage, type Html, html, pageHeaders, sendPage } from './page.ts'
export type { RedirectPolicy } from './redirect-uri.ts'
export { createPrivateFile, createStateFolder, readPrivateFile, writePrivateFile } from './state-folder.ts'
export { type BodyAnswer, isForm, readBody, withBody } from './request-body.ts'
