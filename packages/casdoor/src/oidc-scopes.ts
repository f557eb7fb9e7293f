/**
 * What Casdoor's metadata advertises for every application, whether or not the application has it.
 *
 * Clients that ask for all that is advertised are refused by an application with a list of scopes and without these.
 */
export const oidcScopes: readonly { readonly name: string; readonly displayName: string }[] = [
  { name: 'openid', displayName: 'Know who you are' },
  { name: 'profile', displayName: 'See your name' },
  { name: 'email', displayName: 'See your e-mail address' },
  { name: 'address', displayName: 'See your address' },
  { name: 'phone', displayName: 'See your phone number' },
  { name: 'offline_access', displayName: 'Stay signed in' },
]
