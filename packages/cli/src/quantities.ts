const bytesOf: Readonly<Record<string, number>> = {
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

/** A size with its unit, such as `500MiB` or `2GB`, as bytes; `undefined` when it is none. */
export function parseSize(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([kMGT]B|[KMGT]iB)$/.exec(text) ?? []
  const bytes = count === undefined || unit === undefined ? 0 : Number(count) * (bytesOf[unit] ?? 0)
  return bytes === 0 || !Number.isSafeInteger(bytes) ? undefined : bytes
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** A time with its unit, such as `30s`, `10m`, `2h` or `1d`, as seconds; `undefined` when it is none, or nothing. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const seconds = count === undefined || unit === undefined ? 0 : Number(count) * (secondsOf[unit] ?? 0)
  return seconds === 0 ? undefined : seconds
}
