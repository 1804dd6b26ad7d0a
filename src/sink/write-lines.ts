import { once } from 'node:events'
import { open, type FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { release, type Delivery, type Finished } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import { EnrichdError } from '../errors.js'
import type { Stage } from '../pipeline/stage.js'

/** Where lines go. */
export interface LineOutput {
  /** What a receipt names as the index: the file's path, or `stdout`. */
  readonly name: string
  /** Writes the text and resolves once it is where it will stay. Rejects with `SINK_FAILED` or `SINK_CLOSED`. */
  write(text: string): Promise<void>
  close(): Promise<void>
}

type Batch = readonly Delivery<EnrichedDocument>[]

/**
 * Writes documents as NDJSON, one line each, in the order in which they come; the id is not part of a line. One batch is
 * written at a time, and its records are handed on as indexed after the write has succeeded: the next batch is pulled
 * only then. A redelivery writes its line again: a file has no ids that would keep it out.
 *
 * Records whose lease is aborted, and all once `cutOff` is, are released. An output that fails ends the stage with
 * `SINK_FAILED`, or with `SINK_CLOSED` where a reader closed its end; the records of that batch are not handed on, and
 * so not settled. The output is closed when the stage ends, also on an early `return()`.
 */
export function writeLines(
  openOutput: () => Promise<LineOutput>,
  options: { readonly cutOff?: AbortSignal } = {},
): Stage<Batch, Finished> {
  return async function* (source) {
    const output = await openOutput()
    try {
      for await (const batch of source) yield* await writeBatch(batch, output, options.cutOff)
    } finally {
      await output.close()
    }
  }
}

async function writeBatch(
  batch: Batch,
  output: LineOutput,
  cutOff?: AbortSignal,
): Promise<readonly Finished[]> {
  let text = ''
  const finished = batch.map((delivery): Finished => {
    if (delivery.status !== 'in-flight') return delivery
    const { record, value } = delivery
    if (record.lease.aborted || cutOff?.aborted === true) return release(record)
    text += `${value.body}\n`
    return { status: 'indexed', record, receipt: { index: output.name, id: record.id, outcome: 'indexed' } }
  })
  if (text !== '') await output.write(text)
  return finished
}

/**
 * Appends to a file, which is made if it is not there. A write is done when the bytes are on the disk (`fdatasync`): once
 * per batch, so that a settled record survives the machine's death. A partial last line, left by a death in the middle
 * of a write, is ended first.
 */
export async function openFileOutput(path: string): Promise<LineOutput> {
  const file = await open(path, 'a+').catch((error: unknown) => {
    throw sinkFailed(path, error)
  })
  await endPartialLine(file).catch(async (error: unknown) => {
    await file.close()
    throw sinkFailed(path, error)
  })
  return {
    name: path,
    async write(text) {
      try {
        // Not `write`, which may write less than it was given.
        await file.appendFile(text)
        await syncData(file)
      } catch (error) {
        throw sinkFailed(path, error)
      }
    },
    close: () => file.close(),
  }
}

async function endPartialLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  if (size === 0) return
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  if (bytesRead === 1 && buffer[0] !== 0x0a) await file.appendFile('\n')
}

/** A pipe or a device cannot be synchronised, and need not be. */
async function syncData(file: FileHandle): Promise<void> {
  await file.datasync().catch((error: unknown) => {
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error
  })
}

/**
 * Writes to a stream such as `process.stdout`, which is not closed. A write is done when the stream has handed it to the
 * system. A reader that closed its end is `SINK_CLOSED`.
 */
export function openStreamOutput(stream: Writable, name: string): LineOutput {
  const closed = (cause?: unknown) =>
    new EnrichdError('SINK_CLOSED', `${name} was closed by its reader`, { kind: 'outage', cause })
  // Without a listener an EPIPE between two writes would end the process.
  const ignore = () => undefined
  // Standard output takes itself for usable again after an EPIPE, and would be waited for without end.
  let failed = false
  stream.on('error', ignore)
  return {
    name,
    write: (text) =>
      new Promise((resolve, reject) => {
        if (stream.destroyed || stream.writableEnded) {
          reject(closed())
          return
        }
        const written = (error: Error | null | undefined) => {
          failed ||= Boolean(error)
          if (error === null || error === undefined) resolve()
          else if (readerIsGone(error)) reject(closed(error))
          else reject(sinkFailed(name, error))
        }
        try {
          stream.write(text, written)
        } catch (error) {
          // Standard output that is a file is written at once, and throws where the disk is full.
          written(error as Error)
        }
      }),
    async close() {
      if (!failed && stream.writableNeedDrain && !stream.destroyed)
        await Promise.race([once(stream, 'drain'), once(stream, 'close')])
      stream.off('error', ignore)
    },
  }
}

function readerIsGone(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'EOF'].includes(
    codeOf(error),
  )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function sinkFailed(name: string, cause: unknown): EnrichdError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new EnrichdError('SINK_FAILED', `cannot write to ${name}: ${why}`, { kind: 'outage', cause })
}
