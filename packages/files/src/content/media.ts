export interface Media {
  readonly kind: 'image' | 'audio' | 'other'
  readonly mimeType: string
}

interface Magic extends Media {
  /** Where the bytes stand, and what they are, one character a byte. */
  readonly marks: readonly (readonly [offset: number, bytes: string])[]
}

const magics: readonly Magic[] = [
  { kind: 'image', mimeType: 'image/png', marks: [[0, '\x89PNG\r\n\x1a\n']] },
  { kind: 'image', mimeType: 'image/jpeg', marks: [[0, '\xff\xd8\xff']] },
  { kind: 'image', mimeType: 'image/gif', marks: [[0, 'GIF87a']] },
  { kind: 'image', mimeType: 'image/gif', marks: [[0, 'GIF89a']] },
  {
    kind: 'image',
    mimeType: 'image/webp',
    marks: [
      [0, 'RIFF'],
      [8, 'WEBP'],
    ],
  },
  {
    kind: 'audio',
    mimeType: 'audio/wav',
    marks: [
      [0, 'RIFF'],
      [8, 'WAVE'],
    ],
  },
  { kind: 'audio', mimeType: 'audio/mpeg', marks: [[0, 'ID3']] },
  { kind: 'audio', mimeType: 'audio/mpeg', marks: [[0, '\xff\xfb']] },
  { kind: 'audio', mimeType: 'audio/ogg', marks: [[0, 'OggS']] },
  { kind: 'audio', mimeType: 'audio/flac', marks: [[0, 'fLaC']] },
]

/** What a file that is not text is, by its first bytes. Its name is not asked: names may lie. */
export function mediaOf(head: Buffer): Media {
  const found = magics.find(({ marks }) =>
    marks.every(([offset, bytes]) => head.toString('latin1', offset, offset + bytes.length) === bytes),
  )
  return found ?? { kind: 'other', mimeType: 'application/octet-stream' }
}
