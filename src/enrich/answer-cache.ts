import { LRUCache } from 'lru-cache'
import type { Clock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import type { Analysis } from './analysis.js'
import { analyseText, type Analysed, type AnalyseTextOptions, type Question } from './analyse-text.js'

export interface AnswerCacheOptions {
  /** Answers remembered, 1 or more. Each holds its text too, at most `maxTextBytes`. */
  readonly maxEntries: number
  /** How long an answer is good for. */
  readonly ttlMs: number
  readonly telemetry: Pick<Telemetry, 'nlpCache'>
  readonly clock: Clock
}

/**
 * Remembers answers by text, and lets equal texts in flight share one call: the first asks, the others wait for it without a
 * place. What the first one was refused for good, they are refused too; if it was stopped, each goes on by itself.
 */
export class AnswerCache {
  readonly #answers: LRUCache<string, Analysis>
  readonly #underWay = new Map<string, Promise<Analysed>>()
  readonly #telemetry: Pick<Telemetry, 'nlpCache'>

  /** @throws RangeError if a bound is out of range */
  constructor({ maxEntries, ttlMs, telemetry, clock }: AnswerCacheOptions) {
    if (!Number.isInteger(maxEntries) || maxEntries < 1) {
      throw new RangeError(`maxEntries must be an integer of 1 or more, not ${maxEntries}`)
    }
    if (!(ttlMs > 0)) throw new RangeError(`ttlMs must be above 0, not ${ttlMs}`)
    this.#answers = new LRUCache({ max: maxEntries, ttl: Math.ceil(ttlMs), perf: clock, ttlResolution: 0 })
    this.#telemetry = telemetry
  }

  /** Like `analyseText`; an answer that cost no call has 0 attempts. Rejects only for a fault of ours. */
  async analyse(question: Question, options: AnalyseTextOptions): Promise<Analysed> {
    const { text, slot, stop } = question
    const known = this.#answers.get(text)
    if (known !== undefined) {
      this.#telemetry.nlpCache(1, 0, 0)
      return { status: 'analysed', analysis: known, attempts: 0, startedMs: undefined }
    }
    const underWay = this.#underWay.get(text)
    if (underWay === undefined) return this.#ask(question, options)
    this.#telemetry.nlpCache(0, 1, 0)
    slot.release()
    const shared = await underWay
    if (shared.status === 'analysed') return { ...shared, attempts: 0, startedMs: undefined }
    if (shared.status === 'failed') return shared
    try {
      await slot.acquire(stop.signal)
    } catch {
      return shared
    }
    return this.analyse(question, options)
  }

  async #ask(question: Question, options: AnalyseTextOptions): Promise<Analysed> {
    this.#telemetry.nlpCache(0, 0, 1)
    const asking = new Promise<Analysed>((resolve, reject) => {
      analyseText(question, options, { done: resolve, failed: reject })
    })
    this.#underWay.set(question.text, asking)
    const analysed = await asking
    this.#underWay.delete(question.text)
    if (analysed.status === 'analysed') this.#answers.set(question.text, analysed.analysis)
    return analysed
  }
}
