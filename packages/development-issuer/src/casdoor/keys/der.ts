/** The few forms of DER (X.690) that a certificate is made of. */
const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
}

function encode(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content])
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

export const der = {
  sequence: (...parts: readonly Uint8Array[]): Buffer => encode(tags.sequence, Buffer.concat(parts)),
  set: (...parts: readonly Uint8Array[]): Buffer => encode(tags.set, Buffer.concat(parts)),
  /** Below 2^31. */
  integer: (value: number): Buffer => {
    const bytes = Buffer.alloc(5)
    bytes.writeUInt32BE(value, 1)
    // A first bit that is set would make the number negative, so one zero byte stays before it.
    const start = bytes.findIndex((byte, index) => byte !== 0 || index === 4)
    return encode(tags.integer, bytes.subarray((bytes[start] ?? 0) >= 0x80 ? start - 1 : start))
  },
  bitString: (content: Uint8Array): Buffer =>
    encode(tags.bitString, Buffer.concat([Buffer.from([0]), content])),
  octetString: (content: Uint8Array): Buffer => encode(tags.octetString, content),
  true: encode(tags.boolean, Buffer.from([0xff])),
  null: encode(tags.null, Buffer.alloc(0)),
  /** Of an id whose encoded bytes are known, in hexadecimal. */
  objectId: (encoded: string): Buffer => encode(tags.objectId, Buffer.from(encoded, 'hex')),
  /** Of the few characters that every certificate may have, or of any. */
  text: (text: string): Buffer =>
    encode(
      /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? tags.printableString : tags.utf8String,
      Buffer.from(text),
    ),
  /** The short form up to 2049, as certificates must have it (RFC 5280 section 4.1.2.5). */
  time: (seconds: number): Buffer => {
    const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '')
    return digits < '2050'
      ? encode(tags.utcTime, Buffer.from(digits.slice(2), 'latin1'))
      : encode(tags.generalizedTime, Buffer.from(digits, 'latin1'))
  },
  /** Content under a tag of its own, as `[n] EXPLICIT`. */
  explicit: (number: number, content: Uint8Array): Buffer => encode(0xa0 | number, content),
}
