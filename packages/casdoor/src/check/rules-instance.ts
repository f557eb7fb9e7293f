import type { FindingRule } from './rule.ts'

export type InstanceFindingId =
  | 'url_insecure'
  | 'url_has_path'
  | 'unreachable'
  | 'not_casdoor'
  | 'issuer_differs'
  | 'clock_differs'
  | 'keys_broken'
  | 'key_id_doubled'
  | 'key_published'
  | 'registration_open'
  | 'web_clients_refused'
  | 'administrator_password_default'

const configuration = 'conf/app.conf of Casdoor'

/** Of the whole Casdoor, whatever the application. */
export const instanceRules: Readonly<Record<InstanceFindingId, FindingRule>> = {
  url_insecure: {
    severity: 'error',
    title: 'Casdoor is named by plain http',
    why: 'Passwords, codes and tokens could be read and changed on their way. Clients and resource servers refuse such an issuer beyond this machine.',
    setting: () => ({
      page: configuration,
      field: 'origin',
      to: 'the https URL; TLS may end at a proxy in front',
    }),
  },
  url_has_path: {
    severity: 'error',
    title: 'The URL has a path, and the issuer has none',
    why: 'Tokens and metadata name the bare origin. Below a path Casdoor answers status 200 with an error or a page, which clients take for broken metadata.',
    setting: ({ origin }) => ({
      page: 'whatever names this Casdoor: --casdoor, authorization_servers',
      field: 'URL',
      to: origin,
    }),
  },
  unreachable: {
    severity: 'error',
    title: 'Casdoor cannot be reached',
    why: 'A resource server that cannot fetch its keys answers 503 to everybody.',
    setting: () => ({
      page: 'the machine that Casdoor runs on',
      field: 'address, port, certificate',
      to: 'one that this machine reaches',
    }),
  },
  not_casdoor: {
    severity: 'error',
    title: 'What answers there is no Casdoor',
    why: 'Clients take the metadata from there, and find something else. A Casdoor with its pages answers every unknown path with one of them and status 200.',
    setting: () => ({
      page: configuration,
      field: 'origin',
      to: 'the URL that was asked, or ask the one in it',
    }),
  },
  issuer_differs: {
    severity: 'error',
    title: 'Casdoor calls itself by another name',
    why: 'Clients compare the issuer in the metadata with the URL they came by, and resource servers compare it with "iss" of tokens, character by character. Without a setting Casdoor guesses it from the Host of each request.',
    setting: ({ origin }) => ({ page: configuration, field: 'origin', to: origin }),
  },
  clock_differs: {
    severity: 'warning',
    title: "Casdoor's clock and ours differ",
    why: 'Its tokens are valid from the second in which they are made, so a resource server whose clock is behind refuses new ones.',
    setting: () => ({ page: 'both machines', field: 'clock', to: 'network time' }),
  },
  keys_broken: {
    severity: 'error',
    title: 'The keys of the whole instance cannot be read',
    why: 'One certificate that is none takes the common key set down, for every client and server that uses it. Those of single applications go on.',
    setting: () => ({
      page: 'Certs → the row of type x509 that is not PEM or not a certificate',
      field: 'Certificate (certificate)',
      to: 'a certificate, or another type',
    }),
  },
  key_id_doubled: {
    severity: 'error',
    title: 'Two keys have one id',
    why: 'A verifier that takes the first key with that id refuses the tokens of the other; some refuse both.',
    setting: () => ({ page: 'Certs', field: 'Name (name)', to: 'names that occur once, whoever owns them' }),
  },
  key_published: {
    severity: 'error',
    title: 'The private half of a key is public',
    why: "It stands in Casdoor's source code, so anybody can sign tokens with it. An instance that was started from its source folder uses it.",
    setting: () => ({
      page: 'Certs → the certificate that the evidence names',
      field: 'Certificate, Private key (certificate, privateKey)',
      to: 'empty both, and save: Casdoor makes a new pair',
    }),
  },
  registration_open: {
    severity: 'warning',
    title: 'Anybody can register applications',
    why: 'Such an application has no list of scopes, so it obtains every scope it asks for, for every audience. A server that does not pin its application takes those tokens.',
    setting: ({ organization }) => ({
      page: `Organizations → ${organization || 'built-in'}`,
      field: 'DCR policy (dcrPolicy)',
      to: 'disabled',
    }),
  },
  web_clients_refused: {
    severity: 'note',
    title: 'Clients that run in a web page are refused until they are listed',
    why: 'Casdoor answers 403 to pages of other origins, on its metadata too, unless an application lists a redirect URI of that origin. Programs and pages on localhost are not concerned.',
    setting: ({ application }) => ({
      page: `Applications → ${application || 'the application'}`,
      field: 'Redirect URLs (redirectUris)',
      to: 'with the redirect URI of the page, if there is such a client',
    }),
    setup: () => '--redirect URL',
  },
  administrator_password_default: {
    severity: 'error',
    title: 'The administrator still has the first password',
    why: 'Every Casdoor starts with it, and it opens all of it to anybody who reaches the login page.',
    setting: () => ({ page: 'Users → built-in/admin', field: 'Password (password)', to: 'one of your own' }),
  },
}
