import { lifetimes } from '../lifetimes.ts'
import { dedicatedCertificateName } from '../setup/choose-certificate.ts'
import type { FindingRule, Place, Setting } from './rule.ts'

export type ApplicationFindingId =
  | 'application_unknown'
  | 'application_keys_broken'
  | 'key_not_dedicated'
  | 'signing_method_differs'
  | 'certificate_ends'
  | 'organization_built_in'
  | 'application_shared'
  | 'sign_in_impossible'
  | 'sign_in_automatic'
  | 'sign_up_open'
  | 'tags_required'
  | 'scopes_unlimited'
  | 'advertised_scopes_refused'
  | 'consent_not_asked'
  | 'redirect_refused'
  | 'refresh_impossible'
  | 'grants_without_login'
  | 'token_carries_record'
  | 'token_format_unknown'
  | 'token_not_custom'
  | 'tokens_end_at_once'
  | 'tokens_last_long'
  | 'owner_not_in_token'
  | 'attribute_shadows_user'
  | 'passwords_stored_plain'
  | 'client_id_needs_encoding'

function on(field: string, to: string): (place: Place) => Setting {
  return ({ application }) => ({ page: `Applications → ${application}`, field, to })
}

/** What every run of set-up does for the application that it names. */
function setUp({ application }: Place): string {
  return `--application ${application}`
}

