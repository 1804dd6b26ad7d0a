const lineFeed = 10
const carriageReturn = 13

export interface Line {
  /** The line without its end, or its first `maxLineBytes` bytes. */
  readonly bytes: Buffer
  /** Counted from 1, empty lines too. */
  readonly number: number
  /** How long the line was, where that was too long. */
  readonly cutFromBytes: number | undefined
}

/**
 * Cuts chunks of bytes into lines that end with LF or CR LF. Holds at most `maxLineBytes` of a line that has not ended
 * yet: what is beyond is counted and forgotten. Empty lines are counted and not handed out.
 */
export class LineSplitter {
  readonly #maxLineBytes: number
  #number = 0
  #begun: Buffer[] = []
  #begunBytes = 0
  #length = 0

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** The lines that end in this chunk. They share its memory. */
  *push(chunk: Buffer): Generator<Line, void, undefined> {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      const line = this.#end(chunk.subarray(start, end))
      start = end + 1
      if (line !== undefined) yield line
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
  }

  /** The last line, if it has no end. */
  flush(): Line | undefined {
    return this.#length === 0 ? undefined : this.#end(Buffer.alloc(0))
  }

  /** A CR at the bound may belong to the line's end, so one byte more is kept. */
  #keep(part: Buffer): void {
    const kept = part.subarray(0, Math.max(0, this.#maxLineBytes + 1 - this.#begunBytes))
    if (kept.length > 0) this.#begun.push(kept)
    this.#begunBytes += kept.length
    this.#length += part.length
  }

  #end(last: Buffer): Line | undefined {
    this.#number++
    const line = this.#join(last)
    return line.bytes.length === 0 ? undefined : line
  }

  #join(last: Buffer): Line {
    const number = this.#number
    if (this.#length === 0 && last.length <= this.#maxLineBytes) {
      return { bytes: withoutCarriageReturn(last), number, cutFromBytes: undefined }
    }
    this.#keep(last)
    const length = this.#length
    const bytes = this.#begun.length === 1 ? (this.#begun[0] ?? last) : Buffer.concat(this.#begun)
    this.#begun = []
    this.#begunBytes = 0
    this.#length = 0
    const trimmed = length === bytes.length ? withoutCarriageReturn(bytes) : bytes
    if (trimmed.length <= this.#maxLineBytes) return { bytes: trimmed, number, cutFromBytes: undefined }
    return { bytes: trimmed.subarray(0, this.#maxLineBytes), number, cutFromBytes: length }
  }
}

function withoutCarriageReturn(line: Buffer): Buffer {
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line
}
