import { createHash } from 'node:crypto'
import { open as openHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type { SourceRecord } from '../delivery/delivery.js'
import { EnrichdError } from '../errors.js'
import { LineSplitter } from './split-lines.js'
import { chargedBytes } from '../delivery/charged-bytes.js'
import type { Line } from './split-lines.js'

export type LinesInput =
  /** `path` may be relative; records carry it absolute. */
  | { readonly type: 'file'; readonly path: string }
  /** `startedAtMs`: when the process started, in ms since 1970; it makes the ids of this run its own. */
  | {
      readonly type: 'stdin'
      readonly stream: Readable
      readonly startedAtMs: number
      /** Ms since 1970; default `Date.now`. */
      readonly now?: () => number
    }

export interface LinesSourceOptions {
  readonly input: LinesInput
  /** Ends the iteration, also while it waits for input; what was not handed out is left. */
  readonly draining: AbortSignal
  /** A longer line is cut there and marked (`cutFromBytes`), which makes it a dead letter. Default 16 MiB. */
  readonly maxLineBytes?: number
}

/**
 * Reads a file or a stream line by line, LF or CR LF, the last one with or without its end. Empty lines count but are no
 * records. Pulls the next chunk when the last one's lines are taken: memory is bounded by two chunks and one line. The
 * bytes of a line are exact; they share the memory of their chunk.
 *
 * A file's record has the id `path-line` and the file's time of modification as its timestamp. Stdin's has `start-line`
 * and the time when it was read, as nothing else tells when a line of a pipe that stays open was written.
 *
 * An early `return()` closes the input at once, also during a `next()`.
 *
 * @throws {RangeError} if `maxLineBytes` is no positive integer
 * @throws {EnrichdError} while iterating: `SOURCE_FAILED`, a `setting` where the file cannot be opened or is a directory,
 *   an `outage` where reading fails later
 */
export function linesSource(options: LinesSourceOptions): AsyncIterable<SourceRecord> {
  const { maxLineBytes = 16 * 1024 * 1024 } = options
  if (!Number.isSafeInteger(maxLineBytes) || maxLineBytes < 1) {
    throw new RangeError(`maxLineBytes must be a positive integer, not ${maxLineBytes}`)
  }
  return {
    [Symbol.asyncIterator]() {
      const closed = new AbortController()
      const ended = AbortSignal.any([options.draining, closed.signal])
      const records = readRecords(options.input, new LineSplitter(maxLineBytes), ended)
      return {
        next: () => records.next(),
        return: () => {
          closed.abort()
          return records.return(undefined)
        },
      }
    },
  }
}

async function* readRecords(
  input: LinesInput,
  splitter: LineSplitter,
  ended: AbortSignal,
): AsyncGenerator<SourceRecord, undefined, undefined> {
  const origin = await open(input)
  for await (const chunk of chunksOf(origin.stream, ended)) {
    for (const line of splitter.push(chunk)) {
      if (ended.aborted) return
      yield toRecord(origin, line)
    }
  }
  const last = ended.aborted ? undefined : splitter.flush()
  if (last !== undefined) yield toRecord(origin, last)
}

/** The stream's chunks until its end or the signal; the stream is closed afterwards either way. */
async function* chunksOf(stream: Readable, ended: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const close = (): void => void stream.destroy()
  ended.addEventListener('abort', close, { once: true })
  if (ended.aborted) close()
  try {
    for await (const chunk of stream as AsyncIterable<Buffer | string>) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    }
  } catch (error) {
    if (!ended.aborted) throw readingFailed(error)
  } finally {
    ended.removeEventListener('abort', close)
    stream.destroy()
  }
}

function readingFailed(cause: unknown): EnrichdError {
  const isDirectory = cause instanceof Error && 'code' in cause && cause.code === 'EISDIR'
  const why = cause instanceof Error ? cause.message : String(cause)
  return new EnrichdError('SOURCE_FAILED', `Reading the input failed: ${why}.`, {
    kind: isDirectory ? 'setting' : 'outage',
    cause,
  })
}

/** Where lines come from, as their records tell it. */
interface Origin {
  readonly stream: Readable
  readonly topic: string
  readonly idPrefix: string
  readonly timestampMs: () => number
}

async function open(input: LinesInput): Promise<Origin> {
  if (input.type === 'file') return openFile(resolve(input.path))
  const { stream, startedAtMs, now = Date.now } = input
  return { stream, topic: 'stdin', idPrefix: String(startedAtMs), timestampMs: now }
}

async function openFile(path: string): Promise<Origin> {
  try {
    const file = await openHandle(path)
    const { mtimeMs } = await file.stat()
    const stream = file.createReadStream({ highWaterMark: chunkBytes })
    return { stream, topic: path, idPrefix: idPrefixOf(path), timestampMs: () => Math.floor(mtimeMs) }
  } catch (cause) {
    throw new EnrichdError('SOURCE_FAILED', `Cannot open ${path}: ${(cause as Error).message}.`, {
      kind: 'setting',
      cause,
    })
  }
}

const chunkBytes = 64 * 1024
/** Elasticsearch takes ids of up to 512 bytes, and paths can be longer: such a path is named by its digest. */
const longestIdPrefix = 480

function idPrefixOf(path: string): string {
  if (Buffer.byteLength(path) <= longestIdPrefix) return path
  return createHash('sha256').update(path).digest('hex')
}

/** A file has no owner who could take it away: its records' lease is never aborted. */
const lease = new AbortController().signal
const noHeaders = {}

function toRecord(origin: Origin, line: Line): SourceRecord {
  return {
    id: `${origin.idPrefix}-${line.number}`,
    topic: origin.topic,
    partition: 0,
    offset: line.number,
    timestampMs: origin.timestampMs(),
    key: null,
    value: line.bytes,
    headers: noHeaders,
    bytes: chargedBytes(line.bytes.length),
    origin: 'file',
    lease,
    ...(line.cutFromBytes !== undefined && { cutFromBytes: line.cutFromBytes }),
  }
}
