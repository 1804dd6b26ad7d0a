import assert from 'node:assert/strict'
import test from 'node:test'
import type { Delivery, Finished, Indexed } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import type { EnrichdError } from '../../src/errors.js'
import { indexBatches, type IndexBatchesOptions } from '../../src/sink/bulk-index.js'
import { bench, offsets, range, records, rejected } from '../support/bulk-bench.js'
import { byStatus, inBatches, inFlight, sinkDocument, sinkRecord, until } from '../support/sink-records.js'

bench(
  'every record comes out with its receipt, and is in the index under its own id',
  async ({ fake, run }) => {
    const finished = await run(inBatches(records(230), 50))
    assert.deepEqual(offsets(finished), range(230))
    for (const one of finished as Indexed[]) {
      assert.deepEqual(one.receipt, { index: 'logs-2023', id: one.record.id, outcome: 'indexed' })
      const stored = fake.documents.get(`logs-2023/${one.record.id}`)
      assert.deepEqual(JSON.parse(stored ?? ''), { message: 'm', offset: one.record.offset })
    }
    assert.deepEqual(fake.bulks.map(({ items }) => items.length).sort(), [30, 50, 50, 50, 50])
  },
)

bench(
  'with create, a document that is there already is a success',
  async ({ fake, run }) => {
    await run([records(3)])
    const again = (await run([records(5)])) as Indexed[]
    const outcomes = again.map(({ receipt }) => receipt.outcome)
    assert.deepEqual(outcomes, ['exists', 'exists', 'exists', 'indexed', 'indexed'])
    assert.equal(fake.documents.size, 5)
  },
  { opType: 'create' },
)

bench('an id with quotes, backslashes and line ends arrives as it is', async ({ fake, run }) => {
  const id = 'a"b\\c\nd\u2028é'
  await run([[{ status: 'in-flight', record: sinkRecord(0, { id }), value: sinkDocument() }]])
  assert.equal(fake.bulks[0]?.items[0]?.id, id)
})

bench(
  'an id too long for Elasticsearch is the record’s fault, and its batch goes in',
  async ({ fake, run }) => {
    const finished = await run([[inFlight(0, { id: 'é'.repeat(257) }), inFlight(1)]])
    assert.deepEqual(byStatus(finished), { indexed: 1, rejected: 1, dropped: 0, released: 0 })
    assert.equal(fake.bulks[0]?.items.length, 1)
  },
)

bench('what is finished already is handed on untouched', async ({ run }) => {
  const dropped: Finished = { status: 'dropped', record: sinkRecord(7), policy: 'p' }
  const finished = await run([[inFlight(0), dropped, inFlight(1)], [dropped]])
  assert.equal(finished.filter((one) => one === dropped).length, 2)
  assert.equal(finished.length, 4)
})

bench('a record with a bad index name is rejected, and its batch goes in', async ({ run }) => {
  const bad = { status: 'in-flight' as const, record: sinkRecord(9), value: sinkDocument({}, Number.NaN) }
  const finished = await run([[inFlight(0), bad]])
  const [rejection] = rejected(finished)
  assert.equal(rejection?.reason, 'document-rejected')
  assert.equal((rejection.error as { code?: string }).code, 'INDEX_NAME_INVALID')
  assert.equal(finished.length, 2)
})

bench('an item that the mapping refuses is rejected at once, with its story', async ({ fake, run }) => {
  fake.onBulk = () => ({
    item: ({ id }) =>
      id.startsWith('logs-0-3-')
        ? { status: 400, type: 'document_parsing_exception', reason: 'no date' }
        : undefined,
  })
  const finished = await run([records(10)])
  const [rejection] = rejected(finished)
  const error = rejection?.error as EnrichdError
  assert.deepEqual(
    [rejection?.reason, rejection?.stage, rejection?.attempts, error.code],
    ['document-rejected', 'index', 1, 'INDEX_REJECTED'],
  )
  assert.deepEqual(error.context, { stage: 'index', topic: 'logs', partition: 0, offset: 3, attempt: 1 })
  assert.equal(fake.bulks.length, 1)
  assert.equal(byStatus(finished).indexed, 9)
})