/** Of the application that tokens for the server come from. */
export const applicationRules: Readonly<Record<ApplicationFindingId, FindingRule>> = {
  application_unknown: {
    severity: 'error',
    title: 'There is no such application',
    why: 'Casdoor publishes metadata for every name, and under an unknown one the keys of all applications: a server that trusts those takes tokens of everybody.',
    setting: ({ application }) => ({ page: 'Applications', field: 'Name (name)', to: application }),
    setup: setUp,
  },
  application_keys_broken: {
    severity: 'error',
    title: 'The keys of the application cannot be read',
    why: 'No token of it can be verified.',
    setting: on('Cert (cert)', 'a certificate of type x509 that admin owns'),
    setup: setUp,
  },
  key_not_dedicated: {
    severity: 'error',
    title: 'The application has no key of its own',
    why: "With a common key, tokens of other applications have good signatures too; and where the certificate is missing, Casdoor publishes everybody's keys as those of the application.",
    setting: ({ application }) => ({
      page: `Applications → ${application}`,
      field: 'Cert (cert)',
      to: `${dedicatedCertificateName(application)}, a certificate that nothing else uses`,
    }),
    setup: setUp,
  },
  signing_method_differs: {
    severity: 'error',
    title: 'Tokens are signed by another algorithm than the key is for',
    why: 'The published key names its algorithm, and verifiers refuse it for every other: they find no key, or nobody can log in.',
    setting: on('Token signing method (tokenSigningMethod)', 'the algorithm of the certificate'),
    setup: setUp,
  },
  certificate_ends: {
    severity: 'warning',
    title: 'The certificate of the application ends',
    why: 'Some verifiers look at its dates. A new key ends all tokens of the old one at once, so the day for it should be chosen.',
    setting: on('Cert (cert)', 'a new certificate, at a time when everybody may log in again'),
  },
  organization_built_in: {
    severity: 'error',
    title: 'Its users administer all of Casdoor',
    why: "A token of this application is a full credential on Casdoor's own API, for whoever it belongs to: users of built-in can do everything there, and so can what steals the token.",
    setting: on('Organization (organization)', 'one for ordinary users'),
    setup: ({ application }) => `--organization NAME --application ${application}-2`,
  },
  application_shared: {
    severity: 'error',
    title: 'The application is shared between organizations',
    why: 'Users of every organization can log in, each with a client id that ends in -org-NAME. A server that pins the application takes those of its own organization only.',
    setting: on('Is shared (isShared)', 'off'),
  },
  sign_in_impossible: {
    severity: 'error',
    title: 'Nobody can log in',
    why: 'The login page offers no way, or says that logging in is switched off.',
    setting: on(
      'Signin methods, Disable signin (signinMethods, disableSignin)',
      'at least one method, and off',
    ),
    setup: setUp,
  },
  sign_in_automatic: {
    severity: 'warning',
    title: 'Codes are given without a page being shown',
    why: 'Whoever is signed in at Casdoor gives a code to every link that names this application, and every program on their machine may receive it on localhost.',
    setting: on('Auto signin (enableAutoSignin)', 'off'),
  },
  sign_up_open: {
    severity: 'warning',
    title: 'Anybody can make an account',
    why: 'And then log in and obtain the scopes of this application.',
    setting: on('Enable signup (enableSignUp)', 'off, unless that is meant'),
  },
  tags_required: {
    severity: 'warning',
    title: 'Only users with a tag can log in',
    why: 'Casdoor refuses all others with a message about tags, on its own page; the client waits.',
    setting: on('Tags (tags)', 'empty, or give the tag to the users'),
  },
  scopes_unlimited: {
    severity: 'error',
    title: 'Every scope is granted to whoever asks',
    why: 'Without a list of scopes Casdoor writes into the token whatever the client asked for, so that scopes mean nothing.',
    setting: on('Scopes (scopes)', 'a row for each scope of the server'),
    setup: () => '--scopes "NAME=What it allows; …"',
  },
  advertised_scopes_refused: {
    severity: 'warning',
    title: 'Scopes that the metadata advertises are refused',
    why: 'Several clients ask for all that is advertised. Casdoor then shows "Invalid scope" on its page and sends nobody back, so the client waits.',
    setting: on('Scopes (scopes)', 'with openid, profile, email, address, phone and offline_access as well'),
    setup: setUp,
  },
  consent_not_asked: {
    severity: 'warning',
    title: 'Nobody is asked what an agent may do',
    why: 'Several clients share the application, and any program can be sent back to on localhost. The question is where a person sees what is being given away.',
    setting: on('Custom scopes (customScopes)', 'a row for each scope of the server'),
    setup: setUp,
  },
  redirect_refused: {
    severity: 'error',
    title: 'A client cannot be sent back after the login',
    why: 'Casdoor says so on its own page and sends nobody back, so the client waits. Scheme, port and path are compared as they are written.',
    setting: on('Redirect URLs (redirectUris)', 'with the address that the evidence names'),
    setup: () => '--for CLIENT, or --redirect URL',
  },
  refresh_impossible: {
    severity: 'warning',
    title: 'Tokens cannot be refreshed',
    why: 'The person has to log in again each time an access token ends.',
    setting: on(
      'Grant types, Refresh token expire (grantTypes, refreshExpireInHours)',
      `with refresh_token, and longer than the access token: ${lifetimes.refresh}`,
    ),
    setup: setUp,
  },
  grants_without_login: {
    severity: 'warning',
    title: 'Tokens can be had without the login page',
    why: 'With these grants a password typed into any program, a secret, or another token is enough: no consent, no second factor, and for machines never the audience of the server.',
    setting: on(
      'Grant types (grantTypes)',
      'authorization_code and refresh_token; another application for the rest',
    ),
  },
  token_carries_record: {
    severity: 'error',
    title: "Tokens carry the user's whole record",
    why: 'Salt of the password, secret of the second factor and recovery codes are in every token, and every server that gets one can read them. They are also larger than some header limits.',
    setting: on('Token format (tokenFormat)', 'JWT-Custom'),
    setup: setUp,
  },
  token_format_unknown: {
    severity: 'error',
    title: 'Casdoor does not know the token format',
    why: 'It stores every word, and then fails at each login.',
    setting: on('Token format (tokenFormat)', 'JWT-Custom'),
    setup: setUp,
  },
  token_not_custom: {
    severity: 'warning',
    title: 'Tokens say more of people than is needed',
    why: 'This format has e-mail address, phone number or picture in every token, and introspection works between applications of one format only.',
    setting: on(
      'Token format, Token fields (tokenFormat, tokenFields)',
      'JWT-Custom with Owner, Name, permissionNames',
    ),
    setup: setUp,
  },
  tokens_end_at_once: {
    severity: 'error',
    title: 'Access tokens have ended when they arrive',
    why: 'With 0 hours, which is what a new application made through the API has, they end in the second in which they are made.',
    setting: on('Token expire (expireInHours)', String(lifetimes.access)),
    setup: setUp,
  },
  tokens_last_long: {
    severity: 'warning',
    title: 'Tokens last long',
    why: 'A signature does not show that somebody was forbidden, logged out or deleted: until a token ends, only asking Casdoor does.',
    setting: on(
      'Token expire, Refresh token expire (expireInHours, refreshExpireInHours)',
      `at most ${lifetimes.longestAccess} and ${lifetimes.longestRefresh}; ${lifetimes.access} and ${lifetimes.refresh} are usual here`,
    ),
    setup: setUp,
  },
  owner_not_in_token: {
    severity: 'warning',
    title: 'Tokens do not say whose user it is',
    why: 'Names of users are unique within an organization only, and a server can check the organization only where the token says it.',
    setting: on('Token fields (tokenFields)', 'with Owner'),
    setup: setUp,
  },
  attribute_shadows_user: {
    severity: 'error',
    title: "A claim of your own has the name of one of Casdoor's",
    why: 'Casdoor reads it as its own when it is asked about the token or is to refresh it, and fails on both.',
    setting: on('Token attributes (tokenAttributes)', 'another name, such as role_names'),
    setup: () => '--roles',
  },
  passwords_stored_plain: {
    severity: 'error',
    title: 'Passwords are stored as they were typed',
    why: 'Whoever reads the database, or a backup of it, can log in as everybody.',
    setting: ({ organization }) => ({
      page: `Organizations → ${organization}`,
      field: 'Password type (passwordType)',
      to: 'bcrypt; passwords are stored so when they are next set',
    }),
    setup: ({ organization }) => `--organization ${organization}`,
  },
  client_id_needs_encoding: {
    severity: 'note',
    title: 'The client id has signs that Casdoor does not decode',
    why: 'Clients that authenticate with Basic encode them as OAuth 2.1 says, and are refused. Those that send the id in the form, or no secret, are not concerned.',
    setting: on('Client ID (clientId)', 'letters and digits only, as Casdoor makes them'),
  },
}
