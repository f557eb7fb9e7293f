import type { Description } from '../served.ts'

/**
 * `ServerCapabilities` as both eras write them.
 *
 * @param canTell - whether this client can be told anything that is not part of an answer
 */
export function capabilitiesOf(
  { has, announces, logs }: Description,
  canTell: boolean,
): Readonly<Record<string, unknown>> {
  return {
    ...(has.tools && { tools: { listChanged: announces.tools && canTell } }),
    ...(has.resources && {
      resources: { subscribe: announces.updates && canTell, listChanged: announces.resources && canTell },
    }),
    ...(has.prompts && { prompts: { listChanged: announces.prompts && canTell } }),
    ...(has.completions && { completions: {} }),
    ...(logs && canTell && { logging: {} }),
  }
}
