import { parseRate, type Rate } from '@mcp-doorman/resource-server'
import * as z from 'zod'
import { parseDuration, parseSize } from '../quantities.ts'
import { secretReference } from '../secret-reference.ts'

// What a field of doorman.yaml can be. A message of ours begins with a verb, since it follows the name of the field,
// and never repeats a value that could be a secret in the wrong place.

/**
 * An object that has these fields and no others.
 *
 * The message for an unknown field is the list of those that are known, for whoever writes the sentence.
 */
export function section<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  })
}

/** Text that is not empty. */
export const text: z.ZodString = z.string().min(1)

/** A list of texts that is not empty, since an empty one says nothing. */
export const texts: z.ZodArray<z.ZodString> = z.array(text).min(1).max(1000)

/** True or false. */
export const flag: z.ZodBoolean = z.boolean()

/** Text that stands for something else, and what is said when it does not. */
function reading<Value>(
  wanted: string,
  parse: (given: string) => Value | undefined,
): z.ZodPipe<z.ZodString, z.ZodTransform<Value, string>> {
  const message = `must be ${wanted}`
  return z
    .string({ error: ({ input }) => (input === undefined || input === null ? undefined : message) })
    .transform((given, { issues }) => {
      const value = parse(given)
      if (value !== undefined) return value
      issues.push({ code: 'custom', message, input: given })
      return z.NEVER
    })
}

type Quantity = z.ZodPipe<
  z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>,
  z.ZodTransform<number, number>
>

/** A reading within a range. */
function between(
  quantity: z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>,
  least: number,
  most: number,
  unit: string,
): Quantity {
  return quantity.transform((value, { issues }) => {
    if (value >= least && value <= most) return value
    const message = `must be ${least} to ${most} ${unit}, and is ${value}.`
    issues.push({ code: 'custom', message, input: value })
    return z.NEVER
  })
}

/** A time with its unit; seconds, once read. */
export function duration(leastSeconds: number, mostSeconds: number): Quantity {
  const time = reading('a time with its unit. Write it as 30s, 10m, 2h or 1d.', parseDuration)
  return between(time, leastSeconds, mostSeconds, 'seconds')
}

/** A size with its unit; bytes, once read. */
export function size(leastBytes: number, mostBytes: number): Quantity {
  return between(
    reading('a size with its unit. Write it as 500MiB or 2GB.', parseSize),
    leastBytes,
    mostBytes,
    'bytes',
  )
}

/** How often something may happen. */
export const rate: z.ZodPipe<z.ZodString, z.ZodTransform<Rate, string>> = reading(
  'a count and a period. Write it as 30/min, 10/s or 1000/h.',
  parseRate,
)

/** The same, or no limit. */
export const rateOrOff: z.ZodPipe<z.ZodString, z.ZodTransform<Rate | 'off', string>> = reading(
  'a count and a period, or off. Write it as 600/min, 10/s or 1000/h.',
  (given): Rate | 'off' | undefined => (given === 'off' ? given : parseRate(given)),
)

const referenceWanted =
  'must say where the secret is, so that this file can be shown to anybody. Write env:NAME or file:PATH.'

/** Where a secret is. Only the reference is ever kept or shown. */
export const secret: z.ZodString = z
  .string({ error: ({ code }) => (code === 'invalid_type' ? referenceWanted : undefined) })
  .regex(secretReference, referenceWanted)
