import type { Delivery } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import type { EnrichdError } from '../errors.js'
import { backOff } from '../pipeline/back-off.js'
import { CircuitBreaker } from '../pipeline/circuit-breaker.js'
import { systemClock, type Clock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import {
  admit,
  allKnown,
  anyUnderway,
  asEnrichdError,
  canVouch,
  checkId,
  halves,
  withoutLost,
  type Attempt,
  type Group,
  type LineItem,
} from './bulk-group.js'
import type { BulkEndpoint, ItemOutcome } from './bulk-request.js'
import type { BulkTraffic } from './bulk-traffic.js'
import { BulkWatch, ConnectionLost } from './bulk-watch.js'
import { GroupQueue } from './group-queue.js'
import { IndexNameBudget } from './index-name-budget.js'
import type { IndexName } from './index-name.js'
import { judgeBulk, type Judged } from './judge-bulk.js'
import { OutageReport } from './outage-report.js'
import { Outbox } from './outbox.js'

export interface BulkLineOptions {
  readonly endpoint: BulkEndpoint
  readonly indexName: IndexName
  /** Bulk requests in flight, at most. Overload lowers it for a while. */
  readonly maxConcurrency: number
  /** Records held, at most, plus one batch: in requests, between two attempts, and not yet taken by the consumer. */
  readonly maxHeldRecords: number
  /** For an item that Elasticsearch refuses for a reason we do not know while others succeed. */
  readonly retry: { readonly limit: number; readonly delayMs: number }
  /** How often an Elasticsearch that is down is tried again. */
  readonly probeIntervalMs: number
  /** Indices that records may bring into being within an hour, at most. */
  readonly maxNewNamesPerHour: number
  /** Told of each request. */
  readonly traffic?: BulkTraffic
  readonly telemetry: Telemetry
  readonly clock?: Clock
  /** For the jitter of the back-off, from 0 to 1; default `Math.random`. */
  readonly random?: () => number
}

/** Back-off while others succeed, times the failures in a row, up to `probeIntervalMs`. */
const failedDelayMs = 100
const maxSuspectDelayMs = 30_000
/** How long records at most wait for another hour's index names before they ask again, and complain. */
const maxNameWaitMs = 60_000

/**
 * Everything between a batch and its outcomes.
 *
 * A group is ready → (slot and breaker free) → in a request → its items are settled, or what is left is delayed → ready.
 * When nothing at all succeeds, what is left is ready at once and the breaker holds the line: one group at a time is
 * then sent as a probe, and one that fails goes behind the others, so that no single group can keep the line down.
 */
export class BulkLine {
  readonly outbox = new Outbox()
  readonly #options: BulkLineOptions
  readonly #clock: Clock
  readonly #breaker: CircuitBreaker
  readonly #names: IndexNameBudget
  readonly #report: OutageReport
  readonly #watch: BulkWatch
  readonly #queue: GroupQueue
  readonly #requests = new Map<Attempt, Promise<void>>()
  readonly #closing = new AbortController()
  readonly #onChange: () => void
  #limit: number
  /** Documents indexed, and records that Elasticsearch took or refused for good, since the start. */
  #indexed = 0
  #settled = 0
  #witness: LineItem | undefined
  #atBreaker = false

  /** `onChange` is called whenever the outbox or `hasRoom` may have something new to say. */
  constructor(options: BulkLineOptions, onChange: () => void) {
    const { probeIntervalMs, maxNewNamesPerHour, endpoint, telemetry, clock = systemClock } = options
    this.#options = options
    this.#onChange = onChange
    this.#clock = clock
    this.#limit = options.maxConcurrency
    const onReady = () => {
      this.#pump()
    }
    this.#queue = new GroupQueue({ clock, outbox: this.outbox, onReady })
    this.#breaker = new CircuitBreaker({ probeIntervalMs, clock })
    this.#report = new OutageReport(telemetry, clock)
    const witness = () => this.#witness ?? anyUnderway(this.#requests.keys(), this.#names)
    this.#watch = new BulkWatch({ endpoint, intervalMs: probeIntervalMs, clock, witness })
    this.#names = new IndexNameBudget({
      maxNewNamesPerHour,
      exists: (name, signal) => endpoint.exists(name, signal),
      clock,
    })
  }

  /** Whether another batch is wanted: a slot is free for it or, while the line waits, there is a group to turn to. */
  get hasRoom(): boolean {
    if (this.outbox.held >= this.#options.maxHeldRecords) return false
    if (this.#closing.signal.aborted) return true
    if (!this.#breaker.closed) return this.#queue.length < this.#options.maxConcurrency
    return this.#queue.length === 0 && this.#requests.size < this.#slots
  }

  /** Takes a batch in. What is not in flight, or cannot or need not be sent, is finished at once. */
  add(batch: readonly Delivery<EnrichedDocument>[]): void {
    this.outbox.took(batch.length)
    const items: LineItem[] = []
    for (const delivery of batch) {
      const item = this.#toItem(delivery)
      if (item !== undefined) items.push(item)
    }
    if (items.length > 0) this.#queue.addLast({ items, failures: 0, suspect: false })
    this.#pump()
  }

  /** Cancels every request and releases everything held. From now on `add` releases too. Resolves when nothing runs. */
  async cutOff(reason: unknown): Promise<void> {
    this.#closing.abort(reason)
    for (const attempt of this.#requests.keys()) attempt.abort.abort(reason)
    this.#queue.close()
    this.#watch.close()
    this.#onChange()
    await Promise.all(this.#requests.values())
    // Nobody waits at it any more; this stops its timer.
    this.#breaker.succeed()
  }

  #toItem(delivery: Delivery<EnrichedDocument>): LineItem | undefined {
    if (delivery.status !== 'in-flight') {
      this.outbox.pass(delivery)
      return undefined
    }
    const { record, value: document } = delivery
    if (this.#closing.signal.aborted || record.lease.aborted) {
      this.outbox.released(record)
      return undefined
    }
    try {
      checkId(record.id)
      const index = this.#options.indexName(document, record.topic)
      return { delivery, index, id: record.id, document, attempts: 0 }
    } catch (error) {
      this.outbox.rejected(record, asEnrichdError(error), 0)
      return undefined
    }
  }

  get #slots(): number {
    return Math.max(1, Math.floor(this.#limit))
  }

  /** The one door to a request: sends what may be sent, and says that something changed. */
  #pump(): void {
    while (this.#breaker.closed && this.#requests.size < this.#slots) {
      const group = this.#queue.shift()
      if (group === undefined) break
      this.#start(group, false)
    }
    if (!this.#breaker.closed && this.#queue.length > 0) void this.#waitAtBreaker()
    this.#onChange()
  }

  async #waitAtBreaker(): Promise<void> {
    if (this.#atBreaker || this.#closing.signal.aborted) return
    this.#atBreaker = true
    const entry = await this.#breaker.enter(this.#closing.signal).catch(() => undefined)
    this.#atBreaker = false
    if (entry === undefined) return
    if (entry === 'probe') {
      this.#queue.releaseLost()
      const group = this.#queue.shift()
      if (group === undefined || !this.#start(group, true)) this.#breaker.abandonProbe()
    }
    this.#pump()
  }

  /** False where nothing of the group was left to send. */
  #start(group: Group, probe: boolean): boolean {
    const ours = withoutLost(group, this.outbox)
    if (ours === undefined) return false
    const attempt: Attempt = {
      group: ours,
      probe,
      startedAtMs: this.#clock.now(),
      indexedBefore: this.#indexed,
      settledBefore: this.#settled,
      abort: new AbortController(),
    }
    this.#options.traffic?.began()
    this.#requests.set(attempt, this.#run(attempt))
    this.#watch.began(attempt)
    this.#options.telemetry.bulkInFlight(this.#requests.size)
    return true
  }

  async #run(started: Attempt): Promise<void> {
    let attempt = started
    try {
      if (!allKnown(started.group.items, this.#names)) attempt = await this.#admit(started)
      const { items } = attempt.group
      if (items.length > 0) this.#answered(attempt, await this.#send(attempt))
      else if (attempt.probe) this.#breaker.abandonProbe()
    } catch (error) {
      this.#failed(attempt, asEnrichdError(error))
    } finally {
      this.#watch.ended(started)
      this.#requests.delete(started)
      this.#options.telemetry.bulkInFlight(this.#requests.size)
      this.#pump()
      this.#options.traffic?.ended()
    }
  }

  async #admit(attempt: Attempt): Promise<Attempt> {
    const { group, abort } = attempt
    const { admitted, refused, error } = await admit(group.items, this.#names, abort.signal)
    if (error === undefined) return attempt
    this.#report.complain(error)
    this.#queue.addAfter(Math.min(error.retryAfterMs ?? maxNameWaitMs, maxNameWaitMs), {
      ...group,
      items: refused,
    })
    return { ...attempt, group: { ...group, items: admitted } }
  }

  #send({ group, abort }: Attempt): Promise<readonly ItemOutcome[]> {
    // With nothing else under way, only a document that is known to be good can tell whether the fault is the
    // suspects' own. Writing it again changes nothing: same id, same content.
    const witness = group.suspect ? this.#witness : undefined
    const items = witness === undefined ? group.items : [...group.items, witness]
    return this.#options.endpoint.bulk(items, abort.signal)
  }

  #answered(attempt: Attempt, outcomes: readonly ItemOutcome[]): void {
    const { items } = attempt.group
    const { indexed, rejected, waiting, suspects } = judgeBulk(items, outcomes)
    for (const { item, outcome } of indexed) {
      this.outbox.indexed(item.delivery.record, { index: item.index, id: item.id, outcome })
    }
    for (const { item, error } of rejected) {
      this.outbox.rejected(item.delivery.record, error, item.attempts + 1)
    }
    const witnessed = typeof outcomes[items.length] === 'string' ? 1 : 0
    this.#indexed += indexed.length + witnessed
    this.#settled += indexed.length + witnessed + rejected.length
    if (this.#settled > attempt.settledBefore) this.#succeeded()
    this.#remember(indexed.at(-1)?.item)

    const allDone = waiting.length + suspects.length === 0
    this.#finish(attempt, allDone && rejected.length === 0 ? 'ok' : 'partial')
    if (allDone) this.#limit = Math.min(this.#options.maxConcurrency, this.#limit + 1)
    this.#comeBack(attempt, waiting)
    this.#comeBack(attempt, this.#stillSuspect(attempt, suspects))
  }

  /** An unknown refusal counts only if something else was indexed since the attempt began. */
  #stillSuspect(attempt: Attempt, suspects: readonly Judged<LineItem>[]): readonly Judged<LineItem>[] {
    if (this.#indexed === attempt.indexedBefore) return suspects
    return suspects.filter(({ item, error }) => {
      item.attempts++
      if (item.attempts < this.#options.retry.limit) return true
      this.outbox.rejected(item.delivery.record, error, item.attempts)
      return false
    })
  }

  #comeBack(attempt: Attempt, judged: readonly Judged<LineItem>[]): void {
    const worst = judged.find(({ error }) => error.kind === 'setting') ?? judged[0]
    if (worst === undefined) return
    for (const { item, error } of judged)
      this.#options.telemetry.retrying('index', error, item.delivery.record)
    this.#wait(
      attempt,
      judged.map(({ item }) => item),
      worst.error,
    )
  }

  /** The request as a whole came to nothing. */
  #failed(attempt: Attempt, error: EnrichdError): void {
    const { group, probe } = attempt
    this.#finish(attempt, 'failed')
    if (this.#closing.signal.aborted) {
      this.#queue.addLast(group)
    } else if (error.code === 'INDEX_TOO_LARGE') {
      this.#tooLarge(group, error)
    } else if (error instanceof ConnectionLost) {
      this.#options.telemetry.retrying('index', error)
      this.#queue.addFirst(group)
      if (probe) this.#breaker.abandonProbe()
    } else {
      this.#options.telemetry.retrying('index', error)
      this.#wait(attempt, group.items, error)
    }
  }

  #tooLarge(group: Group, error: EnrichdError): void {
    // A size that is refused is an answer: what refuses is not down.
    this.#settled++
    this.#succeeded()
    const only = group.items.length === 1 ? group.items[0] : undefined
    if (only === undefined) this.#queue.addFirst(...halves(group))
    else this.outbox.rejected(only.delivery.record, error, only.attempts + 1)
  }

  /** Others succeed: only these wait. None does: the line waits. */
  #wait(attempt: Attempt, items: readonly LineItem[], error: EnrichdError): void {
    const group: Group = { items, failures: attempt.group.failures + 1, suspect: error.kind === 'suspect' }
    // Once closed the queue releases them, and it is no business of the breaker's.
    const lineWaits = this.#settled === attempt.settledBefore && !this.#closing.signal.aborted
    if (lineWaits) {
      this.#report.down(error)
      this.#breaker.trip(error, error.retryAfterMs)
      this.#queue.addLast(group)
      return
    }
    if (error.code === 'INDEX_OVERLOADED') this.#limit = Math.max(1, this.#limit / 2)
    if (error.kind === 'setting') this.#report.complain(error)
    this.#queue.addAfter((error.retryAfterMs ?? 0) + this.#jitter(group), group)
  }

  #jitter({ items, failures, suspect }: Group): number {
    const { retry, probeIntervalMs, random = Math.random } = this.#options
    if (!suspect) return backOff(failures, { delayMs: failedDelayMs, maxDelayMs: probeIntervalMs, random })
    const attempt = Math.max(1, ...items.map((item) => item.attempts))
    return backOff(attempt, { delayMs: retry.delayMs, maxDelayMs: maxSuspectDelayMs, random })
  }

  #succeeded(): void {
    this.#report.up()
    this.#breaker.succeed()
  }

  #remember(item: LineItem | undefined): void {
    if (item !== undefined && canVouch(item)) this.#witness = item
  }

  #finish(attempt: Attempt, outcome: 'ok' | 'partial' | 'failed'): void {
    const durationMs = this.#clock.now() - attempt.startedAtMs
    this.#options.telemetry.bulkFinished(durationMs, attempt.group.items.length, outcome)
  }
}