bench(
  'items refused for overload are sent again alone, while their mates are handed on',
  async ({ fake, stage }) => {
    const busy = (id: string) => /-0-(2|5)-/.test(id)
    fake.onBulk = (_, number) => ({
      item: ({ id }) =>
        busy(id) && number < 4
          ? { status: 429, type: 'es_rejected_execution_exception', reason: 'full' }
          : undefined,
    })
    const order: number[] = []
    for await (const one of stage([records(8)])) {
      assert.equal(one.status, 'indexed')
      order.push(one.record.offset)
      if (order.length === 6) assert.equal(fake.bulks.length, 1)
    }
    assert.deepEqual(order, [0, 1, 3, 4, 6, 7, 2, 5])
    assert.deepEqual(
      fake.bulks.map(({ items }) => items.length),
      [8, 2, 2, 2],
    )
  },
)

bench('an unknown refusal of one item becomes a dead letter after three attempts', async ({ fake, run }) => {
  fake.onBulk = () => ({
    item: ({ id }) =>
      id.includes('-0-4-') ? { status: 400, type: 'odd_exception', reason: 'odd' } : undefined,
  })
  const finished = await run([records(10)])
  const [rejection] = rejected(finished)
  assert.deepEqual(
    [rejection?.record.offset, rejection?.reason, rejection?.attempts],
    [4, 'document-rejected', 3],
  )
  assert.equal((rejection?.error as EnrichdError).code, 'INDEX_UNKNOWN_ITEM_ERROR')
  assert.equal(byStatus(finished).indexed, 9)
  // The later attempts have a document that is known to be good beside them.
  assert.deepEqual(
    fake.bulks.map(({ items }) => items.length),
    [10, 2, 2],
  )
})

bench(
  'a bulk that is too large is split, and only a document that is too large alone is rejected',
  async (own) => {
    const { fake, run } = own
    fake.onBulk = (items) =>
      items.length > 3 || items.some(({ id }) => id.includes('-0-6-'))
        ? { status: 413, body: '<html>' }
        : 'ok'
    const finished = await run([records(10)])
    assert.equal(byStatus(finished).indexed, 9)
    const [rejection] = rejected(finished)
    assert.deepEqual([rejection?.record.offset, rejection?.reason], [6, 'document-too-large'])
  },
)

