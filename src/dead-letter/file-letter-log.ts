import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { RecordHeaders } from '../delivery/delivery.js'
import { decodeSettledRanges } from '../delivery/settled-ranges.js'
import { EnrichdError } from '../errors.js'
import type { LetterLog, LyingLetter } from './letter-log.js'

const LINE_END = 0x0a
/** Lines of one `read`. */
const LINES = 200
/** A file holds more than the metadata of a commit. */
const MAX_TRACE_BYTES = 16 * 1024 * 1024

interface Trace {
  /** Of the first line: a file of the same name that begins otherwise is another one. */
  readonly file: string
  readonly upTo: number
  readonly metadata: string
}

/**
 * Dead letters in a file, as `fileDeadLetters` writes them; a letter's offset is the number of its line, from 0. The trace is
 * a file beside it, `PATH.replayed`, replaced as a whole each time. A line that is no dead letter is left out.
 */
export function fileLetterLog(path: string): LetterLog {
  const tracePath = `${path}.replayed`
  let bytes = 0
  let file = ''
  let lines: AsyncIterator<string> | undefined
  let next = 0
  return {
    name: path,
    maxTraceBytes: MAX_TRACE_BYTES,
    async open() {
      const found = await measure(path)
      bytes = found.bytes
      file = found.file
      const trace = await readTrace(tracePath)
      const known = trace?.file === file && trace.upTo <= found.lines ? trace : undefined
      const tracedUpTo = known?.upTo ?? 0
      const traced = known === undefined ? [] : decodeSettledRanges(tracedUpTo, known.metadata)
      return [{ topic: path, partition: 0, earliest: 0, end: found.lines, tracedUpTo, traced }]
    },
    async read({ end }, position) {
      if (bytes === 0) return { letters: [], position: end }
      lines ??= linesOf(path, bytes)
      const letters: LyingLetter[] = []
      while (next < end && next < position + LINES) {
        const line = await lines.next()
        if (line.done === true) return { letters, position: end }
        const letter = next >= position ? parseLetter(line.value, next) : undefined
        if (letter !== undefined) letters.push(letter)
        next++
      }
      return { letters, position: next }
    },
    async saveTrace([settled]) {
      if (settled === undefined) return
      const trace: Trace = { file, upTo: settled.offset, metadata: settled.metadata }
      try {
        await writeFile(`${tracePath}.new`, `${JSON.stringify(trace)}\n`)
        await rename(`${tracePath}.new`, tracePath)
      } catch (error) {
        const message = `the trace ${tracePath} cannot be written: ${(error as Error).message}`
        throw new EnrichdError('DEAD_LETTER_FAILED', message, { kind: 'outage', cause: error })
      }
    },
    async close() {
      await lines?.return?.()
    },
  }
}

interface Measured {
  /** Lines that have their end: one that is being written is left for the next time. */
  readonly lines: number
  readonly bytes: number
  readonly file: string
}

async function measure(path: string): Promise<Measured> {
  let measured = { lines: 0, bytes: 0, read: 0 }
  const first = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      if (measured.lines === 0) first.update(chunk.subarray(0, (chunk.indexOf(LINE_END) + 1 || Infinity) - 1))
      measured = withChunk(measured, chunk)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, error)
  }
  return { ...measured, file: first.digest('hex') }
}

interface SoFar {
  readonly lines: number
  /** To the end of the last line. */
  readonly bytes: number
  readonly read: number
}

function withChunk({ lines, bytes, read }: SoFar, chunk: Buffer): SoFar {
  let ends = 0
  for (let at = chunk.indexOf(LINE_END); at !== -1; at = chunk.indexOf(LINE_END, at + 1)) ends++
  const last = chunk.lastIndexOf(LINE_END)
  return { lines: lines + ends, bytes: last === -1 ? bytes : read + last + 1, read: read + chunk.length }
}

async function* linesOf(path: string, bytes: number): AsyncGenerator<string, void, undefined> {
  const input = createReadStream(path, { end: bytes - 1 })
  try {
    yield* createInterface({ input, crlfDelay: Infinity })
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    input.destroy()
  }
}

function unreadable(path: string, cause: unknown): EnrichdError {
  const message = `the dead letters in ${path} cannot be read: ${(cause as Error).message}`
  return new EnrichdError('SOURCE_FAILED', message, { kind: 'setting', cause })
}

function parseLetter(line: string, offset: number): LyingLetter | undefined {
  try {
    const { key, value, headers } = JSON.parse(line) as { key: unknown; value: unknown; headers: unknown }
    return {
      offset,
      key: bytesOf(key),
      value: bytesOf(value),
      headers: headersOf(headers),
    }
  } catch {
    return undefined
  }
}

function headersOf(headers: unknown): RecordHeaders {
  if (typeof headers !== 'object' || headers === null) return {}
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(headerOf) : headerOf(value),
    ]),
  )
}

function headerOf(value: unknown): string | Buffer {
  if (typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string')
    return Buffer.from(value.base64, 'base64')
  return String(value)
}

function bytesOf(text: unknown): Buffer | null {
  return typeof text === 'string' ? Buffer.from(text, 'base64') : null
}

async function readTrace(path: string): Promise<Trace | undefined> {
  try {
    const { file, upTo, metadata } = JSON.parse(await readFile(path, 'utf8')) as Partial<Trace>
    if (typeof file !== 'string' || typeof upTo !== 'number' || typeof metadata !== 'string') return undefined
    return { file, upTo, metadata }
  } catch {
    return undefined
  }
}
