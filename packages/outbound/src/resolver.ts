import { lookup as lookupInSystem, Resolver } from 'node:dns/promises'

/** So long one DNS query waits for its answer, before the one repetition. */
const queryMilliseconds = 2_000

/**
 * The addresses of a name that the operator trusts, found as this machine finds any name, its hosts file included.
 *
 * @throws {Error} with the resolver's code when there is none
 */
export async function lookupOnMachine(hostname: string): Promise<readonly string[]> {
  const found = await lookupInSystem(hostname, { all: true, order: 'verbatim' })
  return found.map(({ address }) => address)
}

/**
 * The addresses of a name that came from outside, asked of DNS alone.
 *
 * The machine's own way would hold one of Node's four worker threads for as long as a stranger's name server pleases,
 * and with them every file operation and every other name.
 *
 * @param servers - DNS servers as `Resolver.setServers` takes them; by default those of this machine
 * @throws {Error} with the resolver's code when there is none
 */
export async function lookupInDns(hostname: string, servers?: readonly string[]): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: queryMilliseconds, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  // Most names have one kind of address only; it is an error when both are missing.
  const [first] = answers
  if (addresses.length === 0 && first.status === 'rejected') throw first.reason
  return addresses
}