bench('a request that fails for one document only is split until that one stands alone', async (own) => {
  const { fake, told, stage } = own
  let repaired = false
  fake.onBulk = (items) =>
    !repaired && items.some(({ id }) => id.includes('-0-5-')) ? { status: 400 } : 'ok'
  async function* source() {
    yield records(8)
    for (let offset = 8; !repaired; offset++) {
      yield [inFlight(offset)]
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const indexed = new Set<number>()
  for await (const { record, status } of stage(source())) {
    assert.equal(status, 'indexed')
    indexed.add(record.offset)
    if (range(8).every((offset) => offset === 5 || indexed.has(offset))) repaired = true
  }
  assert.ok(indexed.has(5))
  assert.ok(told.count('warning') <= 1)
})

bench('a record whose partition moved is released instead of sent', async ({ fake, run }) => {
  const moved = new AbortController()
  moved.abort()
  const finished = await run([[inFlight(0), inFlight(1, { lease: moved.signal }), inFlight(2)]])
  assert.deepEqual(byStatus(finished), { indexed: 2, rejected: 0, dropped: 0, released: 1 })
  assert.equal(fake.bulks[0]?.items.length, 2)
})

const deadline = new AbortController()
bench(
  'the cut-off cancels what is in flight and releases everything, also what still comes',
  async ({ fake, run }) => {
    fake.onBulk = (items) => (items.some(({ id }) => id.includes('-0-0-')) ? 'ok' : 'hang')
    async function* source() {
      yield records(10)
      yield records(10, 10)
      yield records(10, 20)
      await until(() => fake.bulks.length === 3, 'three bulks are in flight')
      deadline.abort(new Error('deadline'))
      for (let from = 30; from < 100; from += 10) yield records(10, from)
    }
    const finished = await run(source())
    assert.deepEqual(offsets(finished), range(100))
    assert.deepEqual(byStatus(finished), { indexed: 10, rejected: 0, dropped: 0, released: 90 })
    assert.equal(fake.bulks.length, 3)
    await until(() => fake.inFlight === 0, 'the requests are cancelled')
  },
  { cutOff: deadline.signal },
)

bench('an error of the source follows every record that came before it', async ({ stage }) => {
  async function* failing() {
    yield records(10)
    yield records(10, 10)
    throw new Error('the source failed')
  }
  const finished: Finished[] = []
  await assert.rejects(async () => {
    for await (const one of stage(failing())) finished.push(one)
  }, /the source failed/)
  assert.equal(byStatus(finished).indexed, 20)
})

bench('an early return cancels what is in flight and closes the source', async ({ fake, stage }) => {
  fake.onBulk = (_, number) => (number === 1 ? 'ok' : 'hang')
  let closed = false
  async function* source() {
    try {
      for (let from = 0; ; from += 10) yield records(10, from)
    } finally {
      closed = true
    }
  }
  for await (const one of stage(source())) {
    assert.equal(one.status, 'indexed')
    await until(() => fake.bulks.length > 2, 'more bulks are in flight')
    break
  }
  assert.ok(closed)
  await until(() => fake.inFlight === 0, 'nothing is in flight')
})

bench(
  'no more bulks are in flight than allowed',
  async ({ fake, run }) => {
    fake.onBulk = async () => {
      await new Promise((resolve) => setTimeout(resolve, 3))
      return 'ok' as const
    }
    await run(inBatches(records(600), 10))
    assert.equal(fake.maxInFlight, 3)
  },
  { maxConcurrency: 3 },
)

bench(
  'records that would make too many indices wait, loudly, while the others flow',
  async ({ fake, told, stage }) => {
    const monthly = (offset: number, year: number): Delivery<EnrichedDocument> => ({
      status: 'in-flight',
      record: sinkRecord(offset),
      value: sinkDocument({ offset }, Date.UTC(year, 1)),
    })
    fake.documents.set('logs-1999/already-there', '{}')
    const years = [2001, 2002, 2003, 1999, 2001, 2004]
    const finished: Finished[] = []
    for await (const one of stage([years.map((year, offset) => monthly(offset, year))])) {
      finished.push(one)
      if (finished.length === 4) break
    }
    assert.deepEqual(offsets(finished), [0, 1, 3, 4])
    const [event, , detail] = told.told.find((entry) => entry.event === 'warning')?.args as unknown[]
    assert.deepEqual([event, detail], ['elasticsearch.records_wait', { code: 'INDEX_TOO_MANY_NAMES' }])
    assert.deepEqual(
      new Set(fake.heads.filter((name) => name !== '')),
      new Set(['logs-2001', 'logs-2002', 'logs-2003', 'logs-1999', 'logs-2004']),
    )
  },
  { maxNewNamesPerHour: 2 },
)

bench('whether an index exists is asked once, not for every bulk', async ({ fake, run }) => {
  await run(inBatches(records(500), 10))
  assert.deepEqual(
    fake.heads.filter((name) => name !== ''),
    ['logs-2023'],
  )
})

bench('where we may not ask whether an index exists, documents go in all the same', async ({ fake, run }) => {
  fake.onHead = () => 403
  assert.equal(byStatus(await run([records(5)])).indexed, 5)
})

test('bounds that are none are refused', () => {
  const good = { maxConcurrency: 1, maxHeldRecords: 1, probeIntervalMs: 1, retry: { limit: 1, delayMs: 0 } }
  for (const bad of [
    { maxConcurrency: 0 },
    { maxHeldRecords: 1.5 },
    { probeIntervalMs: Number.NaN },
    { retry: { limit: 0, delayMs: 0 } },
    { retry: { limit: 1, delayMs: -1 } },
  ]) {
    assert.throws(() => indexBatches({ ...good, ...bad } as IndexBatchesOptions), RangeError)
  }
})
