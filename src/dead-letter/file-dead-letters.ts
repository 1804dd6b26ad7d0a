import { open, type FileHandle } from 'node:fs/promises'
import type { Rejected } from '../delivery/delivery.js'
import { toDeadLetter } from './dead-letter.js'
import type { DeadLetterStore } from './dead-letter-writer.js'

/**
 * Dead letters as NDJSON at the end of a file: `key` and `value` in base64 (exact bytes), `headers` as text. Each write is
 * on the disk (`fdatasync`) before it resolves. Opened with the first write, and again after a failed one.
 */
export function fileDeadLetters(path: string): DeadLetterStore {
  let file: FileHandle | undefined
  return {
    async write(rejected) {
      file ??= await open(path, 'a')
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

function toLine(rejected: Rejected): string {
  const { key, value, headers } = toDeadLetter(rejected)
  const text = Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, headerText(each)]))
  return `${JSON.stringify({ key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null, headers: text })}\n`
}

function headerText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(headerText)
  return Buffer.isBuffer(value) ? value.toString() : value
}
