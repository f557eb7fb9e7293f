// A program of its own for environment.test.ts: asks once, prints the outcome, and must then end by itself.
import { createOutbound, type OutboundOptions } from '@mcp-doorman/outbound'

const [url = '', options = '{}'] = process.argv.slice(2)
// The test that starts this program writes the options.
const outbound = createOutbound(JSON.parse(options) as OutboundOptions)
const answer = await outbound.request({ url })
process.stdout.write(answer.ok ? answer.body.toString() : answer.problem)
