import { openAuthorizationServer, type ProtectedResourceOptions } from '@mcp-doorman/authorization-server'
import type { EngineSettings, IssuerEngine } from './engine.ts'
import { createPasswordLogin } from './login-page.ts'

/** What people read of the scopes of Doorman's files server. */
export const filesScopeDescriptions: Readonly<Record<string, string>> = {
  'files:list': 'See the names of files and folders',
  'files:read': 'Read files',
  'files:write': 'Create and change files',
}

/** The engine without manners of anybody: Doorman's own authorization server, with local users. */
export async function openStandardEngine(settings: EngineSettings): Promise<IssuerEngine> {
  const { stateFolder, autoLogin, clientDocuments, redirects, registration, nowSeconds } = settings
  return openAuthorizationServer({
    issuer: settings.issuer,
    resources: settings.resources.map(describeFilesScopes),
    login: createPasswordLogin(settings.users),
    clients: settings.clients,
    lifetimes: { accessTokenSeconds: settings.accessTokenSeconds },
    unattended: {
      ...(autoLogin !== undefined && { subject: autoLogin.name }),
      consent: settings.autoConsent,
    },
    ...(stateFolder !== undefined && { stateFolder }),
    ...(clientDocuments !== undefined && { clientDocuments }),
    ...(redirects !== undefined && { redirects }),
    ...(registration !== undefined && { registration }),
    ...(nowSeconds !== undefined && { nowSeconds }),
    onServerError: settings.onServerError,
  })
}

function describeFilesScopes(resource: ProtectedResourceOptions): ProtectedResourceOptions {
  return { ...resource, scopeDescriptions: { ...filesScopeDescriptions, ...resource.scopeDescriptions } }
}
