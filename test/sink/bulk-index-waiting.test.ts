import assert from 'node:assert/strict'
import type { EnrichdError } from '../../src/errors.js'
import { bench, offsets, range, records } from '../support/bulk-bench.js'
import { byStatus, inBatches, inFlight, toArray, until } from '../support/sink-records.js'

bench('an item refused for overload for a long time never becomes a dead letter', async ({ fake, run }) => {
  fake.onBulk = (_, number) => ({
    item: ({ id }) =>
      id.includes('-0-0-') && number < 15 ? { status: 429, type: 'circuit_breaking_exception' } : undefined,
  })
  assert.equal(byStatus(await run([records(3)])).indexed, 3)
})

bench('an outage stops the line, is told once, and ends by itself', async ({ fake, told, run }) => {
  let down = true
  fake.onBulk = () => (down ? { status: 503 } : 'ok')
  setTimeout(() => (down = false), 150)
  const finished = await run(inBatches(records(500), 50))
  assert.deepEqual(offsets(finished), range(500))
  assert.equal(byStatus(finished).indexed, 500)
  assert.equal(told.count('dependencyDown'), 1)
  assert.equal(told.count('dependencyUp'), 1)
  assert.ok(told.count('dependencyStillDown') >= 2)
  const failed = told.told.filter(
    ({ event, args }) => event === 'bulkFinished' && args[2] === 'failed',
  ).length
  assert.ok(failed <= 4 + 150 / 20 + 2, `${failed} bulks were tried during the outage`)
})

bench('while the line waits, one bulk at a time probes', async ({ fake, run }) => {
  let down = true
  let most = 0
  fake.onBulk = async (_, number) => {
    if (number > 4 && down) most = Math.max(most, fake.inFlight)
    await new Promise((resolve) => setTimeout(resolve, 10))
    return down ? 'reset' : 'ok'
  }
  setTimeout(() => (down = false), 200)
  assert.equal(byStatus(await run(inBatches(records(400), 50))).indexed, 400)
  assert.equal(most, 1)
})

bench(
  'a wrong setting stops the line until it is right, and nothing is rejected',
  async ({ fake, told, run }) => {
    let revoked = true
    const body = {
      error: { type: 'security_exception', reason: 'missing authentication credentials' },
      status: 401,
    }
    fake.onBulk = () => (revoked ? { status: 401, body } : 'ok')
    setTimeout(() => (revoked = false), 100)
    assert.equal(byStatus(await run(inBatches(records(100), 50))).indexed, 100)
    const [, error] = told.told.find(({ event }) => event === 'dependencyDown')?.args as [
      string,
      EnrichdError,
    ]
    assert.equal(error.kind, 'setting')
    assert.match(error.message, /elasticsearch\.apiKey/)
  },
)

bench(
  'a bulk refused for overload while others succeed waits by itself as long as it was told',
  async (own) => {
    const { fake, told, run } = own
    const refusedAt: number[] = []
    let acceptedAt = 0
    fake.onBulk = async (items) => {
      if (!items.some(({ id }) => id.includes('-0-0-'))) return 'ok'
      await until(() => fake.documents.size > 0, 'another bulk succeeds')
      if (refusedAt.push(performance.now()) === 1) return { status: 429, headers: { 'retry-after': '0.3' } }
      acceptedAt = performance.now()
      return 'ok'
    }
    const finished = await run(inBatches(records(1000), 10))
    assert.equal(byStatus(finished).indexed, 1000)
    assert.ok(acceptedAt - refusedAt[0]! >= 300)
    const first = finished.findIndex(({ record }) => record.offset === 0)
    assert.ok(first >= 100, `only ${first} records went ahead`)
    assert.equal(told.count('dependencyDown'), 0)
  },
)

bench('Retry-After of an outage puts the next probe off', async ({ fake, run }) => {
  const at: number[] = []
  fake.onBulk = () =>
    at.push(performance.now()) === 1 ? { status: 503, headers: { 'retry-after': '0.25' } } : 'ok'
  await run([records(5)])
  assert.ok(at[1]! - at[0]! >= 245, `${at[1]! - at[0]!} ms`)
})

bench('overload while others succeed lowers the number of bulks in flight', async ({ fake, run }) => {
  let refused = 0
  const inFlightAfter: number[] = []
  fake.onBulk = async (_, number) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (fake.inFlight > 2) {
      refused++
      return { status: 429 }
    }
    if (number > 20) inFlightAfter.push(fake.inFlight)
    return 'ok'
  }
  assert.equal(byStatus(await run(inBatches(records(600), 10))).indexed, 600)
  assert.ok(refused > 0)
  assert.ok(inFlightAfter.length > 0)
})

bench('when every item is refused for an unknown reason, none is to blame', async ({ fake, told, run }) => {
  let odd = true
  fake.onBulk = () => ({ item: () => (odd ? { status: 400, type: 'odd_exception' } : undefined) })
  setTimeout(() => (odd = false), 150)
  assert.equal(byStatus(await run(inBatches(records(200), 50))).indexed, 200)
  assert.equal(told.count('dependencyDown'), 1)
})

