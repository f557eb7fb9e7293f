const noInterface =
  'the recorded instance had no web interface, and the double always answers such paths with a page'

/** The exchanges whose answer differs from the recorded one, and why. */
export const differing: Readonly<Record<string, string>> = {
  'authorize/non-auto-app-with-session.json': noInterface,
  'authorize/page-no-session.json': noInterface,
  'authorize/prompt-none.json': noInterface,
  'discovery/oidc-path-append.json': noInterface,
  'errors/token-endpoint-standard-path.json': noInterface,
  'errors/unknown-root-path.json': noInterface,
  'provisioning/add-permission.json': 'it was sent with a session, which was not recorded',
  'provisioning/get-tokens.json': 'it counts the 66 tokens that the recorded instance had by then',
}

/** The recordings from which members were left out: only those that are there are compared. */
export const reduced: Readonly<Record<string, string>> = {
  'authorize/probe-ok.json': 'without some lists of the organization',
  'provisioning/get-application-built-in-anonymous.json': 'with four members of the organization',
  'provisioning/get-applications.json': 'with six members of each application',
}
