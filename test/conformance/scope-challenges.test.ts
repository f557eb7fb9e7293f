/** M4: our own endpoint, held to the scope challenges that the conformance suite plans. */
import { after } from 'node:test'
import { createEndpoint, startHttp } from '@mcp-doorman/mcp-endpoint'
import {
  names,
  startChallenging,
  testScopeChallenges,
} from '../../packages/resource-server/test/scope-challenges.ts'

const ran: string[] = []
const run = (name: string) => (): string => {
  ran.push(name)
  return 'Done.'
}
const endpoint = createEndpoint({
  name: 'fixture',
  version: '1.0.0',
  tools: [
    {
      name: names.tool,
      description: 'Says something.',
      inputSchema: { type: 'object' },
      call: run(names.tool),
    },
  ],
  resources: [{ uri: names.static, name: 'static', read: run(names.static) }],
  templates: [{ uriTemplate: names.templatePattern, name: 'template', read: (uri) => run(uri)() }],
  prompts: [{ name: names.prompt, get: run(names.prompt) }],
})
const guarded = await startChallenging()
const { port, close } = await startHttp({
  mounts: [{ endpoint, resourceServer: guarded.server }],
  drainSeconds: 0.2,
})
after(close)

testScopeChallenges({ name: 'our endpoint', eras: ['modern', 'legacy'], guarded, port, ran })
