import { hash } from 'node:crypto'

/** What {@link certificateThumbprint} needs of a connection: a `TLSSocket` of `node:tls` has it. */
export interface CertificateSource {
  readonly getPeerCertificate?: () => { readonly raw?: Buffer | undefined } | null
}

/**
 * The SHA-256 of the certificate that the client of a TLS connection has proven to hold, as base64url; for
 * `AccessRequest.certificateThumbprint`.
 *
 * Call it with the socket on which TLS ends (`request.socket`), on a server that asks for certificates
 * (`requestCert: true`). TLS proves that the client holds the key; whose the certificate is, is not checked here: the
 * token says which one is expected, so one that signed itself will do (RFC 8705 §3). Never take the value from a header
 * that clients can send.
 *
 * @returns `undefined` on a plain connection, and when the client sent no certificate
 * @see RFC 8705 §3.1
 */
export function certificateThumbprint(socket: CertificateSource): string | undefined {
  const raw = socket.getPeerCertificate?.()?.raw
  return raw === undefined ? undefined : hash('sha256', raw, 'base64url')
}
