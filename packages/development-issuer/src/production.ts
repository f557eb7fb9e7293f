/** @throws {Error} with NODE_ENV=production */
export function refuseProduction(): void {
  if (process.env['NODE_ENV'] !== 'production') return
  throw new Error(
    'The development issuer does not start in production (NODE_ENV=production): everybody knows its passwords. ' +
      'Use a real OpenID provider, or unset NODE_ENV.',
  )
}
