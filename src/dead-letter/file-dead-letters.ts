import { isUtf8 } from 'node:buffer'
import { open, type FileHandle } from 'node:fs/promises'
import type { Rejected } from '../delivery/delivery.js'
import { toDeadLetter } from './dead-letter.js'
import type { DeadLetterStore } from './dead-letter-writer.js'

const LINE_END = 0x0a

/**
 * Dead letters as NDJSON at the end of a file: `key` and `value` in base64 (exact bytes), `headers` as text, or as
 * `{"base64": …}` where they are no UTF-8. Each write is on the disk (`fdatasync`) before it resolves. Opened with the first
 * write, and again after a failed one; a line that a crash cut off gets its end, so that it spoils no other.
 */
export function fileDeadLetters(path: string): DeadLetterStore {
  let file: FileHandle | undefined
  return {
    async write(rejected) {
      file ??= await openAtLineEnd(path)
      try {
        await file.appendFile(rejected.map(toLine).join(''))
        await file.datasync()
      } catch (error) {
        await file.close().catch(() => undefined)
        file = undefined
        throw error
      }
    },
    async close() {
      await file?.close()
      file = undefined
    },
  }
}

async function openAtLineEnd(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+')
  try {
    const { size } = await file.stat()
    const last = size > 0 ? (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] : LINE_END
    if (last !== LINE_END) await file.appendFile('\n')
    return file
  } catch (error) {
    await file.close().catch(() => undefined)
    throw error
  }
}

function toLine(rejected: Rejected): string {
  const { key, value, headers } = toDeadLetter(rejected)
  const text = Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, headerText(each)]))
  return `${JSON.stringify({ key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null, headers: text })}\n`
}

function headerText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(headerText)
  if (!Buffer.isBuffer(value)) return value
  return isUtf8(value) ? value.toString() : { base64: value.toString('base64') }
}