bench(
  'a first record that is refused waits only until another one is known to be good',
  async ({ fake, stage }) => {
    fake.onBulk = () => ({
      item: ({ id }) => (id.includes('-0-0-') ? { status: 400, type: 'odd_exception' } : undefined),
    })
    async function* slowly() {
      yield [inFlight(0)]
      await until(() => fake.bulks.length > 3, 'the first record was tried again')
      yield [inFlight(1)]
    }
    const finished = await toArray(stage(slowly()))
    assert.deepEqual(byStatus(finished), { indexed: 1, rejected: 1, dropped: 0, released: 0 })
  },
)

bench(
  'a time-out after the bulk was applied is sent again and doubles nothing',
  async ({ fake, run }) => {
    fake.onBulk = (_, number) => (number === 2 ? 'store-and-hang' : 'ok')
    const finished = await run(inBatches(records(40), 10))
    assert.equal(byStatus(finished).indexed, 40)
    assert.equal(fake.documents.size, 40)
    assert.equal(fake.bulks.length, 5)
  },
  { requestTimeoutMs: 100, probeIntervalMs: 1000 },
)

bench(
  'requests that a fault of the network swallowed are sent again as soon as it is over',
  async ({ fake, told, run }) => {
    let swallowed = true
    fake.onBulk = () => (swallowed ? 'hang' : 'ok')
    fake.onHead = (name) => (swallowed && name === '' ? 'hang' : 200)
    setTimeout(() => (swallowed = false), 200)
    const startedAt = performance.now()
    assert.equal(byStatus(await run(inBatches(records(200), 50))).indexed, 200)
    assert.ok(performance.now() - startedAt < 1500)
    assert.ok(told.count('retrying') > 0)
  },
  { requestTimeoutMs: 8000, probeIntervalMs: 50 },
)

bench(
  'bulks that are never answered while pings are, are sent again as soon as a write is answered',
  async ({ fake, run }) => {
    let hanging = false
    fake.onBulk = (_, number) => {
      if (number === 2) {
        hanging = true
        setTimeout(() => (hanging = false), 200)
      }
      return hanging ? 'hang' : 'ok'
    }
    fake.onPut = () => (hanging ? 'hang' : 200)
    const startedAt = performance.now()
    assert.equal(byStatus(await run(inBatches(records(500), 50))).indexed, 500)
    assert.ok(performance.now() - startedAt < 1500)
  },
  { requestTimeoutMs: 8000, probeIntervalMs: 50, maxConcurrency: 2 },
)

bench(
  'bulks that are never answered from the very first one on are sent again as soon as a write is answered',
  async ({ fake, run }) => {
    let hanging = true
    setTimeout(() => (hanging = false), 200)
    fake.onBulk = () => (hanging ? 'hang' : 'ok')
    fake.onPut = () => (hanging ? 'hang' : 200)
    const startedAt = performance.now()
    assert.equal(byStatus(await run(inBatches(records(500), 50))).indexed, 500)
    assert.ok(performance.now() - startedAt < 1500)
  },
  { requestTimeoutMs: 8000, probeIntervalMs: 50, maxConcurrency: 2 },
)

bench(
  'a slow Elasticsearch keeps its requests',
  async ({ fake, run }) => {
    fake.onBulk = async () => {
      await new Promise((resolve) => setTimeout(resolve, 600))
      return 'ok' as const
    }
    assert.equal(byStatus(await run(inBatches(records(200), 50))).indexed, 200)
    assert.equal(fake.bulks.length, 4)
  },
  { probeIntervalMs: 150 },
)

bench(
  'a record whose partition moves while the line waits is released while it waits',
  async ({ fake, stage }) => {
    const moved = new AbortController()
    let down = true
    fake.onBulk = () => (down ? { status: 503 } : 'ok')
    const batch = [inFlight(0), inFlight(1, { lease: moved.signal }), inFlight(2)]
    setTimeout(() => {
      moved.abort()
    }, 30)
    const statuses: string[] = []
    for await (const one of stage([batch])) {
      statuses.push(one.status)
      if (one.status === 'released') {
        assert.ok(down)
        down = false
      }
    }
    assert.deepEqual(statuses, ['released', 'indexed', 'indexed'])
  },
)

const deadlineInOutage = new AbortController()
bench(
  'the cut-off ends the wait of an outage',
  async ({ fake, run }) => {
    fake.onBulk = () => 'reset'
    setTimeout(() => {
      deadlineInOutage.abort()
    }, 100)
    assert.equal(byStatus(await run(inBatches(records(500), 50))).released, 500)
  },
  { cutOff: deadlineInOutage.signal },
)

bench(
  'no more is pulled than may be held while Elasticsearch is down',
  async ({ fake, stage }) => {
    let down = true
    let pulled = 0
    fake.onBulk = () => (down ? 'reset' : 'ok')
    async function* source() {
      for (; pulled < 100; pulled++) yield records(10, pulled * 10)
    }
    const finished = toArray(stage(source()))
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.ok(pulled <= 10, `${pulled} batches`)
    down = false
    assert.equal((await finished).length, 1000)
  },
  { maxHeldRecords: 50 },
)
