import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { mapConcurrent, Semaphore, type Outcome, type Slot } from '../../src/pipeline/index.js'
import { everyItemOnce } from './support/every-item-once.js'
import { range, sourceError, WatchedSource } from './support/watched-source.js'

interface Plan {
  readonly items: readonly { readonly fails: boolean; readonly pauses: number }[]
  readonly concurrency: number
  readonly order: 'none' | 'input' | 'key'
  /** Of the semaphore, and what it is resized to while the work goes on. Undefined: no semaphore. */
  readonly permits: number | undefined
  readonly resizes: readonly number[]
  /** Of those that are done and not taken. */
  readonly doneLimit: number | undefined
  /** What ends it: the source's end or error, an early return, or the abort of the work, after some results. */
  readonly ending: 'end' | 'throw' | 'return' | 'abort'
  readonly after: number
}

const plans: fc.Arbitrary<Plan> = fc.record({
  items: fc.array(fc.record({ fails: fc.boolean(), pauses: fc.nat(2) }), { maxLength: 20 }),
  concurrency: fc.integer({ min: 1, max: 6 }),
  order: fc.constantFrom('none', 'input', 'key'),
  permits: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  resizes: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 }),
  doneLimit: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  ending: fc.constantFrom('end', 'end', 'throw', 'return', 'abort'),
  after: fc.nat(20),
})

const keyOf = (item: number) => item % 3

/** One stage run to its end under a scheduler that decides what goes on next. */
class Run {
  readonly plan: Plan
  readonly source: WatchedSource<number>
  readonly results: Outcome<number, number>[] = []
  error: unknown
  inWork = 0
  maxInWork = 0
  /** In work and with a permit. */
  permitted = 0
  readonly #step: () => Promise<unknown>
  readonly #semaphore: Semaphore | undefined
  readonly #aborting = new AbortController()

  constructor(plan: Plan, step: () => Promise<unknown>, semaphore: Semaphore | undefined) {
    this.plan = plan
    this.#step = step
    this.#semaphore = semaphore
    const then = plan.ending === 'throw' ? 'throw' : 'end'
    this.source = new WatchedSource(range(plan.items.length), { then, pace: step })
  }

  async consume(): Promise<void> {
    const { concurrency, order, doneLimit: limit, ending, after } = this.plan
    const stage = mapConcurrent<number, number>((item, slot) => this.#work(item, slot), {
      concurrency,
      order,
      key: keyOf,
      ...(this.#semaphore && { semaphore: this.#semaphore }),
      ...(limit !== undefined && { doneLimit: { min: limit, max: limit } }),
    })
    const iterator = stage(this.source)[Symbol.asyncIterator]()
    let asked = 0
    try {
      for (;;) {
        if (ending === 'abort' && asked === after) this.#aborting.abort(new Error('aborted'))
        asked++
        const result = await iterator.next()
        if (result.done === true) break
        this.results.push(result.value)
        assert.ok(this.source.given.length <= asked + concurrency, 'more items held than the bound')
        if (ending === 'return' && asked > after) break
        await this.#step()
      }
      await iterator.return?.()
    } catch (error) {
      this.error = error
    }
  }

  async #work(item: number, slot: Slot): Promise<number> {
    const { fails, pauses } = this.plan.items[item]!
    this.maxInWork = Math.max(this.maxInWork, ++this.inWork)
    this.#permit(1)
    let permitted = true
    try {
      for (let pause = 0; pause < pauses; pause++) {
        await this.#step()
        this.#permit(-1)
        slot.release()
        permitted = false
        await this.#step()
        await slot.acquire(this.#aborting.signal)
        this.#permit(1)
        permitted = true
      }
      await this.#step()
      this.#aborting.signal.throwIfAborted()
      if (fails) throw new Error(`item ${item} fails`)
      return item * 2
    } finally {
      if (permitted) this.#permit(-1)
      this.inWork--
    }
  }

  #permit(change: 1 | -1): void {
    this.permitted += change
    if (this.#semaphore !== undefined)
      assert.ok(this.permitted <= this.#semaphore.inUse, 'an item is in work without a permit')
  }
}

function assertOutcome(run: Run): void {
  const { plan, source, results } = run
  const items = results.map(({ item }) => item)
  if (plan.ending === 'return') assert.equal(new Set(items).size, items.length)
  else everyItemOnce(source.given, items)
  for (const outcome of results) {
    if (outcome.status === 'fulfilled') assert.equal(outcome.value, outcome.item * 2)
    else if (plan.ending !== 'abort')
      assert.match(String(outcome.error), new RegExp(`item ${outcome.item} fails`))
    if (plan.ending !== 'abort') assert.equal(outcome.status === 'rejected', plan.items[outcome.item]!.fails)
  }
  if (plan.order === 'input') assert.deepEqual(items, range(items.length))
  if (plan.order === 'key')
    for (const key of range(3)) {
      const lane = items.filter((item) => keyOf(item) === key)
      assert.deepEqual(
        lane,
        lane.toSorted((a, b) => a - b),
      )
    }
}

function assertAllOver(run: Run): void {
  const { plan, source } = run
  assert.ok(run.maxInWork <= plan.concurrency, 'more in work than the bound')
  assert.equal(run.inWork, 0, 'something is still in work')
  assert.equal(source.pending, 0, 'the source is still waited for')
  assert.ok(source.ended || source.closed === 1, 'the source is open')
  const early = plan.ending === 'return' && !source.ended
  assert.equal(run.error, plan.ending === 'throw' && !early ? sourceError : undefined)
}

async function runAll(scheduler: fc.Scheduler, runs: readonly Run[], semaphore?: Semaphore): Promise<void> {
  const done = Promise.all(runs.map((run) => run.consume()))
  const resizes = semaphore === undefined ? [] : runs.flatMap(({ plan }) => plan.resizes)
  void (async () => {
    for (const permits of resizes) {
      await scheduler.schedule(Promise.resolve())
      semaphore?.resize(permits)
    }
  })()
  await scheduler.waitFor(done)
  for (const run of runs) {
    assertOutcome(run)
    assertAllOver(run)
  }
  assert.equal(semaphore?.inUse ?? 0, 0, 'a permit was not given back')
  assert.equal(semaphore?.waiting ?? 0, 0, 'somebody still waits for a permit')
}

it('mapConcurrent gives every item once, in order and within its bounds, and leaves nothing behind, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
      const semaphore = plan.permits === undefined ? undefined : new Semaphore(plan.permits)
      const step = () => scheduler.schedule(Promise.resolve())
      await runAll(scheduler, [new Run(plan, step, semaphore)], semaphore)
    }),
    { numRuns: 300 },
  )
})

it('mapConcurrent does so too where two stages side by side share a semaphore that is resized', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plans, plans, async (scheduler, one, other) => {
      const semaphore = new Semaphore(one.permits ?? 1)
      const step = () => scheduler.schedule(Promise.resolve())
      await runAll(scheduler, [new Run(one, step, semaphore), new Run(other, step, semaphore)], semaphore)
    }),
    { numRuns: 200 },
  )
})
