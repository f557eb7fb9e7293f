/**
 * What people see when an issuer or a server of theirs misbehaves, in words that they would use. Only failures that a
 * fault can cause are here; the gaps in the numbers are failures that a protected server causes.
 */
export const clientFailures = {
  CF1: 'the client asks for a login again and again, or says "invalid_target": resource and audience differ by a slash',
  CF2: 'the client says that the issuer does not match: slash, scheme or host differ from what the server names',
  CF7: 'the client cannot parse what discovery answers: a page or nothing, where JSON should be',
  CF8: 'the client is sent to a place that only the inside of a network knows',
  CF11: 'Gemini CLI says that iss is missing',
  CF12: 'Codex and others end the login, since an announced iss does not come back',
  CF13: 'Go clients refuse the callback: iss comes back unannounced',
  CF14: 'the client says that it expected another issuer than the one that answered',
  CF15: 'redirect_uri mismatch for clients that listen on another port each time',
  CF16: 'redirect_uri mismatch between localhost and 127.0.0.1',
  CF17: 'registration is answered with an HTML page and 403, as firewalls do that find 127.0.0.1 in the body',
  CF18: 'Claude and ChatGPT cannot use their client-ID metadata documents',
  CF19: 'invalid_scope right after a registration that named no scope',
  CF20: 'invalid_scope for offline_access',
  CF21: 'invalid_scope for an empty scope',
  CF22: 'registration is refused for what the client says of itself, as Keycloak does',
  CF23: 'the server refuses every token: none of them is for it',
  CF24: 'the server refuses every token: they are no JWTs, or encrypted ones',
  CF25: 'AADSTS9010010 at the login, as Entra answers to resource and scope together',
  CF26: 'an hour after the login everything ends, since a refresh without scope is refused',
  CF27: 'invalid_grant: the resource does not match',
  CF28: 'the client says that dynamic registration is not supported',
  CF29: 'the client rejects the metadata: a null, or a member that its schema wants, is missing',
  CF30: 'the client rejects the answer to its registration',
  CF31: 'people are logged out at random',
  CF32: 'the button on the consent page does nothing',
  CF35: 'the client asks for more rights in a loop and never has them',
  CF37: 'the consent page asks for everything that there is',
  CF39: 'the client gives up during discovery instead of trying the next address',
  CF40: 'the client says that PKCE is not supported',
  CF41: 'Go clients act as if there were no metadata: its media type is not JSON',
  CF48: 'clients in a browser stop at a CORS error',
  CF52: 'every token is refused after the keys have changed',
  CF53: 'a refresh token or an ID token opens the door',
} as const satisfies Readonly<Record<string, string>>

/** The number of a failure that people see; docs/faults.md says each in words. */
export type ClientFailure = keyof typeof clientFailures
