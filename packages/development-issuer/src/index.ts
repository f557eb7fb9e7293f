export { type DevelopmentIssuer, startDevelopmentIssuer } from './development-issuer.ts'
export { type IssuerFile, readIssuerSecret } from './issuer-file.ts'
export type { DevelopmentIssuerOptions } from './options.ts'
export type { DevelopmentUser } from './users.ts'
