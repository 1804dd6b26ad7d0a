import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs'

/** Lines held for a reader that does not keep up; what comes beyond is lost and counted. */
const MAX_HELD_CHARS = 4 * 1_048_576
const MAX_WRITE_CHARS = 65_536
const RETRY_MS = 20

/**
 * Writes lines to a descriptor and never waits for its reader: one that stands still holds up nobody, neither the event
 * loop nor the end of the process, and one that goes away ends nothing. What the reader takes at once is written at
 * once, so that a crash loses no line that was told before.
 *
 * idle → holding (the reader has no room) → idle; idle | holding → broken (the reader is gone)
 */
export class LineWriter {
  readonly #fd: number
  readonly #isOwn: boolean
  /** Writing to it cannot block: a file, or a pipe or terminal that was opened so. */
  readonly #immediate: boolean
  #held: string[] = []
  #heldChars = 0
  /** Begun: bytes of held lines that the reader has not taken yet, and how many lines they were. */
  #begun: { readonly bytes: Buffer; readonly lines: number } | undefined
  #waiting = false
  #broken = false
  #lost = 0
  #idle: (() => void)[] = []

  /**
   * Where it can be had (Linux; not for sockets), the descriptor is opened once more so that writing cannot block; else
   * writes are left to Node's threads, and a reader that stands still may then hold up the end of the process.
   *
   * @param fd stays open, and as it is for others who share it
   */
  constructor(fd: number) {
    const reopened = reopenWithoutBlocking(fd)
    this.#fd = reopened ?? fd
    this.#isOwn = reopened !== undefined
    this.#immediate = reopened !== undefined || isFile(fd)
  }

  /** Lines that nobody got. */
  get lost(): number {
    return this.#lost
  }

  write(line: string): void {
    if (this.#broken || this.#heldChars + line.length > MAX_HELD_CHARS) {
      this.#lost++
      return
    }
    this.#held.push(line)
    this.#heldChars += line.length
    if (!this.#waiting) this.#pump()
  }

  /** Resolves once nothing is held, or after `timeoutMs`. Never rejects. */
  flush(timeoutMs: number): Promise<void> {
    if (!this.#waiting) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#idle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** The one door: from here on `#waiting` says whether somebody will call it again. */
  #pump(): void {
    this.#waiting = false
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (!this.#immediate) {
        this.#waiting = true
        write(this.#fd, next, (error, taken) => {
          this.#taken(error, taken)
        })
        return
      }
      try {
        this.#advance(writeSync(this.#fd, next))
      } catch (error) {
        if (this.#failed(error) === 'later') return
      }
    }
    for (const idle of this.#idle.splice(0)) idle()
  }

  #taken(error: Error | null, taken: number): void {
    if (error === null) {
      this.#advance(taken)
      this.#pump()
      return
    }
    if (this.#failed(error) === 'never') this.#pump()
  }

  #next(): Buffer | undefined {
    if (this.#begun !== undefined) return this.#begun.bytes
    if (this.#held.length === 0) return undefined
    let lines = 0
    let chars = 0
    while (lines < this.#held.length && chars < MAX_WRITE_CHARS) chars += (this.#held[lines++] ?? '').length
    const bytes = Buffer.from(this.#held.splice(0, lines).join(''))
    this.#heldChars -= chars
    this.#begun = { bytes, lines }
    return bytes
  }

  #advance(taken: number): void {
    const { bytes, lines } = this.#begun ?? { bytes: Buffer.alloc(0), lines: 0 }
    this.#begun = taken >= bytes.length ? undefined : { bytes: bytes.subarray(taken), lines }
  }

  /** @returns when the lines that were begun may be written */
  #failed(error: unknown): 'later' | 'never' {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') {
      this.#waiting = true
      setTimeout(() => {
        this.#pump()
      }, RETRY_MS).unref()
      return 'later'
    }
    this.#broken = true
    this.#lost += (this.#begun?.lines ?? 0) + this.#held.length
    this.#begun = undefined
    this.#held = []
    this.#heldChars = 0
    if (this.#isOwn) closeSync(this.#fd)
    return 'never'
  }
}

/** The same pipe or terminal once more, in a mode that concerns nobody else; undefined where that cannot be had. */
function reopenWithoutBlocking(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd)
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false
  }
}
