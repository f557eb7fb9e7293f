/** Loaded into a process before everything else: SIGUSR2 moves its clock on by two hours, and it says so. */
let offset = 0

globalThis.Date = new Proxy(Date, {
  // A Date is what the constructor of Date makes, and its arguments are passed on as they come.
  construct: (target, words: [], newTarget): Date =>
    Reflect.construct(target, words.length === 0 ? [target.now() + offset] : words, newTarget) as Date,
  get: (target, name, receiver): unknown =>
    name === 'now' ? () => target.now() + offset : Reflect.get(target, name, receiver),
})

process.on('SIGUSR2', () => {
  offset += 2 * 3_600_000
  process.stderr.write('the clock was moved\n')
})
